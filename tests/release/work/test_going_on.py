"""A deployment that stopped half-way: what resume goes on with, and what stays open."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from release.doors.aws.bucket import Bucket
from release.doors.aws.keys import SigningKey
from release.process.errors import Inconclusive, Refused
from release.process.processes import Process
from release.records.artifacts.manifest import Manifest
from release.records.artifacts.releases import Releases
from release.records.ledger.head import Open
from release.records.ledger.ledger import Entry, Writer
from release.records.ledger.stops import Cause, Stops, held, vetoed
from release.rules.lanes import FORWARD
from release.verbs.resume import resume_plan
from release.work.executor import abort, resume
from tests.release.deploying import (
    Silent,
    could_not_be_put_back,
    kill_while_installing,
    put,
    reachable_again,
    state,
    unreachable,
    users_have,
)
from tests.release.values import CAUSE
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
    could_not_be_put_back(world, "1.1.0")
    with pytest.raises(Refused, match=r"1\.1\.0 is being put back; end that with: release abort dev"):
        resume(world.dev, OPS, Silent())
    plan, steps = resume_plan(world.dev.ledger)
    assert (plan.version, steps) == ("1.1.0", ())


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
