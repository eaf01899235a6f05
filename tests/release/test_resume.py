"""A deployment that stopped half-way: what resume goes on with, what stays open, and what follows a failed verdict."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from contract.slots import SlotName
from release.doors.aws.bucket import Bucket
from release.doors.aws.keys import SigningKey
from release.process.errors import Broken, Inconclusive, Refused, VerificationFailed
from release.process.processes import Process
from release.records.artifacts.manifest import Manifest
from release.records.artifacts.releases import Releases
from release.records.ledger.head import Former, Open, State
from release.records.ledger.ledger import Entry, Writer
from release.records.ledger.stops import MOST_VETOES, Cause, Stops, asked_to_end, held, vetoed
from release.rules.lanes import FORWARD, Kind
from release.rules.ways_on import way_on
from release.verbs.accept import accept_open
from release.verbs.resume import resume_plan
from release.work.executor import abort, resume
from tests.aws_clients import aws_resource
from tests.release.deploying import Silent, kill_while_installing, put, reachable_again, state, unreachable, users_have
from tests.release.world import OPS, World
from tests.there import there


def test_a_killed_deployment_goes_on_with_the_step_that_it_stopped_in(world: World) -> None:
    put(world, "1.0.0")
    kill_while_installing(world, "1.1.0")
    done = resume(world.dev, OPS, Silent())
    assert list(done.evidence) == list(FORWARD[FORWARD.index("installed") :])
    assert (users_have(world).release, state(world).open, world.servers["dev"].live) == ("1.1.0", None, "green")
    assert len(world.dev.databases.snapshots) == 2
    assert world.dev.ledger.faults() == ()


def test_what_a_killed_deployment_left_running_is_ended_first_and_recorded(world: World) -> None:
    put(world, "1.0.0")
    kill_while_installing(world, "1.1.0")
    world.dev.leftovers.running = ["pulumi", "pulumi-language-python"]
    resume(world.dev, OPS, Silent())
    [event] = [event for event in world.dev.ledger.events() if event.kind == "leftovers ended"]
    assert event.details == {"programs": ["pulumi", "pulumi-language-python"]}


def test_without_an_open_deployment_there_is_nothing_to_resume(world: World) -> None:
    with pytest.raises(Refused, match="no deployment is open in dev"):
        resume(world.dev, OPS, Silent())


def test_a_holder_that_is_proven_dead_is_waited_for_by_nobody(world: World) -> None:
    dead = Process(pid=4711, began=1, boot="b", space="s")
    world.ended.append(dead)
    entry, head = Entry(kind="note", state=state(world)), world.dev.ledger.head()
    world.dev.ledger.begin(entry, head, Writer(principal=OPS.principal, host="laptop", ci="", process=dead))
    before = world.silence.ticks()
    free = world.dev.ledger.free_lease()
    assert (there(free.lease).held, free.because, world.silence.ticks()) == (True, "its process has ended", before)


def test_a_deployment_that_is_being_put_back_is_not_resumed(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke_live = {"1.1.0"}
    servers = world.servers["dev"]
    world.dev.listeners.after_move = lambda: setattr(servers, "listener_is_stuck", True)
    with pytest.raises(Broken):
        put(world, "1.1.0")
    with pytest.raises(Refused, match=r"1\.1\.0 is being put back; end that with: release abort dev"):
        resume(world.dev, OPS, Silent())
    plan, steps = resume_plan(world.dev.ledger)
    assert (plan.version, steps) == ("1.1.0", ())


def test_what_is_being_put_back_cannot_be_accepted_and_only_abort_is_named(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke_live = {"1.1.0"}
    servers = world.servers["dev"]
    world.dev.listeners.after_move = lambda: setattr(servers, "listener_is_stuck", True)
    with pytest.raises(Broken):
        put(world, "1.1.0")
    with pytest.raises(Refused, match=r"users do not have 1\.1\.0; end it with: release abort dev$"):
        accept_open(world.dev, "I saw it", OPS, Silent())


@pytest.mark.parametrize(
    ("kind", "step", "declared", "verbs"),
    [
        pytest.param("promotion", "installed", "blue", {"resume", "abort"}, id="before-the-switch"),
        pytest.param("promotion", "paused", "blue", {"resume", "abort"}, id="paused"),
        pytest.param("promotion", "watched", "green", {"resume", "accept", "abort"}, id="behind-the-switch"),
        pytest.param("rollback", "answered", "green", {"resume", "accept", "rollback"}, id="rollback-left-open"),
        pytest.param("promotion", "undoing", "blue", {"abort"}, id="being-put-back"),
        pytest.param("rollback", "undoing", "blue", {"abort"}, id="rollback-being-put-back"),
    ],
)
def test_the_way_on_names_the_verbs_that_are_allowed_there(
    kind: str, step: str, declared: SlotName, verbs: set[str]
) -> None:
    opened = Open(
        deployment="dev-1",
        kind=kind,
        release="1.1.0",
        digest="c",
        slot="green",
        step=step,
        requested=1,
        former=Former(declared="blue", content=None),
    )
    said = way_on("dev", State(declared=declared, open=opened))
    assert set(re.findall("resume|accept|rollback|abort", said)) == verbs


CAUSE = {"reason": "loses rows", "by": "ann"}


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        pytest.param(
            lambda stops, cause, opened: vetoed(stops, cause, release="1.1.0", digest=opened.digest),
            r"1\.1\.0 was vetoed by ann: loses rows",
            id="veto",
        ),
        pytest.param(
            lambda stops, cause, opened: held(stops, cause), r"dev was put on hold by ann: loses rows", id="hold"
        ),
    ],
)
def test_what_was_stopped_meanwhile_is_not_resumed_but_put_back(
    world: World, rule: Callable[[Stops, Cause, Open], Stops], why: str
) -> None:
    put(world, "1.0.0")
    kill_while_installing(world, "1.1.0")
    cause = Cause(**CAUSE, at=world.clock())
    opened = there(state(world).open)
    world.dev.stops.change("set", lambda stops: rule(stops, cause, opened), OPS, {})
    with pytest.raises(Refused, match=why):
        resume(world.dev, OPS, Silent())
    assert (state(world).open, users_have(world).release, world.servers["dev"].live) == (None, "1.0.0", "blue")


def test_a_failed_verdict_behind_the_switch_holds_the_environment_and_vetoes_the_release(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke_live = {"1.4.0"}
    with pytest.raises(VerificationFailed, match=r"1\.4\.0 is not live in dev.*dev is on hold and 1\.4\.0 is vetoed"):
        put(world, "1.4.0")
    after, stops = state(world), world.dev.stops.read()
    assert (after.open, there(after.live).release, after.declared) == (None, "1.0.0", "blue")
    assert "1.4.0 failed behind the live listener" in there(stops.hold).reason
    assert [(one.release, one.by) for one in stops.vetoes] == [("1.4.0", OPS.principal)]


def test_where_no_veto_fits_any_more_a_failed_verdict_holds_the_environment_and_says_what_could_not_be(
    world: World,
) -> None:
    put(world, "1.0.0")
    world.dev.stops.change("veto set", partial(full_of_vetoes, cause=Cause(**CAUSE, at=world.clock())), OPS, {})
    world.servers["dev"].fails_smoke_live = {"1.4.0"}
    told = r"dev is on hold until a person lifts that, 1\.4\.0 could not be vetoed \(300 releases are vetoed there"
    with pytest.raises(VerificationFailed, match=told):
        put(world, "1.4.0")
    stops = world.dev.stops.read()
    assert "1.4.0 failed behind the live listener" in there(stops.hold).reason
    assert "1.4.0" not in {one.release for one in stops.vetoes}


def test_where_nothing_can_be_stopped_a_failed_verdict_is_put_back_and_says_so(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke_live = {"1.4.0"}
    world.dev.stops.before_change = nobody_answers
    with pytest.raises(VerificationFailed, match=r"neither a hold nor a veto could be written \(nobody answers\)"):
        put(world, "1.4.0")
    assert (state(world).open, users_have(world).release) == (None, "1.0.0")


def full_of_vetoes(stops: Stops, cause: Cause) -> Stops:
    for number in range(MOST_VETOES):
        stops = vetoed(stops, cause, release=f"0.0.{number}", digest=f"{number:064x}")
    return stops


def nobody_answers() -> None:
    raise Broken("nobody answers")


def test_a_failed_verdict_before_the_switch_stops_nobody(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke = {"1.3.0"}
    with pytest.raises(VerificationFailed):
        put(world, "1.3.0")
    stops = world.dev.stops.read()
    assert (stops.hold, stops.vetoes, state(world).open) == (None, (), None)


def test_what_could_not_be_told_behind_the_switch_stays_open_and_is_resumed(world: World) -> None:
    put(world, "1.0.0")
    unreachable(world, "http://live")
    with pytest.raises(
        Inconclusive, match=r"1\.1\.0 is not verified in dev, the live URL cannot be reached.*resume dev.*abort dev"
    ):
        put(world, "1.1.0")
    opened = state(world).open
    assert (there(opened).step, there(opened).stopped.split(":")[0]) == ("answered", "inconclusive")
    assert world.dev.stops.read().hold is None
    assert (world.servers["dev"].live, users_have(world).release) == ("green", "1.0.0")
    reachable_again(world)
    resume(world.dev, OPS, Silent())
    assert (users_have(world).release, state(world).open) == ("1.1.0", None)


def test_what_could_not_be_told_behind_the_switch_may_be_aborted(world: World) -> None:
    put(world, "1.0.0")
    unreachable(world, "http://live")
    with pytest.raises(Inconclusive):
        put(world, "1.1.0")
    reachable_again(world)
    abort(world.dev, OPS, Silent())
    assert (users_have(world).release, state(world).open, world.servers["dev"].live) == ("1.0.0", None, "blue")
    assert world.dev.stops.read().hold is None


def test_what_could_not_be_told_behind_the_switch_is_accepted_by_a_person(world: World) -> None:
    put(world, "1.0.0")
    unreachable(world, "http://live")
    with pytest.raises(Inconclusive):
        put(world, "1.1.0")
    reachable_again(world)
    report = accept_open(world.dev, "I saw it", OPS, Silent())
    assert (report["users"], report["verdict"]) == ("users are on 1.1.0", "signed")
    assert (users_have(world).release, state(world).open, there(state(world).previous).release) == (
        "1.1.0",
        None,
        "1.0.0",
    )


def left_open(world: World, version: str, kind: Kind = "promotion") -> Open:
    """A deployment behind its switch of which nothing could be told; by now it can be seen again."""
    unreachable(world, "http://live")
    with pytest.raises(Inconclusive):
        put(world, version, kind=kind)
    reachable_again(world)
    return there(state(world).open)


def stopped(world: World, what: str, opened: Open) -> None:
    cause = Cause(**CAUSE, at=world.clock())
    rules = {
        "veto": lambda stops: vetoed(stops, cause, release=opened.release, digest=opened.digest),
        "veto of other bytes": lambda stops: vetoed(stops, cause, release=opened.release, digest="f" * 64),
        "wish": lambda stops: asked_to_end(stops, cause, opened.deployment),
        "wish for another": lambda stops: asked_to_end(stops, cause, "dev-0"),
        "hold": lambda stops: held(stops, cause),
    }
    world.dev.stops.change("set", rules[what], OPS, {})


@pytest.mark.parametrize(
    ("what", "why"),
    [
        pytest.param(
            "veto",
            r"1\.1\.0 was vetoed by ann: loses rows; lift that first: release veto 1\.1\.0 --lift --reason WHY, or put "
            r"it back with: release abort dev, or go elsewhere: release rollback dev --to VERSION$",
            id="veto",
        ),
        pytest.param("wish", r"ann asked it to end: loses rows; put it back with: release abort dev, or", id="wish"),
    ],
)
def test_what_is_vetoed_or_asked_to_end_is_not_accepted_until_that_is_lifted(world: World, what: str, why: str) -> None:
    put(world, "1.0.0")
    opened = left_open(world, "1.1.0")
    stopped(world, what, opened)
    with pytest.raises(Refused, match=why):
        accept_open(world.dev, "I saw it", OPS, Silent())
    assert state(world).open == opened
    world.dev.stops.change("lifted", lambda stops: stops.but(vetoes=(), ending=None), OPS, {})
    assert accept_open(world.dev, "I saw it", OPS, Silent())["release"] == "1.1.0"


@pytest.mark.parametrize("what", ["veto of other bytes", "wish for another", "hold"])
def test_what_is_stopped_otherwise_can_be_accepted(world: World, what: str) -> None:
    put(world, "1.0.0")
    stopped(world, what, left_open(world, "1.1.0"))
    assert accept_open(world.dev, "I saw it", OPS, Silent())["release"] == "1.1.0"


def test_a_rollback_that_went_to_a_vetoed_release_can_be_accepted_there(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    stopped(world, "veto", left_open(world, "1.0.0", kind="rollback"))
    assert accept_open(world.dev, "users are well", OPS, Silent())["release"] == "1.0.0"


def test_nothing_is_accepted_while_nobody_knows_what_is_stopped(world: World) -> None:
    put(world, "1.0.0")
    opened = left_open(world, "1.1.0")
    aws_resource("dynamodb").Table(world.dev.ledger.table.name).put_item(Item={"kind": "STOPS", "seq": 0, "body": "["})
    with pytest.raises(Broken, match="what is stopped is not readable"):
        accept_open(world.dev, "I saw it", OPS, Silent())
    assert state(world).open == opened


def test_what_users_do_not_have_cannot_be_accepted(world: World) -> None:
    put(world, "1.0.0")
    kill_while_installing(world, "1.1.0")
    with pytest.raises(Refused, match=r"users do not have 1\.1\.0; .*release resume dev, or release abort dev"):
        accept_open(world.dev, "I saw it", OPS, Silent())


def test_a_rollback_that_cannot_be_seen_is_not_rolled_back(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    unreachable(world, "http://live")
    with pytest.raises(Inconclusive, match=r"release resume dev.*accept dev.*release rollback dev --to VERSION"):
        put(world, "1.0.0", kind="rollback")
    assert (there(state(world).open).step, world.servers["dev"].live) == ("answered", "blue")
    reachable_again(world)
    assert resume(world.dev, OPS, Silent()).version == "1.0.0"


def test_a_redeployment_moves_the_live_release_to_the_other_slot_and_keeps_the_way_back(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    done = put(world, "1.1.0", kind="redeployment")
    assert (done.slot, world.servers["dev"].blue, world.servers["dev"].live) == ("blue", "1.1.0", "blue")
    assert (users_have(world).release, there(state(world).previous).release) == ("1.1.0", "1.0.0")


def test_a_manifest_of_other_bytes_than_the_plan_is_not_resumed(world: World) -> None:
    put(world, "1.0.0")
    kill_while_installing(world, "1.1.0")
    other, dev = world.dev.releases.get("1.0.0"), world.dev

    class Mixed(Releases):
        def get(self, version: str) -> Manifest:
            return other

    names = dev.settings.names
    bucket, key = Bucket(dev.session, names.artifact_bucket), SigningKey(dev.session, names.signing_alias)
    dev = replace(dev, releases=Mixed(environment="dev", bucket=bucket, key=key))
    with pytest.raises(Refused, match=r"1\.1\.0 has other bytes than when dev-.* began"):
        resume(dev, OPS, Silent())
