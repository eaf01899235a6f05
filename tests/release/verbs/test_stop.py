"""`release stop`: whoever is at work is asked to end, and is told as asked only where somebody reads it."""

import subprocess
from dataclasses import replace

import pytest

from release.process.errors import Refused
from release.process.processes import Processes
from release.records.ledger.head import Former, Open, State
from release.records.ledger.ledger import Entry
from release.records.ledger.stops import Cause, asked_to_end
from release.verbs.stop import stop, stop_text
from release.work.executor import resume
from tests.release.deploying import CALL, Silent, put
from tests.release.world import OPS, World
from tests.there import there


def test_whoever_is_at_work_is_asked_to_end_and_put_back(world: World) -> None:
    put(world, "1.0.0")
    world.dev.stack.before_up = lambda: ask_to_end(world)
    with pytest.raises(Refused, match=r"ann asked it to end: wrong day"):
        put(world, "1.1.0")
    state = world.dev.ledger.head().state
    assert (state.open, there(state.live).release, world.servers["dev"].live) == (None, "1.0.0", "blue")


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
    report = stop(CALL, "dev", reason="it died")
    assert (report["at_work"], "release abort dev" in stop_text(report)) == (False, True)


def test_where_nothing_is_open_nobody_is_asked_to_end(world: World) -> None:
    with pytest.raises(Refused, match="no deployment is open in dev"):
        stop(CALL, "dev", reason="wrong day")
    assert world.dev.stops.read().ending is None


def test_whoever_is_at_work_on_no_deployment_is_named_with_what_ends_that(world: World) -> None:
    head = world.dev.ledger.head()
    with (
        world.dev.ledger.begin(Entry(kind="pruning requested", state=head.state), head, OPS),
        pytest.raises(Refused, match=f"{OPS.principal} on laptop .* and no deployment is open; .*end its process"),
    ):
        stop(CALL, "dev", reason="users wait")


def test_a_wish_to_end_that_nobody_is_there_to_read_names_abort_and_stands(world: World) -> None:
    deployment = put(world, "1.0.0", pause=True).deployment
    report = stop(CALL, "dev", reason="wrong day")
    assert stop_text(report) == f"nobody is at work on {deployment} of 1.0.0: put it back with: release abort dev"
    assert there(world.dev.stops.read().ending).deployment == deployment
    with pytest.raises(Refused, match="asked it to end: wrong day"):
        resume(world.dev, OPS, Silent())
    assert world.dev.ledger.head().state.open is None


def test_whoever_is_at_work_is_named_with_the_step_that_it_was_in(world: World) -> None:
    put(world, "1.0.0", pause=True)
    head = world.dev.ledger.head()
    with world.dev.ledger.begin(Entry(kind="resume requested", state=head.state), head, OPS):
        text = stop_text(stop(CALL, "dev", reason="wrong day"))
    assert text.endswith("of 1.0.0 was asked to end; it was in step 'paused'; see: release status dev")


def ask_to_end(world: World) -> None:
    opened = world.dev.ledger.head().state.open
    cause = Cause(reason="wrong day", by="ann", at=world.clock())
    world.dev.stops.change("end asked for", lambda stops: asked_to_end(stops, cause, there(opened).deployment), OPS, {})
