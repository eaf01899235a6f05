"""What follows when a deployment fails: what is put back and in which order, what is stopped, and what stays open."""

import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from contract.slots import SlotName
from release.doors.aws.table import Write
from release.process.errors import (
    Broken,
    Inconclusive,
    Interrupted,
    LeaseHeld,
    LeaseLost,
    Refused,
    StagelineError,
    VerificationFailed,
)
from release.records.ledger.ledger import Entry
from release.records.ledger.stops import MOST_VETOES, Cause, Stops, vetoed
from release.verbs.rollback import Request, go_back
from release.work.executor import abort, resume
from tests.release.deploying import Killed, Silent, die_after, kill_while_installing, put, state, users_have
from tests.release.troubled import as_it_is
from tests.release.values import CAUSE
from tests.release.world import OPS, World
from tests.there import there

OTHER = replace(OPS, host="desk")


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


def test_a_failed_installation_restores_the_slot_under_a_deployment_of_its_own(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    before = state(world)
    world.servers["dev"].fails_to_install = {"1.2.0"}
    with pytest.raises(Broken, match=r"1\.2\.0 is not live in dev.*installing 1\.2\.0 failed"):
        put(world, "1.2.0")
    assert there(state(world).blue).release == "1.0.0"
    assert there(state(world).blue).deployment != there(before.blue).deployment
    assert (state(world).live, state(world).declared, state(world).open) == (before.live, "green", None)
    assert world.servers["dev"].live == "green"


def test_a_failed_first_release_leaves_an_emptied_slot(world: World) -> None:
    world.servers["dev"].fails_to_install = {"1.2.0"}
    with pytest.raises(Broken):
        put(world, "1.2.0")
    assert (there(state(world).blue).release, state(world).declared) == (None, None)
    assert world.servers["dev"].blue is None


def test_a_release_that_fails_behind_the_switch_is_switched_back(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke_live = {"1.4.0"}
    with pytest.raises(Broken):
        put(world, "1.4.0")
    assert (state(world).declared, users_have(world).release) == ("blue", "1.0.0")
    assert world.servers["dev"].live == "blue"


def test_abort_puts_back_a_deployment_whose_process_was_killed_once_its_lease_is_seen_not_to_change(
    world: World,
) -> None:
    put(world, "1.0.0")
    kill_while_installing(world, "1.1.0")
    assert there(state(world).open).step == "installed"
    with pytest.raises(LeaseHeld):
        put(world, "1.2.0")
    abort(world.dev, OPS, Silent())
    assert (state(world).open, there(state(world).green).release) == (None, None)
    assert (users_have(world).release, world.servers["dev"].live) == ("1.0.0", "blue")


def test_abort_needs_no_plan_and_finds_what_was_open_also_after_another_holder(world: World) -> None:
    put(world, "1.0.0")
    kill_while_installing(world, "1.1.0")
    abort(world.dev, OPS, Silent())
    left = world.dev.ledger.begin(Entry(kind="note", state=state(world)), world.dev.ledger.head(), OPS)
    world.dev.ledger.give_back(left.lease)
    kill_while_installing(world, "1.1.0")
    opened, undone = abort(world.dev, OPS, Silent())
    assert (opened.release, undone) == ("1.1.0", ())


def test_abort_without_an_open_deployment_is_refused(world: World) -> None:
    with pytest.raises(Refused, match="no deployment is open in dev"):
        abort(world.dev, OPS, Silent())


def test_what_users_do_not_see_keeps_no_deployment_open(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].refuses = {"i-2": "AWS is down"}
    world.dev.stack.fail_next = ["AWS is still down"]
    with pytest.raises(Broken, match=r"users are on 1\.0\.0: .*not done: slot green may hold"):
        put(world, "1.1.0")
    assert (state(world).open, "still down" in there(state(world).green).unsure) == (None, True)
    world.servers["dev"].refuses = {}
    assert put(world, "1.1.0").version == "1.1.0"
    assert there(state(world).green).unsure == ""


def test_an_idle_slot_whose_release_crashes_is_emptied_and_the_deployment_closed(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    world.servers["dev"].fails_to_install = {"1.0.0"}
    world.servers["dev"].fails_smoke = {"1.2.0"}
    with pytest.raises(VerificationFailed, match=r"not done: 1\.0\.0 in blue did not come up again"):
        put(world, "1.2.0")
    assert (state(world).open, there(state(world).blue).release, users_have(world).release) == (None, None, "1.1.0")


def test_a_dead_server_is_forgiven_when_a_deployment_is_put_back(world: World) -> None:
    put(world, "1.0.0")
    world.dev.fleet.before_order = lambda instance: world.servers["dev"].dead.add("i-2")
    with pytest.raises(StagelineError, match="env-servers-2 did not answer: the next install mends that"):
        put(world, "1.1.0")
    assert (state(world).open, there(state(world).green).unsure) == (None, "env-servers-2 did not answer")


def test_the_listener_goes_back_also_where_nothing_can_be_recorded(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke_live = {"1.4.0"}

    def full(write: Callable[[], bool], writes: list[Write]) -> bool:
        kinds = {one.kind for one in writes}
        if world.servers["dev"].live == "green" and kinds & {"EVENT", "STOP"}:
            raise Broken("cannot write to the ledger: ValidationException: Item size has exceeded")
        return write()

    world.dev.ledger.table.writing = full
    with pytest.raises(Broken, match=r"users are on 1\.0\.0: .*Item size has exceeded"):
        put(world, "1.4.0")
    assert (world.servers["dev"].live, state(world).open, users_have(world).release) == ("blue", None, "1.0.0")


def test_a_holder_whose_lease_was_taken_over_while_it_could_not_write_moves_no_listener(world: World) -> None:
    """It is cut off from the ledger behind its switch; meanwhile another one rolls back; then it is interrupted."""
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    table = world.dev.ledger.table

    def cut_off(write: object, writes: object) -> bool:
        raise Broken("cannot write to the ledger: connect timeout")

    def taken_over() -> None:
        if world.servers["dev"].live == "blue":
            world.dev.stack.before_up = lambda: None
            go_back(world.dev, Request(version="1.0.0"), OTHER, Silent())
            table.writing = cut_off
            raise Interrupted(signal.SIGTERM, "it was interrupted")

    world.dev.stack.before_up = taken_over
    with pytest.raises(LeaseLost, match="taken over"):
        put(world, "1.2.0")
    table.writing = as_it_is
    servers = world.servers["dev"]
    assert (users_have(world).release, getattr(servers, there(servers.live))) == ("1.0.0", "1.0.0")


def test_a_listener_that_cannot_be_moved_back_keeps_it_open_and_says_what_users_see(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke_live = {"1.4.0"}
    world.dev.listeners.after_move = lambda: setattr(world.servers["dev"], "listener_is_stuck", True)
    with pytest.raises(Broken, match=r"could not be moved back .*users are on 1\.4\.0; run: release abort dev"):
        put(world, "1.4.0")
    assert there(state(world).open).step == "undoing"
    with pytest.raises(Refused, match="is being put back; end that with: release abort dev"):
        resume(world.dev, OPS, Silent())
    world.servers["dev"].listener_is_stuck = False
    abort(world.dev, OPS, Silent())
    assert (state(world).open, world.servers["dev"].live) == (None, "blue")


def test_what_nobody_foresaw_is_put_back_too(world: World) -> None:
    put(world, "1.0.0")

    def surprising() -> None:
        world.dev.stack.before_up = lambda: None
        raise KeyError("database_id")

    world.dev.stack.before_up = surprising
    with pytest.raises(Broken, match="unexpected KeyError"):
        put(world, "1.1.0")
    assert (state(world).open, users_have(world).release) == (None, "1.0.0")


def test_behind_the_switch_the_listener_goes_back_before_the_slot_is_touched(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    world.servers["dev"].fails_smoke_live = {"1.4.0"}
    world.dev.stack.declared.clear()
    world.dev.listeners.moves.clear()
    with pytest.raises(Broken):
        put(world, "1.4.0")
    assert world.dev.listeners.moves == ["blue", "green"]
    assert world.dev.stack.declared == [("green", "1.0.0", "1.1.0")]


def test_a_former_release_that_does_not_answer_ends_inconclusive_and_not_open(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke_live = {"1.0.1"}
    world.servers["dev"].silent = {"1.0.0"}
    with pytest.raises(Inconclusive, match=r"1\.0\.1 failed .* was live in dev before does not answer"):
        put(world, "1.0.1")
    assert (state(world).open, state(world).declared) == (None, "blue")


def test_a_promotion_that_fails_before_its_slot_runs_no_up_for_what_an_earlier_one_left_behind(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    world.dev.stack.fail_next = ["the stack is locked"]
    put(world, "1.0.0", kind="rollback")
    ups = len(world.dev.stack.ups)
    world.dev.databases.fail = True
    with pytest.raises(Broken, match="snapshot"):
        put(world, "1.2.0")
    assert (len(world.dev.stack.ups), "has told Pulumi's state since" in state(world).behind) == (ups, True)
    world.dev.databases.fail = False
    world.servers["dev"].fails_smoke = {"1.2.0"}
    with pytest.raises(VerificationFailed):
        put(world, "1.2.0")
    assert state(world).behind == ""


def test_a_redeployment_that_is_put_back_takes_its_release_from_nobody(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].unreachable = {"1.0.0"}
    with pytest.raises(Inconclusive):
        put(world, "1.0.0", kind="redeployment")
    world.servers["dev"].unreachable = set()
    abort(world.dev, OPS, Silent())
    known = world.dev.ledger.known("1.0.0")
    assert (bool(there(known).live), there(known).left, world.servers["dev"].live) == (True, "", "blue")


def test_what_nobody_foresaw_while_the_slot_is_put_back_closes_the_deployment_with_the_slot_marked(
    world: World,
) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke_live = {"1.4.0"}

    def surprising() -> None:
        raise KeyError("Reservations")

    world.dev.fleet.before_look = surprising
    with pytest.raises(VerificationFailed, match=r"not done: slot green may hold .*unexpected KeyError"):
        put(world, "1.4.0")
    assert (state(world).open, world.servers["dev"].live) == (None, "blue")
    assert "unexpected KeyError" in there(state(world).green).unsure


def test_a_listener_that_is_not_found_for_a_reason_nobody_foresaw_stays_open_and_says_so(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke_live = {"1.4.0"}

    def surprising(slot: SlotName | None) -> None:
        if slot == "blue":
            raise KeyError("VpcId")

    world.dev.listeners.before_move = surprising
    with pytest.raises(Broken, match=r"could not be moved back .*unexpected KeyError: 'VpcId'; users are on 1\.4\.0"):
        put(world, "1.4.0")
    world.dev.listeners.before_move = lambda slot: None
    abort(world.dev, OPS, Silent())
    assert (state(world).open, world.servers["dev"].live) == (None, "blue")


def test_a_signal_while_it_is_put_back_does_not_make_what_was_live_silent(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0", pause=True)
    urls: list[str] = []

    def once(url: str) -> None:
        world.dev.verification.before_answers = lambda url: None
        urls.append(url)
        raise Interrupted(signal.SIGTERM, "it was interrupted by SIGTERM")

    world.dev.stack.before_up = lambda: None
    world.servers["dev"].fails_smoke_live = {"1.1.0"}

    def moving(slot: SlotName | None) -> None:
        if slot == "blue":
            world.dev.verification.before_answers = once

    world.dev.listeners.before_move = moving
    with pytest.raises(VerificationFailed, match=r"1\.1\.0 is not live in dev, users are on 1\.0\.0"):
        resume(world.dev, OPS, Silent())
    assert (urls, state(world).open) == (["http://live:80"], None)


def test_users_are_back_before_what_a_dead_promotion_left_running_is_ended_and_are_moved_again(world: World) -> None:
    """What it left knows a HEAD of before: it may move users while it ends."""
    put(world, "1.0.0")
    die_after(world, "step done", "answered")
    with pytest.raises(Killed):
        put(world, "1.1.0")
    world.dev.ledger.is_killed = False
    servers, seen = world.servers["dev"], list[str | None]()

    def end() -> None:
        seen.append(servers.live)
        servers.live = "green"

    world.dev.leftovers.running, world.dev.leftovers.before_end = ["pulumi"], end
    abort(world.dev, OPS, Silent())
    assert (seen, servers.live, state(world).open) == (["blue"], "blue", None)


def test_what_does_not_end_keeps_it_open_with_users_back(world: World) -> None:
    put(world, "1.0.0")
    die_after(world, "step done", "answered")
    with pytest.raises(Killed):
        put(world, "1.1.0")
    world.dev.ledger.is_killed = False

    def end() -> None:
        raise Broken("still running for dev-1: pulumi (7)")

    world.dev.leftovers.before_end = end
    with pytest.raises(Broken, match="still running"):
        abort(world.dev, OPS, Silent())
    assert (world.servers["dev"].live, there(state(world).open).step) == ("blue", "undoing")


def test_what_users_lost_is_written_down_by_the_next_record_where_the_first_one_fails(world: World) -> None:
    for version in ("1.0.0", "1.1.0", "1.0.0"):
        put(world, version)

    def throttled(entry: Entry) -> None:
        if entry.kind == "undo started":
            world.dev.ledger.before_append = lambda entry: None
            raise Broken("DynamoDB is throttled")

    world.dev.ledger.before_append = throttled
    world.servers["dev"].fails_smoke_live = {"1.1.0"}
    with pytest.raises(VerificationFailed, match="undo started could not be recorded"):
        put(world, "1.1.0")
    requested = there(world.dev.ledger.known("1.1.0")).deployments[-1].deployment
    assert there(world.dev.ledger.known("1.1.0")).left == requested
