"""Hold, freeze and veto: set and lifted by a person with a reason, and what they refuse."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from release.artifacts.archive import inspect_artifact
from release.deployment.executor import resume
from release.deployment.lanes import IN_PLACE
from release.environment import open_environment
from release.errors import Broken, Refused, WrongUsage
from release.ledger.head import Former, Open, Previous, Slot, State
from release.ledger.ledger import Entry
from release.ledger.stops import Cause, asked_to_end, frozen, held, parse_change, stops_json, vetoed, without_veto
from release.processes import Processes
from release.verbs.abort import abort_text
from release.verbs.freeze import checked_end, freeze, lift_freeze
from release.verbs.hold import hold, lift_hold
from release.verbs.plan import order_report, report_text
from release.verbs.promote import Route, content_of, promotion_order
from release.verbs.redeploy import redeployment_order
from release.verbs.rollback import Request, order_back
from release.verbs.status import status, status_text
from release.verbs.stop import stop, stop_text
from release.verbs.veto import digests_in, lift_veto, refuse_failed, veto, veto_text
from tests.aws_clients import aws_resource
from tests.project import PROJECT
from tests.release.deploying import Silent, put
from tests.release.world import OPS, World, build_artifact


def refused(order) -> list[str]:
    return [gate.name for gate in order.gates if not gate.passed]


def to_qa(version: str = "1.0.0"):
    return promotion_order(PROJECT, version, Route(source=None, target="qa"), Silent())


def kinds(ledger) -> list[str]:
    return [parse_change(item.body, item.seq).kind for item in ledger.table.items("STOP")][-2:]


def test_a_hold_keeps_promotions_out_until_it_is_lifted_and_both_are_in_the_ledger(world: World) -> None:
    put(world, "1.0.0")
    hold(PROJECT, "qa", reason="incident 7", ci="")
    assert (refused(to_qa()), status(PROJECT, "qa")["environments"][0]["hold"]["reason"]) == (["no hold"], "incident 7")
    assert status_text(status(PROJECT, "qa")).splitlines()[1].endswith("on hold")
    with pytest.raises(Refused, match="on hold already"):
        hold(PROJECT, "qa", reason="incident 8", ci="")
    lift_hold(PROJECT, "qa", reason="mended", ci="")
    assert (refused(to_qa()), kinds(world.qa.ledger)) == ([], ["hold set", "hold lifted"])
    with pytest.raises(Refused, match="not on hold"):
        lift_hold(PROJECT, "qa", reason="again", ci="")


@pytest.fixture
def meanwhile() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Lets somebody else do something just before the next verb writes into a ledger."""
    events = open_environment(PROJECT, "qa").session.client("dynamodb").meta.events
    waiting: list[Callable[[], object]] = []

    def called(model: Any, **_: object) -> None:
        while waiting and model.name == "TransactWriteItems":
            waiting.pop()()

    events.register("before-call", called)
    yield waiting.append
    events.unregister("before-call", called)


def set_anew(world: World, what: str) -> None:
    """Somebody lifts a stop and sets it for another reason; beside it another one."""
    anew = Cause(reason="incident 9", by="ann", at=world.clock())
    other = partial(vetoed, cause=anew, release="0.9.0", digest="0" * 64)
    rules = {
        "hold": lambda stops: held(stops.but(hold=None), anew),
        "freeze": lambda stops: frozen(stops, anew, datetime(2099, 6, 1, tzinfo=UTC)),
        "veto": lambda stops: vetoed(without_veto(stops, "1.0.0"), anew, release="1.0.0", digest="d"),
        "another": other,
    }
    world.qa.stops.change(f"{what} set anew", rules[what], OPS, {})


LIFTS = {
    "hold": lambda: lift_hold(PROJECT, "qa", reason="over", ci=""),
    "freeze": lambda: lift_freeze(PROJECT, "qa", reason="over", ci=""),
    "veto": lambda: lift_veto(PROJECT, "1.0.0", reason="over", ci=""),
}


def stop_with(world: World, what: str) -> None:
    world.publish("1.0.0")
    hold(PROJECT, "qa", reason="incident 7", ci="")
    freeze(PROJECT, "qa", until="2099-01-01T00:00Z", reason="holidays", ci="")
    if what == "veto":
        first = Cause(reason="loses rows", by="ops", at=world.clock())
        world.qa.stops.change("veto set", partial(vetoed, cause=first, release="1.0.0", digest="d"), OPS, {})


