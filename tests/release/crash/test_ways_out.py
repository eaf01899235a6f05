"""What people and accidents do while a deployment is at any of its points, and the ways out of it.

A person puts a hold, a freeze, a veto or the wish to end; a server dies; the ledger's table takes no writes; somebody
moves the listener by hand; the plan was made by a newer version. Whatever it is: no stop is passed over, and there is a
sequence of verbs that closes the deployment with users on a verified release.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from contract.slots import SlotName
from release.environment import Environment
from release.process.errors import Refused, StagelineError
from release.process.form import FORMAT
from release.records.ledger.head import Out, State
from release.records.ledger.stops import Cause, Rule, asked_to_end, frozen, held, vetoed
from release.rules.lanes import forward
from release.rules.plan import content_of, is_behind_switch
from release.verbs.adopt_listener import adopt
from release.verbs.mark_out import note_servers, without_server
from release.work import executor
from release.work.steps import Work
from tests.release.crash.invariants import broken_at_any_moment, broken_in_the_end
from tests.release.crash.killing import RECOVERIES, at, ending, killed_everywhere, later, live, recorded, recover
from tests.release.crash.kinds import KINDS, Deployment
from tests.release.crash.likeness import is_like_one
from tests.release.crash.memory import Points
from tests.release.crash.outside import SLOTS, Outside, Servers, Steps, open_process
from tests.release.world import OPS, SERVERS, Clock

OF_NAME = {kind.name: kind for kind in KINDS}
FORWARD = [OF_NAME[name] for name in ("second promotion", "promotion that waits to be looked at")]
BY_NAME = pytest.mark.parametrize("deployment", [pytest.param(kind, id=kind.name) for kind in KINDS])


@dataclass
class Once:
    """Something that happens outside at one point of a process."""

    left: int
    happen: Callable[[], object]

    def __call__(self, point: str) -> None:
        self.left -= 1
        if self.left == -1:
            self.happen()


def while_it_ran(deployment: Deployment, number: int, happen: Callable[[Outside, Clock], object]) -> Outside:
    """What is outside after a deployment during which something happened at one point."""
    outside, clock = deployment.begin(), afterwards()
    points = Points(Once(number, lambda: happen(outside, clock)))
    ending(lambda: deployment.run(open_process(outside, "dev", clock, points), points))
    return outside


def afterwards() -> Clock:
    """After what was deployed before, so that times tell what came first."""
    return at(Clock().time + timedelta(minutes=10))


def points_of(deployment: Deployment) -> list[str]:
    points = Points()
    ending(lambda: deployment.run(open_process(deployment.begin(), "dev", Clock(), points), points))
    return points.names


def moments(deployment: Deployment) -> list[tuple[int, str]]:
    """Its points at which something from outside makes a difference: before a call that is no question by HTTP."""
    return [
        (number, point)
        for number, point in enumerate(points_of(deployment))
        if point.startswith("before ") and " GET " not in point
    ]


class Noticed(set[str]):
    """The servers without power, and how often somebody found out whether one of them is."""

    looks = 0

    def __contains__(self, name: object) -> bool:
        self.looks += 1
        return super().__contains__(name)


def looks_at_power(outside: Outside, points: Points) -> Callable[[], int]:
    outside.servers["dev"].dead = found = Noticed(outside.servers["dev"].dead)
    return lambda: found.looks


def writes(outside: Outside, points: Points) -> Callable[[], int]:
    return lambda: points.names.count("before dynamodb:TransactWriteItems")


def different_moments(
    deployment: Deployment, looks: Callable[[Outside, Points], Callable[[], int]]
) -> list[tuple[int, str]]:
    """The first of its moments after each look at what happens: up to the next one nobody can tell when it did."""
    outside, found = deployment.begin(), list[int]()
    points = Points(lambda point: found.append(count()))
    count = looks(outside, points)
    ending(lambda: deployment.run(open_process(outside, "dev", Clock(), points), points))
    first = {found[number]: (number, point) for number, point in reversed(moments(deployment))}
    return list(reversed(first.values()))


def state_of(outside: Outside) -> State:
    return open_process(outside, "dev", later()).ledger.head().state


def cause() -> Cause:
    return Cause(reason="because", by=OPS.principal, at=Clock().time)


def stop_of(kind: str, deployment: Deployment, outside: Outside) -> tuple[Rule, dict[str, str]]:
    environment, why = open_process(outside, "dev", Clock()), cause()
    if kind == "hold set":
        return lambda stops: held(stops, why), {}
    if kind == "freeze set":
        return lambda stops: frozen(stops, why, why.at + timedelta(days=1)), {}
    if kind == "veto set":
        digest = environment.releases.get(deployment.version).digest
        return lambda stops: vetoed(stops, why, release=deployment.version, digest=digest), {"digest": digest}
    opened = environment.ledger.head().state.open
    name = opened.deployment if opened else ""
    return lambda stops: asked_to_end(stops, why, name), {"deployment": name}


@pytest.mark.parametrize("kind", ["hold set", "freeze set", "veto set", "end asked for"])
@pytest.mark.parametrize("deployment", [pytest.param(one, id=one.name) for one in FORWARD])
def test_no_stop_is_passed_over_wherever_it_comes(deployment: Deployment, kind: str) -> None:
    """Before the switch it is put back; behind it, a veto and the wish put it back, the others leave it open."""
    stopped = 0
    for number, point in moments(deployment):
        seen: list[bool] = []

        def write(outside: Outside, clock: Clock, seen: list[bool] = seen) -> None:
            state = state_of(outside)
            seen.append(state.open is not None and is_behind_switch(state.open, state))
            rule, told = stop_of(kind, deployment, outside)
            open_process(outside, "dev", clock).stops.change(kind, rule, OPS, told)

        outside = while_it_ran(deployment, number, write)
        assert broken_at_any_moment(outside, "dev", Clock()) == [], point
        opened, became = state_of(outside).open, live(state_of(outside)) == deployment.version
        stopped += not became
        if opened is None and not became:
            assert broken_in_the_end(outside, "dev", later()) == [], point
        elif opened is not None and opened.step != "paused":
            assert kind in ("hold set", "freeze set"), point
            assert is_behind_switch(opened, state_of(outside)), point
        if seen == [True] and kind in ("veto set", "end asked for"):
            assert opened is None, point
        for recovery in RECOVERIES if opened is not None else ():
            closed = outside.copy()
            recover(closed, recovery, later())
            assert broken_in_the_end(closed, "dev", later()) == [], (point, recovery)
    assert stopped > 20


@pytest.mark.parametrize("happens", ["a server dies", "a server dies and is marked out"])
@BY_NAME
def test_a_server_that_dies_at_any_point_leaves_a_deployment_that_can_be_closed(
    deployment: Deployment, happens: str
) -> None:
    seen: set[str] = set()
    for number, point in different_moments(deployment, looks_at_power):
        outside = while_it_ran(deployment, number, lambda outside, _: outside.servers["dev"].dead.add("i-2"))
        assert broken_at_any_moment(outside, "dev", Clock()) == [], point
        if is_like_one(outside, seen):
            continue
        if happens.endswith("out"):
            mark_out(outside)
        for recovery in RECOVERIES if state_of(outside).open else ("nothing",):
            closed = outside.copy()
            if recovery != "nothing":
                recover(closed, recovery, later())
            assert broken_in_the_end(closed, "dev", later()) == [], (point, recovery)


@BY_NAME
def test_a_listener_that_was_moved_by_hand_at_any_point_is_adopted_or_put_back(deployment: Deployment) -> None:
    """To the slot whose servers all run one release. Who is told that it cannot be adopted aborts."""
    for remains in killed_everywhere(deployment):
        outside = remains.outside.copy()
        servers = outside.servers["dev"]
        other = next(slot for slot in SLOTS if slot != servers.live)
        if runs_one_release(servers, other):
            servers.listen(other)
            refused = adopted(outside)
            if refused is not None:
                assert isinstance(refused, Refused), refused
                abort(outside)
            assert broken_in_the_end(outside, "dev", later()) == [], (remains.points[0], refused)


def runs_one_release(servers: Servers, slot: SlotName) -> bool:
    held = {one.release if one else None for one in servers.in_slot(slot)}
    return len(held) == 1 and None not in held and slot not in servers.stopped


def adopted(outside: Outside) -> StagelineError | None:
    return ending(lambda: adopt(open_process(outside, "dev", later()), "moved by hand", OPS, Steps(Points())))


def abort(outside: Outside) -> None:
    executor.abort(open_process(outside, "dev", later()), OPS, Steps(Points()))


@pytest.mark.parametrize("deployment", [pytest.param(one, id=one.name) for one in FORWARD])
def test_the_plan_of_a_newer_version_can_be_aborted_at_every_point(deployment: Deployment) -> None:
    outside = deployment.begin()
    ended, left = recorded(
        outside, lambda points: newer(deployment, open_process(outside, "dev", Clock(), points), points)
    )
    assert ended is None
    for remains in (one for one in left if one.state(later()).open is not None):
        refused = resumed(remains.outside.copy())
        assert isinstance(refused, Refused), remains.points
        assert "higher format" in str(refused)
        abort(remains.outside)
        assert broken_in_the_end(remains.outside, "dev", later()) == [], remains.points
        assert live(remains.state(later())) == deployment.former


def resumed(outside: Outside) -> StagelineError | None:
    return ending(lambda: executor.resume(open_process(outside, "dev", later()), OPS, Steps(Points())))


def newer(deployment: Deployment, environment: Environment, points: Points) -> None:
    """A deployment whose plan is stored in a format that this version does not know."""
    manifest, head = environment.releases.get(deployment.version), environment.ledger.head()
    order = executor.Proposal(
        kind="promotion",
        release=content_of(manifest),
        steps=forward(pause=deployment.pause),
        head=head,
        gates=(),
        manifest=manifest,
    )
    plan = executor.plan_of(environment, order)
    stored = plan.but(format=FORMAT + 1)
    with environment.ledger.begin(executor._request(stored, order), head, OPS) as holder:
        work = Work(plan, manifest, environment, holder, holder.head.seq, Steps(points))
        executor._run(work, plan.steps)


def mark_out(outside: Outside) -> None:
    """`release mark-out`, also while a deployment is open that nobody is at work on."""
    out = Out(server=SERVERS[1], reason="dead", by=OPS.principal, since="2026-11-20")
    environment = open_process(outside, "dev", later())
    opened = environment.ledger.head().state.open
    note_servers(
        environment, "server marked out", lambda state: without_server(state, out, SERVERS), OPS, Steps(Points())
    )
    assert environment.ledger.head().state.open == opened


@pytest.mark.parametrize("deployment", [pytest.param(one, id=one.name) for one in KINDS if one.stops])
def test_a_table_that_takes_no_writes_keeps_no_failing_release_before_users(deployment: Deployment) -> None:
    failed = 0
    seen: set[str] = set()
    former = "blue" if deployment.history else None
    for number, point in different_moments(deployment, writes):
        outside = while_it_ran(deployment, number, lambda outside, _: setattr(outside.cloud, "writes_fail", True))
        outside.cloud.writes_fail = False
        if point_is_behind(deployment, number):
            failed += 1
            assert outside.servers["dev"].live == former, point
        if is_like_one(outside, seen):
            continue
        for recovery in RECOVERIES if state_of(outside).open else ("nothing",):
            closed = outside.copy()
            if recovery != "nothing":
                recover(closed, recovery, later())
            assert broken_in_the_end(closed, "dev", later()) == [], (point, recovery)
    assert failed


def point_is_behind(deployment: Deployment, number: int) -> bool:
    """Whether this point comes after the watch's beginning was recorded: what it finds takes the release from users."""
    before = points_of(deployment)[:number]
    began = before.index("beginning of watched") if "beginning of watched" in before else number
    return "after dynamodb:TransactWriteItems" in before[began:]
