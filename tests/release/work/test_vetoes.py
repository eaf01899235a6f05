"""Vetoes of other environments: asked as far as they can be, and none of them stops anybody by its silence."""

from release.verbs.veto import veto
from release.work.vetoes import vetoes_elsewhere
from settings.stackfile import Project
from tests.aws_clients import aws_resource
from tests.release.deploying import CALL
from tests.release.world import STAGELINE, World


def test_a_veto_is_written_to_every_environment_that_can_be_asked_and_found_there(world: World) -> None:
    digest = world.publish("1.0.0").digest
    report = veto(CALL, "1.0.0", reason="loses rows")
    assert (report["changed"], sorted(report["failed"])) == (["dev", "qa"], [])
    found = vetoes_elsewhere(STAGELINE, digest, {"prod"})
    assert {name: one.reason for name, one in found.items()} == {"dev": "loses rows", "qa": "loses rows"}
    assert vetoes_elsewhere(STAGELINE, digest, {"dev", "qa"}) == {}


def test_an_environment_that_cannot_be_asked_says_nothing(world: World) -> None:
    digest = world.publish("1.0.0").digest
    veto(CALL, "1.0.0", reason="loses rows")
    table = aws_resource("dynamodb").Table(world.qa.ledger.table.name)
    table.put_item(Item={"kind": "STOPS", "seq": 0, "body": "[[["})
    assert list(vetoes_elsewhere(STAGELINE, digest, ())) == ["dev"]


def test_a_stack_file_that_cannot_be_read_hides_the_veto_of_no_other_environment(world: World) -> None:
    digest = world.publish("1.0.0").digest
    veto(CALL, "1.0.0", reason="loses rows")
    assert list(vetoes_elsewhere(Project(world.project_with(prod="config: [")), digest, {"dev"})) == ["qa"]