@pytest.mark.parametrize("what", LIFTS)
def test_a_stop_that_was_set_anew_meanwhile_is_not_lifted(world: World, meanwhile, what: str) -> None:
    stop_with(world, what)
    meanwhile(lambda: set_anew(world, what))
    if what == "veto":
        assert "changed meanwhile" in LIFTS[what]()["failed"]["qa"]
    else:
        with pytest.raises(Refused, match=rf"the {what} of qa changed meanwhile.*run it again"):
            LIFTS[what]()
    assert "incident 9" in stops_json(world.qa.stops.read())


@pytest.mark.parametrize("what", LIFTS)
def test_a_stop_is_lifted_whatever_else_was_stopped_meanwhile(world: World, meanwhile, what: str) -> None:
    stop_with(world, what)
    meanwhile(lambda: set_anew(world, "another"))
    LIFTS[what]()
    stops = world.qa.stops.read()
    assert [one.release for one in stops.vetoes] == ["0.9.0"]
    assert {"hold": stops.hold, "freeze": stops.freeze}.get(what) is None


def test_a_freeze_is_made_longer_by_another_and_shorter_only_once_it_is_lifted(world: World) -> None:
    freeze(PROJECT, "qa", until="2099-01-01T00:00Z", reason="holidays", ci="")
    with pytest.raises(
        Refused, match=r"frozen for longer, until 2099-01-01T00:00:00\+00:00 by .*: holidays; .*freeze qa --lift"
    ):
        freeze(PROJECT, "qa", until="2098-12-31T23:00Z", reason="a slip", ci="")
    assert world.qa.stops.read().freeze.reason == "holidays"
    freeze(PROJECT, "qa", until="2099-01-02T00:00Z", reason="longer holidays", ci="")
    assert world.qa.stops.read().freeze.reason == "longer holidays"
    lift_freeze(PROJECT, "qa", reason="back", ci="")
    freeze(PROJECT, "qa", until="2098-01-01T00:00Z", reason="shorter", ci="")
    assert world.qa.stops.read().freeze.reason == "shorter"


def test_a_freeze_that_is_over_keeps_no_other_one_out(world: World) -> None:
    over = Cause(reason="over", by="ops", at=world.clock())
    world.qa.stops.change("freeze set", lambda stops: frozen(stops, over, world.clock()), OPS, {})
    freeze(PROJECT, "qa", until="2099-01-01T00:00Z", reason="holidays", ci="")
    assert world.qa.stops.read().freeze.reason == "holidays"


def test_a_freeze_ends_by_itself_or_is_lifted(world: World) -> None:
    put(world, "1.0.0")
    freeze(PROJECT, "qa", until="2099-12-24T18:00+01:00", reason="holidays", ci="")
    assert refused(to_qa()) == ["no freeze"]
    assert "frozen until 2099-12-24T17:00:00+00:00" in status_text(status(PROJECT, "qa"))
    lift_freeze(PROJECT, "qa", reason="back", ci="")
    assert (refused(to_qa()), kinds(world.qa.ledger)) == ([], ["freeze set", "freeze lifted"])
    with pytest.raises(Refused, match="not frozen"):
        lift_freeze(PROJECT, "qa", reason="again", ci="")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("tomorrow", "'tomorrow' is no time", id="no-time"),
        pytest.param("2026-12-24T18:00", "names no zone", id="no-zone"),
        pytest.param("2026-11-20T12:59:59+01:00", "is over", id="over"),
        pytest.param("9999-12-31T23:59:59-01:00", "not in the years 1 to 9999", id="after-all-years"),
        pytest.param("0001-01-01T00:00:00+01:00", "not in the years 1 to 9999", id="before-all-years"),
    ],
)
def test_the_end_of_a_freeze_names_its_zone_and_is_still_to_come(world: World, text: str, why: str) -> None:
    with pytest.raises(WrongUsage, match=why):
        checked_end(text, world.clock())


