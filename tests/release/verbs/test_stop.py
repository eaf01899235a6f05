"""`release stop`: whoever is at work is asked to end, and is told as asked only where somebody reads it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from release.doors.aws.databases import DatabaseBusy, Databases, SnapshotOrder
from release.process.errors import Inconclusive, Refused, VerificationFailed
from release.process.interruption import INTERRUPTION
from release.process.processes import Process
from release.records.ledger.head import Former, Open, State
from release.records.ledger.ledger import Entry
from release.records.ledger.stops import Cause, asked_to_end
from release.rules.wanted import Unwanted
from release.verbs.stop import stop, stop_text
from release.work.deletion import Deletion, delete_all
from release.work.executor import deploy, resume
from release.work.maintenance import PRUNING, Task, maintenance
from release.work.wanted import EVERY
from tests.release.deploying import Silent, proposal, put, state, users_have
from tests.release.world import OPS, FakeDatabases, LeapingTime, World
from tests.there import there

PRUNES = Task(what=PRUNING, details={})


def test_whoever_is_at_work_is_asked_to_end_and_put_back(world: World) -> None:
    put(world, "1.0.0")
    world.dev.stack.before_up = lambda: ask_to_end(world)
    with pytest.raises(Refused, match=r"ann asked it to end: wrong day"):
        put(world, "1.1.0")
    assert (state(world).open, users_have(world).release, world.servers["dev"].live) == (None, "1.0.0", "blue")


def test_one_whose_process_has_ended_here_is_not_told_as_asked(world: World) -> None:
    process = Process(pid=4711, began=1, boot="b", space="s")
    world.ended.append(process)
    opened = Open(
        deployment="dev-1", kind="promotion", release="1.0.0", digest="d", slot="blue", step="watched", requested=1,
        former=Former(declared=None, content=None),
    )  # fmt: skip
    ledger = world.dev.ledger
    ledger.begin(Entry(kind="note", state=State(open=opened)), ledger.head(), replace(OPS, process=process))
    report = asked(world, "it died")
    assert (report["at_work"], "release abort dev" in stop_text(report)) == ("", True)


def test_where_nothing_is_open_nobody_is_asked_to_end(world: World) -> None:
    with pytest.raises(Refused, match="nobody is at work in dev, and no deployment is open"):
        asked(world, "wrong day")
    assert world.dev.stops.read().ending is None


def test_whoever_is_at_work_on_no_deployment_is_asked_by_the_lease_and_named_with_what_they_do(world: World) -> None:
    with maintenance(world.dev, PRUNES, world.dev.ledger.head(), OPS) as holder:
        report = asked(world, "users wait")
        with pytest.raises(Unwanted, match=r"asked it to end: users wait"):
            INTERRUPTION.check()
    stops = world.dev.stops.read()
    assert (stops.ending, there(stops.work_ending).fence) == (None, holder.lease.fence)
    assert stop_text(report) == "pruning (" + OPS.principal + " on laptop) was asked to end; see: release status dev"


def test_who_comes_after_the_one_that_was_asked_is_not_asked(world: World) -> None:
    with maintenance(world.dev, PRUNES, world.dev.ledger.head(), OPS):
        asked(world, "users wait")
    with maintenance(world.dev, PRUNES, world.dev.ledger.head(), OPS):
        INTERRUPTION.check()
    assert put(world, "1.0.0").version == "1.0.0"


def test_while_a_deployment_waits_open_only_who_is_at_work_beside_it_is_asked(world: World) -> None:
    put(world, "1.0.0", pause=True)
    with maintenance(world.dev, PRUNES, world.dev.ledger.head(), OPS):
        asked(world, "users wait")
    assert resume(world.dev, OPS, Silent()).version == "1.0.0"


def test_asking_who_is_at_work_beside_it_takes_back_no_wish_that_a_deployment_ends(world: World) -> None:
    put(world, "1.0.0", pause=True)
    asked(world, "wrong day")
    with maintenance(world.dev, PRUNES, world.dev.ledger.head(), OPS):
        asked(world, "users wait")
    with pytest.raises(Unwanted, match="asked it to end: wrong day"):
        resume(world.dev, OPS, Silent())


def test_a_prune_ends_between_two_deletions_and_says_how_far_it_came(world: World) -> None:
    gone: list[str] = []

    def delete(name: str) -> None:
        gone.append(name)
        world.silence.seconds += EVERY
        asked(world, "users wait")

    deletions = [
        Deletion(name=name, part="snapshots", word=name, keeps=lambda stops: "", delete=partial(delete, name))
        for name in ("s-1", "s-2")
    ]
    with pytest.raises(Unwanted, match=r"deleted 1 of 2 \(s-1\), not deleted: s-2: .* asked it to end: users wait"):
        delete_all(world.dev, deletions, world.dev.ledger.head(), OPS, Silent())
    assert (gone, [event.kind for event in world.dev.ledger.events()][-1]) == (["s-1"], "pruning failed")


@pytest.mark.parametrize("dies", [False, True], ids=["it-gives-its-lease-back", "it-is-silent"])
def test_who_asked_is_told_when_it_has_ended(world: World, dies: bool) -> None:
    at_work = maintenance(world.dev, PRUNES, world.dev.ledger.head(), OPS)
    at_work.__enter__()
    world.silence.meanwhile = (lambda: None) if dies else (lambda: at_work.__exit__(None, None, None))
    text = stop_text(asked(world, "users wait", wait=10))
    assert text == f"pruning ({OPS.principal} on laptop) was asked to end, and has; nothing is open in dev"
    if dies:
        at_work.__exit__(None, None, None)


def test_what_does_not_end_in_time_is_told_with_what_ends_it(world: World) -> None:
    with maintenance(world.dev, PRUNES, world.dev.ledger.head(), OPS) as holder:
        world.silence.meanwhile = holder.beat
        told = rf"pruning was asked to end, and {OPS.principal} on laptop has not within 10 minutes; .*end its process"
        with pytest.raises(Inconclusive, match=told):
            asked(world, "users wait", wait=10)


def test_a_promotion_that_waits_for_its_snapshot_is_put_back(world: World) -> None:
    put(world, "1.0.0")
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        world.silence.seconds += EVERY
        ask_to_end(world)

    busy = replace(world.dev, databases=BackingUp(pause))
    with pytest.raises(Unwanted, match=r"1\.1\.0 is not live in dev, .*ann asked it to end: wrong day"):
        deploy(busy, proposal(busy, world.publish("1.1.0")), OPS, Silent())
    assert (len(waited), state(world).open, users_have(world).release) == (1, None, "1.0.0")


def test_a_rollback_whose_users_are_back_ends_well_without_what_follows(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)

    def up_for_ever() -> None:
        ask_to_end(world)
        INTERRUPTION.check()

    world.dev.stack.before_up = up_for_ever
    done = put(world, "1.0.0", kind="rollback")
    assert done.warnings == ("applied: ann asked it to end: wrong day",)
    assert [*done.evidence] == ["switched", "answered", "live"]
    assert (state(world).open, users_have(world).release) == (None, "1.0.0")


def test_a_second_wish_ends_the_up_of_what_is_being_put_back_and_marks_its_slot(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke = {"1.1.0"}

    def up_for_ever() -> None:
        INTERRUPTION.check()
        world.silence.seconds += EVERY
        ask_to_end(world)
        INTERRUPTION.check()

    world.dev.stack.before_up = up_for_ever
    with pytest.raises(VerificationFailed, match=r"slot green may hold something else: ann asked it to end"):
        put(world, "1.1.0")
    assert (state(world).open, users_have(world).release) == (None, "1.0.0")


def test_a_wish_to_end_that_nobody_is_there_to_read_names_abort_and_stands(world: World) -> None:
    deployment = put(world, "1.0.0", pause=True).deployment
    report = asked(world, "wrong day")
    assert stop_text(report) == f"nobody is at work on {deployment} of 1.0.0: put it back with: release abort dev"
    assert there(world.dev.stops.read().ending).deployment == deployment
    with pytest.raises(Refused, match="asked it to end: wrong day"):
        resume(world.dev, OPS, Silent())
    assert world.dev.ledger.head().state.open is None


def test_whoever_is_at_work_is_named_with_the_step_that_it_was_in(world: World) -> None:
    deployment = put(world, "1.0.0", pause=True).deployment
    head = world.dev.ledger.head()
    entry = Entry(kind="resume requested", state=head.state, deployment=deployment)
    with world.dev.ledger.begin(entry, head, OPS):
        text = stop_text(asked(world, "wrong day"))
    assert text.endswith("on laptop) was asked to end; it was in step 'paused'; see: release status dev")


class BackingUp(FakeDatabases):
    """RDS at its daily backup, which takes an hour; the waiting is the genuine one."""

    def __init__(self, pause: Callable[[float], None]) -> None:
        super().__init__()
        self._pause = pause
        self._ticks = LeapingTime().ticks

    def start_snapshot(self, order: SnapshotOrder) -> str:
        raise DatabaseBusy("the database db-1 is backing-up")

    def wait_for_snapshot(self, order: SnapshotOrder, started: str | None = None) -> str:
        return Databases.wait_for_snapshot(self, order, started)


def asked(world: World, reason: str, wait: float = 0) -> dict[str, Any]:
    return stop(world.dev, reason, OPS, Silent(), wait=wait)


def ask_to_end(world: World) -> None:
    opened = world.dev.ledger.head().state.open
    cause = Cause(reason="wrong day", by="ann", at=world.clock())
    world.dev.stops.change("end asked for", lambda stops: asked_to_end(stops, cause, there(opened).deployment), OPS, {})
