"""`release resume`: what waits before its switch is judged by the vetoes of others, as a new promotion would be."""

from dataclasses import replace
from typing import Any

import pytest

from release.process.errors import Broken, Refused
from release.records.ledger.head import Open, State
from release.records.ledger.ledger import Entry
from release.records.ledger.stops import Cause, Stops, vetoed, without_veto
from release.verbs.promote import Route, proposal_into
from release.verbs.resume import resume_in
from release.work.executor import Proposal, deploy
from tests.aws_clients import aws_resource
from tests.release.deploying import Silent, proposal, put
from tests.release.world import OPS, World


def head(world: World) -> State:
    return world.qa.ledger.head().state


def paused(world: World, **changes: Any) -> Open:
    """A promotion from dev that waits in qa before its switch."""
    put(world, "1.0.0")
    ordered = proposal_into(world.qa, "1.0.0", Route(source=None, target="qa", pause=True), Silent())
    world.qa.releases.adopt(world.dev.releases.get("1.0.0"), world.dev.releases)
    deploy(world.qa, replace(ordered, **changes), OPS, Silent())
    opened = head(world).open
    assert opened is not None
    return opened


def veto(world: World, digest: str) -> None:
    cause = Cause(reason="loses rows", by="ann", at=world.clock())

    def rule(stops: Stops) -> Stops:
        return vetoed(stops, cause, release="1.0.0", digest=digest)

    world.dev.stops.change("veto set", rule, OPS, {})


def spoil_stops(world: World) -> None:
    aws_resource("dynamodb").Table(world.dev.ledger.table.name).put_item(Item={"kind": "STOPS", "seq": 0, "body": "["})


@pytest.mark.parametrize("kind", ["promotion", "hotfix"])
def test_a_veto_upstream_refuses_what_waits_before_its_switch_until_it_is_lifted(world: World, kind: str) -> None:
    opened = paused(world, kind=kind)
    veto(world, opened.digest)
    why = r"promoting 1\.0\.0 to qa is refused: 1\.0\.0 is vetoed in dev by ann .*\(no veto\).*release abort qa"
    with pytest.raises(Refused, match=why):
        resume_in(world.qa, OPS, Silent())
    assert head(world).open == opened
    world.dev.stops.change("veto lifted", lambda stops: without_veto(stops, "1.0.0"), OPS, {})
    assert resume_in(world.qa, OPS, Silent()).version == "1.0.0"


def test_a_veto_of_any_other_environment_refuses_it_as_well(world: World) -> None:
    opened = paused(world, source=None)
    veto(world, opened.digest)
    with pytest.raises(Refused, match="vetoed in dev by ann"):
        resume_in(world.qa, OPS, Silent())


def test_a_veto_of_other_bytes_refuses_nothing(world: World) -> None:
    paused(world)
    veto(world, "f" * 64)
    assert resume_in(world.qa, OPS, Silent()).version == "1.0.0"


def test_where_the_source_cannot_be_asked_nothing_is_resumed_and_nothing_is_put_back(world: World) -> None:
    opened = paused(world)
    spoil_stops(world)
    with pytest.raises(Broken, match="what is stopped is not readable"):
        resume_in(world.qa, OPS, Silent())
    assert head(world).open == opened


def test_behind_the_switch_nobody_elsewhere_is_asked(world: World) -> None:
    """Users have it: what others say by now takes nothing from them."""
    opened = paused(world)
    world.qa.listeners.move(world.qa.listeners.find(), opened.slot)
    behind = head(world).but(declared=opened.slot, open=opened.but(step="answered", done=False, stopped=""))
    world.qa.ledger.note(Entry(kind="note", state=behind), world.qa.ledger.head(), OPS)
    veto(world, opened.digest)
    assert resume_in(world.qa, OPS, Silent()).version == "1.0.0"


def test_what_is_deployed_again_is_judged_by_its_own_environment_alone(world: World) -> None:
    put(world, "1.0.0")
    again: Proposal = proposal(world.dev, world.dev.releases.get("1.0.0"), "redeployment", pause=True)
    deploy(world.dev, again, OPS, Silent())
    cause = Cause(reason="loses rows", by="ann", at=world.clock())
    digest = again.release.digest or ""
    world.qa.stops.change("veto set", lambda stops: vetoed(stops, cause, release="1.0.0", digest=digest), OPS, {})
    assert resume_in(world.dev, OPS, Silent()).version == "1.0.0"