def test_a_veto_stands_in_every_environment_until_it_is_lifted(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    assert veto(PROJECT, "1.1.0", reason="loses rows", ci="")["changed"] == ["dev", "qa"]
    with pytest.raises(Refused, match="vetoed already"):
        veto(PROJECT, "1.1.0", reason="again", ci="")
    assert (refused(to_qa("1.1.0")), refused(redeployment_order(PROJECT, "dev"))) == (["no veto"], ["no veto"])
    assert refused(order_back(world.dev, Request(), Silent())) == []
    assert lift_veto(PROJECT, "1.1.0", reason="a mistake", ci="")["changed"] == ["dev", "qa"]
    assert (refused(to_qa("1.1.0")), kinds(world.dev.ledger)) == ([], ["veto set", "veto lifted"])


def test_a_veto_that_could_not_be_written_everywhere_says_where(world: World) -> None:
    world.publish("1.0.0")
    aws_resource("dynamodb").Table(world.qa.ledger.table.name).put_item(Item={"kind": "STOPS", "seq": 0, "body": "["})
    report = veto(PROJECT, "1.0.0", reason="loses rows", ci="")
    assert "not written in qa: what is stopped is not readable" in veto_text(report, lifted=False)
    with pytest.raises(Broken, match=r"the veto of 1\.0\.0 is not whole in qa: what is stopped is not readable.*again"):
        refuse_failed(report)
    assert world.dev.stops.read().vetoes[0].release == "1.0.0"


def test_a_veto_that_was_written_everywhere_ends_well(world: World) -> None:
    world.publish("1.0.0")
    refuse_failed(veto(PROJECT, "1.0.0", reason="loses rows", ci=""))
    refuse_failed(lift_veto(PROJECT, "1.0.0", reason="a mistake", ci=""))


def test_a_veto_whose_lifting_could_not_be_written_everywhere_ends_broken(world: World) -> None:
    world.publish("1.0.0")
    veto(PROJECT, "1.0.0", reason="loses rows", ci="")
    aws_resource("dynamodb").Table(world.qa.ledger.table.name).put_item(Item={"kind": "STOPS", "seq": 0, "body": "["})
    with pytest.raises(Broken, match="not whole in qa"):
        refuse_failed(lift_veto(PROJECT, "1.0.0", reason="a mistake", ci=""))


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
    report = veto(PROJECT, "1.0.0", reason="loses rows", ci="")
    assert report["digests"] == [first.digest, other.digest]
    for environment in (world.dev, world.qa):
        assert [one.digest for one in environment.stops.read().vetoes] == report["digests"]
    lift_veto(PROJECT, "1.0.0", reason="a mistake", ci="")
    assert world.qa.stops.read().vetoes == ()


def test_an_environment_that_cannot_be_asked_for_its_bytes_is_told_and_vetoes_those_of_others(world: World) -> None:
    digest = world.publish("1.0.0").digest
    aws_resource("dynamodb").Table(world.qa.ledger.table.name).put_item(
        Item={"kind": "RELEASE#1.0.0", "seq": 0, "body": "["}
    )
    report = veto(PROJECT, "1.0.0", reason="loses rows", ci="")
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


def slot_of(version: str, digest: str) -> Slot:
    return Slot(release=version, digest=digest, artifact_key="k", deployment="dev-1")


def previous_with(slot: Slot) -> Previous:
    return Previous(release=slot.release or "", digest=slot.digest or "", deployment="dev-1")


def open_of(version: str, digest: str, former: Slot) -> Open:
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
    report = veto(folder, "1.0.0", reason="loses rows", ci="")
    assert (report["changed"], list(report["failed"])) == (written, [name])
    assert f"not written in {name}: Pulumi.{name}.yaml: " in veto_text(report, lifted=False)
    assert lift_veto(folder, "1.0.0", reason="a mistake", ci="")["changed"] == written


def test_what_was_never_published_cannot_be_vetoed(world: World) -> None:
    with pytest.raises(Refused, match="never published"):
        veto(PROJECT, "9.9.9", reason="for fun", ci="")


def test_stops_are_set_and_lifted_while_somebody_is_at_work(world: World) -> None:
    """The emergency brake does not wait for the train."""
    head = world.qa.ledger.head()
    world.qa.ledger.begin(Entry(kind="note", state=head.state), head, OPS)
    hold(PROJECT, "qa", reason="incident 7", ci="")
    assert world.qa.stops.read().hold.reason == "incident 7"
    lift_hold(PROJECT, "qa", reason="mended", ci="")
    assert world.qa.stops.read().hold is None


def test_whoever_is_at_work_is_asked_to_end_and_put_back(world: World) -> None:
    put(world, "1.0.0")
    world.dev.stack.before_up = lambda: ask_to_end(world)
    with pytest.raises(Refused, match=r"ann asked it to end: wrong day"):
        put(world, "1.1.0")
    state = world.dev.ledger.head().state
    assert (state.open, state.live.release, world.servers["dev"].live) == (None, "1.0.0", "blue")


def test_one_whose_process_has_ended_here_is_not_told_as_asked(world: World) -> None:
    with subprocess.Popen(["sleep", "60"]) as dead:
        process = Processes().find(dead.pid)
        dead.kill()
    opened = Open(
        deployment="dev-1", kind="promotion", release="1.0.0", digest="d", slot="blue", step="watched", requested=1,
        former=Former(declared=None, content=None),
    )  # fmt: skip
    ledger = world.dev.ledger
    ledger.begin(Entry(kind="note", state=State(open=opened)), ledger.head(), replace(OPS, process=process))
    report = stop(PROJECT, "dev", reason="it died", ci="")
    assert (report["at_work"], "release abort dev" in stop_text(report)) == (False, True)


def test_where_nothing_is_open_nobody_is_asked_to_end(world: World) -> None:
    with pytest.raises(Refused, match="no deployment is open in dev"):
        stop(PROJECT, "dev", reason="wrong day", ci="")
    assert world.dev.stops.read().ending is None


def test_a_wish_to_end_that_nobody_is_there_to_read_names_abort_and_stands(world: World) -> None:
    deployment = put(world, "1.0.0", pause=True).deployment
    report = stop(PROJECT, "dev", reason="wrong day", ci="")
    assert stop_text(report) == f"nobody is at work on {deployment} of 1.0.0: put it back with: release abort dev"
    assert world.dev.stops.read().ending.deployment == deployment
    with pytest.raises(Refused, match="asked it to end: wrong day"):
        resume(world.dev, OPS, Silent())
    assert world.dev.ledger.head().state.open is None


def test_whoever_is_at_work_is_named_with_the_step_that_it_was_in(world: World) -> None:
    put(world, "1.0.0", pause=True)
    head = world.dev.ledger.head()
    with world.dev.ledger.begin(Entry(kind="resume requested", state=head.state), head, OPS):
        text = stop_text(stop(PROJECT, "dev", reason="wrong day", ci=""))
    assert text.endswith("of 1.0.0 was asked to end; it was in step 'paused'; see: release status dev")


def test_abort_says_what_users_see_and_what_could_not_be_done() -> None:
    report = {"environment": "dev", "deployment": "dev-1", "version": "1.1.0", "users": "users are on 1.0.0"}
    assert abort_text({**report, "not_done": ["slot green may hold something else"]}).splitlines() == [
        "deployment dev-1 of 1.1.0 was put back in dev; users are on 1.0.0",
        "not done: slot green may hold something else",
    ]


def ask_to_end(world: World) -> None:
    opened = world.dev.ledger.head().state.open
    cause = Cause(reason="wrong day", by="ann", at=world.clock())
    world.dev.stops.change("end asked for", lambda stops: asked_to_end(stops, cause, opened.deployment), OPS, {})


def test_nothing_live_cannot_be_deployed_again(world: World) -> None:
    with pytest.raises(Refused, match="nothing is live in dev"):
        redeployment_order(PROJECT, "dev")


def test_a_plan_shows_every_gate_and_exactly_the_steps_that_would_run(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    planned = order_report(PROJECT, "dev", order_back(world.dev, Request(), Silent()))
    assert [one["step"] for one in planned["steps"]] == list(IN_PLACE)
    text = report_text(planned)
    assert text.startswith(
        "rollback of 1.0.0 to dev\ngates:\n  yes  1.0.0 must have been live and verified in dev before"
    )
    assert "1. switched: one call: the live listener to slot blue" in text
    assert "3. applied: pulumi up: so that Pulumi's state says the same (a failure is a warning)" in text
    before = world.dev.ledger.head()
    assert (world.dev.ledger.head(), len(world.dev.stack.ups)) == (before, 2)


def test_a_freeze_stops_only_for_its_time(world: World) -> None:
    put(world, "1.0.0")
    end = (world.qa.ledger.now() + timedelta(days=9000)).isoformat()
    freeze(PROJECT, "qa", until=end, reason="holidays", ci="")
    assert refused(to_qa()) == ["no freeze"]
