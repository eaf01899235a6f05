"""`release veto`: bytes are kept out of every environment that can be written, and where not is told."""

from dataclasses import replace

import pytest

from release.process.errors import Broken, Refused
from release.records.artifacts.archive import inspect_artifact
from release.records.ledger.head import Content, Former, Open, Previous, State
from release.records.ledger.ledger import Entry
from release.rules.plan import content_of
from release.verbs.redeploy import proposal_again
from release.verbs.rollback import Request, proposal_back
from release.verbs.veto import digests_in, lift_veto, refuse_failed, veto, veto_text
from tests.aws_clients import aws_resource
from tests.release.deploying import CALL, Silent, call_in, kinds, put, refused, to_qa
from tests.release.world import OPS, World, build_artifact


def test_a_veto_stands_in_every_environment_until_it_is_lifted(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    assert veto(CALL, "1.1.0", reason="loses rows")["changed"] == ["dev", "qa"]
    with pytest.raises(Refused, match="vetoed already"):
        veto(CALL, "1.1.0", reason="again")
    assert (refused(to_qa("1.1.0")), refused(proposal_again(world.dev))) == (["no veto"], ["no veto"])
    assert refused(proposal_back(world.dev, Request(), Silent())) == []
    assert lift_veto(CALL, "1.1.0", reason="a mistake")["changed"] == ["dev", "qa"]
    assert (refused(to_qa("1.1.0")), kinds(world.dev.ledger)) == ([], ["veto set", "veto lifted"])


def test_a_veto_that_could_not_be_written_everywhere_says_where(world: World) -> None:
    world.publish("1.0.0")
    aws_resource("dynamodb").Table(world.qa.ledger.table.name).put_item(Item={"kind": "STOPS", "seq": 0, "body": "["})
    report = veto(CALL, "1.0.0", reason="loses rows")
    assert "not written in qa: what is stopped is not readable" in veto_text(report, lifted=False)
    with pytest.raises(Broken, match=r"the veto of 1\.0\.0 is not whole in qa: what is stopped is not readable.*again"):
        refuse_failed(report)
    assert world.dev.stops.read().vetoes[0].release == "1.0.0"


def test_a_veto_that_was_written_everywhere_ends_well(world: World) -> None:
    world.publish("1.0.0")
    refuse_failed(veto(CALL, "1.0.0", reason="loses rows"))
    refuse_failed(lift_veto(CALL, "1.0.0", reason="a mistake"))


def test_a_veto_whose_lifting_could_not_be_written_everywhere_ends_broken(world: World) -> None:
    world.publish("1.0.0")
    veto(CALL, "1.0.0", reason="loses rows")
    aws_resource("dynamodb").Table(world.qa.ledger.table.name).put_item(Item={"kind": "STOPS", "seq": 0, "body": "["})
    with pytest.raises(Broken, match="not whole in qa"):
        refuse_failed(lift_veto(CALL, "1.0.0", reason="a mistake"))


KNOWN_BY = ["HEAD", "index", "manifest"]


@pytest.mark.parametrize("known_by", KNOWN_BY)
def test_a_veto_is_of_all_bytes_that_an_environment_knows_under_the_version(world: World, known_by: str) -> None:
    first = world.publish("1.0.0")
    other = content_of(first).but(digest="f" * 64)
    if known_by == "HEAD":
        record(world, Entry(kind="note", state=State(previous=previous_with(other))))
    elif known_by == "index":
        record(world, Entry(kind="promotion requested", state=State(), deployment="qa-1", begins=other))
    else:
        path = build_artifact(world.folder / "other.tar.gz", {"note": "other bytes"})
        artifact = inspect_artifact(path)
        other = other.but(digest=artifact.digest)
        world.qa.releases.publish(artifact, replace(first, digest=artifact.digest, size=artifact.size))
    report = veto(CALL, "1.0.0", reason="loses rows")
    assert report["digests"] == [first.digest, other.digest]
    for environment in (world.dev, world.qa):
        assert [one.digest for one in environment.stops.read().vetoes] == report["digests"]
    lift_veto(CALL, "1.0.0", reason="a mistake")
    assert world.qa.stops.read().vetoes == ()


def test_an_environment_that_cannot_be_asked_for_its_bytes_is_told_and_vetoes_those_of_others(world: World) -> None:
    digest = world.publish("1.0.0").digest
    aws_resource("dynamodb").Table(world.qa.ledger.table.name).put_item(
        Item={"kind": "RELEASE#1.0.0", "seq": 0, "body": "["}
    )
    report = veto(CALL, "1.0.0", reason="loses rows")
    assert (report["changed"], report["digests"], report["failed"]) == (["dev", "qa"], [digest], {})
    assert "qa may know other bytes of it: what the ledger knows of 1.0.0" in veto_text(report, lifted=False)
    with pytest.raises(Broken, match="not whole in qa"):
        refuse_failed(report)


def test_of_heads_bytes_those_under_the_version_are_meant_wherever_they_stand() -> None:
    found = State(
        blue=slot_of("1.0.0", "a"),
        green=slot_of("1.1.0", "b"),
        previous=previous_with(slot_of("1.0.0", "c")),
        open=open_of("1.0.0", "d", former=slot_of("1.0.0", "e")),
    )
    assert list(digests_in(found, "1.0.0")) == ["a", "c", "d", "e"]
    assert (list(digests_in(found, "9.9.9")), list(digests_in(State(), "1.0.0"))) == ([], [])


def slot_of(version: str, digest: str) -> Content:
    return Content(release=version, digest=digest, artifact_key="k", deployment="dev-1")


def previous_with(slot: Content) -> Previous:
    return Previous(release=slot.release or "", digest=slot.digest or "", deployment="dev-1")


def open_of(version: str, digest: str, former: Content) -> Open:
    return Open(
        deployment="dev-2",
        kind="promotion",
        release=version,
        digest=digest,
        slot="green",
        step="installed",
        requested=3,
        former=Former(declared=None, content=former),
    )


def record(world: World, entry: Entry) -> None:
    world.qa.ledger.note(entry, world.qa.ledger.head(), OPS)


@pytest.mark.parametrize("broken", ["config: [", "config: {}"], ids=["no-yaml", "no-settings"])
@pytest.mark.parametrize(("name", "written"), [("dev", ["qa"]), ("qa", ["dev"]), ("prod", ["dev", "qa"])])
def test_a_broken_stack_file_keeps_a_veto_out_of_its_own_environment_only(
    world: World, name: str, written: list[str], broken: str
) -> None:
    put(world, "1.0.0")
    world.qa.releases.adopt(world.dev.releases.get("1.0.0"), world.dev.releases)
    folder = world.project_with(**{name: broken})
    report = veto(call_in(folder), "1.0.0", reason="loses rows")
    assert (report["changed"], list(report["failed"])) == (written, [name])
    assert f"not written in {name}: Pulumi.{name}.yaml: " in veto_text(report, lifted=False)
    assert lift_veto(call_in(folder), "1.0.0", reason="a mistake")["changed"] == written


def test_what_was_never_published_cannot_be_vetoed(world: World) -> None:
    with pytest.raises(Refused, match="never published"):
        veto(CALL, "9.9.9", reason="for fun")
