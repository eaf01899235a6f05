"""Any order of what people and accidents do to two environments: whatever it is, the rules hold after each.

Every rule of the machine is a call of the command, in a new process over the same outside (``tests.release.crash``):
deployments go through their real gates, as the verbs judge them. What the gates have to say is known to the machine
from its own, simple memory of holds, freezes and vetoes, never from the code that it tests.

`STAGELINE_STATES=thorough` tries much more of it.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from release.deployment import executor
from release.deployment.executor import Order
from release.deployment.gates import refuse_unless_passed
from release.deployment.record import open_deployment
from release.deployment.stops import Cause, StandingVeto, frozen, held, vetoed, without_veto
from release.deployment.vetoes import refuse_vetoed, vetoes_in
from release.environment import Environment
from release.errors import LeaseHeld, Refused, StagelineError
from release.ledger.head import Head, State
from release.ledger.ledger import Entry
from release.verbs.promote import order_from
from release.verbs.redeploy import order_again
from release.verbs.rollback import order_back
from tests.release.crash.invariants import broken_at_any_moment, broken_in_the_end
from tests.release.crash.memory import Points
from tests.release.crash.outside import Outside, Steps, new_outside, open_process, publish, settings_of
from tests.release.world import OPS, Clock

NAMES = ("dev", "qa")
VERSIONS = ("1.0.0", "1.1.0", "1.2.0")
FLAWS = ("fails_to_install", "fails_smoke", "fails_smoke_live", "unreachable", "restarts_in_watch")
MOST_POINTS = 160  # of a deployment: a kill at a later one does not happen

settings.register_profile(
    "quick",
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[*HealthCheck],
    derandomize=True,
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=400, derandomize=False)

environments = st.sampled_from(NAMES)
versions = st.sampled_from(VERSIONS)
kills = st.one_of(st.none(), st.none(), st.integers(min_value=0, max_value=MOST_POINTS))


class Killed(BaseException):
    """Stands for kill -9."""


@dataclass
class Kill:
    """Kills at one point. A dead process does nothing any more, also not by the way."""

    left: int | None

    def __call__(self, point: str) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed(point)


@dataclass
class Memory:
    """What the machine knows by itself of what must keep releases out."""

    held: set[str] = field(default_factory=set)
    frozen: dict[str, datetime] = field(default_factory=dict)
    vetoed: dict[str, set[str]] = field(default_factory=dict)  # the versions, and where each is vetoed

    def forbids(self, name: str, version: str, now: datetime) -> bool:
        """Whether no release, or not this one, may be promoted."""
        return name in self.held or self.frozen.get(name, now) > now or bool(self.vetoed.get(version))


class Releases(RuleBasedStateMachine):
    """Two environments, their people, and their accidents."""

    def __init__(self, outside: Outside | None = None) -> None:
        super().__init__()
        self.clock = Clock()
        self.outside = outside or start().copy()
        self.memory = Memory()
        self.known: dict[str, int] = {}
        self.looked: dict[str, object] = {}

    @rule(version=versions)
    def publish(self, version: str) -> None:
        publish(self.open("dev"), version)

    @rule(version=versions)
    def publish_other_bytes(self, version: str) -> None:
        if self.open("dev").releases.find(version) is not None:
            assert isinstance(ended(lambda: publish(self.open("dev"), version, "other bytes")), Refused)

    @rule(name=environments, version=versions, flaw=st.sampled_from(FLAWS))
    def turn_bad(self, name: str, version: str, flaw: str) -> None:
        getattr(self.outside.servers[name], flaw).add(version)

    @rule(name=environments)
    def turn_good(self, name: str) -> None:
        for flaw in FLAWS:
            getattr(self.outside.servers[name], flaw).clear()

    @rule(name=environments, version=versions, kill=kills)
    def promote(self, name: str, version: str, kill: int | None) -> None:
        """Also what must be refused: then nothing begins."""
        allowed = self.may_promote(name, version) and not self.memory.forbids(name, version, self.clock.time)
        self.deployed(name, kill, lambda one: self.promotion(one, version), allowed)

    @rule(name=environments, kill=kills)
    def roll_back(self, name: str, kill: int | None) -> None:
        """Past holds and freezes, but not to what is vetoed."""
        previous, live = self.state(name).previous, self.state(name).live
        allowed = (
            previous is not None and not self.memory.vetoed.get(previous.release) and previous.digest != live.digest
        )
        self.deployed(name, kill, lambda one: order_back(one, None, self.vetoes()), allowed)

    @rule(name=environments, kill=kills)
    def redeploy(self, name: str, kill: int | None) -> None:
        live = self.state(name).live
        allowed = live is not None and not self.memory.forbids(name, live.release, self.clock.time)
        self.deployed(name, kill, lambda one: order_again(one, self.vetoes()), allowed)

    @rule(name=environments, kill=kills, verb=st.sampled_from(("resume", "abort")))
    def recover(self, name: str, kill: int | None, verb: str) -> None:
        self.recovered(name, verb, kill)

    @precondition(lambda self: any(self.state(name).open for name in NAMES))
    @rule(kill=kills)
    def recover_as_told(self, kill: int | None) -> None:
        """Mend what is broken, wait for the lease, look again, and go back where that does not help."""
        for name in NAMES:
            self.turn_good(name)
            self.wait(timedelta(hours=1))
            self.recovered(name, "resume", kill)
            self.wait(timedelta(hours=1))
            self.recovered(name, "abort", None)
            assert broken_in_the_end(self.outside, name, self.clock) == []

    @rule(name=environments, version=versions)
    def meet_somebody_else(self, name: str, version: str) -> None:
        """Two writers: whoever comes while one is at work gets nothing, whatever they want."""
        one, other = self.open(name), self.open(name)

        def second() -> None:
            one.stack.during_up = lambda: None
            head = other.ledger.head()
            assert isinstance(ended(lambda: other.ledger.begin(note_of(head), head, OPS)), LeaseHeld)
            assert isinstance(ended(lambda: self.promotion(other, version)), (LeaseHeld, Refused))

        one.stack.during_up = second
        ended(lambda: self.begin(one, lambda _: self.promotion(one, version), Points()))
        self.learn(name)

    @rule(name=environments, version=versions)
    def sleep_past_the_lease(self, name: str, version: str) -> None:
        """Row 3: a holder that was paused while its lease was taken over touches nothing any more."""
        one, seen = self.open(name), list[Outside]()

        def taken_over() -> None:
            one.stack.during_up = lambda: None
            self.wait(timedelta(hours=1))
            self.recovered(name, "abort", None)
            seen.append(self.outside.copy())

        one.stack.during_up = taken_over
        ended(lambda: self.begin(one, lambda _: self.promotion(one, version), Points()))
        assert seen in ([], [self.outside]), "a holder whose lease was taken over went on"

    @rule(name=environments)
    def hold(self, name: str) -> None:
        if self.noted(name, "hold set", lambda state: held(state, self.cause())):
            self.memory.held.add(name)

    @rule(name=environments)
    def lift_hold(self, name: str) -> None:
        if self.noted(name, "hold lifted", lambda state: replace(state, hold=None)):
            self.memory.held.discard(name)

    @rule(name=environments)
    def freeze(self, name: str) -> None:
        until = self.clock.time.replace(microsecond=0) + timedelta(hours=5)
        if self.noted(name, "freeze set", lambda state: frozen(state, self.cause(), until)):
            self.memory.frozen[name] = until

    @rule(name=environments)
    def lift_freeze(self, name: str) -> None:
        if self.noted(name, "freeze lifted", lambda state: replace(state, freeze=None)):
            self.memory.frozen.pop(name, None)

    @rule(name=environments, version=versions)
    def veto(self, name: str, version: str) -> None:
        manifest = self.open("dev").releases.find(version)
        if manifest is None:
            return
        digest = manifest.digest
        if self.noted(name, "veto set", lambda state: vetoed(state, self.cause(), release=version, digest=digest)):
            self.memory.vetoed.setdefault(version, set()).add(name)

    @rule(version=versions)
    def lift_veto(self, version: str) -> None:
        for name in sorted(self.memory.vetoed.get(version, ())):
            if self.noted(name, "veto lifted", lambda state: without_veto(state, version)):
                self.memory.vetoed[version].discard(name)

    @rule(minutes=st.sampled_from((1, 3, 60, 400)))
    def time_passes(self, minutes: int) -> None:
        self.wait(timedelta(minutes=minutes))

    @invariant()
    def every_rule_holds(self) -> None:
        for name in NAMES:
            state, lease = self.state(name), self.open(name).ledger.lease()
            at_work = lease is not None and lease.held_at(self.clock.time)
            look = broken_at_any_moment if state.open or at_work else broken_in_the_end
            if self.looked.get(name) != (look, self.part(name)):
                assert look(self.outside, name, self.clock) == []
                self.looked[name] = (look, self.part(name))
            assert (state.hold is not None) == (name in self.memory.held)
            assert {veto.release for veto in state.vetoes} == {
                version for version, where in self.memory.vetoed.items() if name in where
            }

    def part(self, name: str) -> tuple[object, object]:
        """What of the outside is this environment's, as it is now."""
        table = self.outside.cloud.tables[settings_of(name).names.ledger_table]
        return dict(table), self.outside.servers[name].copy()

    def open(self, name: str, points: Points | None = None) -> Environment:
        return open_process(self.outside, name, self.clock, points)

    def head(self, name: str) -> Head:
        return self.open(name).ledger.head()

    def state(self, name: str) -> State:
        return self.head(name).state

    def wait(self, time: timedelta) -> None:
        self.clock.time += time

    def cause(self) -> Cause:
        return Cause(reason="because", by=OPS.principal, at=self.clock.time)

    def vetoes(self) -> tuple[StandingVeto, ...]:
        return vetoes_in(self.open(name) for name in NAMES)

    def may_promote(self, name: str, version: str) -> bool:
        """Whether the release comes from where it must come from, and is not there yet."""
        live, upstream = self.state(name).live, settings_of(name).promotes_from
        there = self.state(upstream).live if upstream else None
        comes = there is not None and there.release == version if upstream else self.is_published(version)
        return comes and (live is None or live.release != version)

    def is_published(self, version: str) -> bool:
        return self.open("dev").releases.find(version) is not None

    def is_free(self, name: str) -> bool:
        """Whether a deployment could begin at all."""
        lease = self.open(name).ledger.lease()
        return self.state(name).open is None and not (lease and lease.held_at(self.clock.time))

    def promotion(self, target: Environment, version: str) -> Order:
        upstream = target.settings.promotes_from
        return order_from(self.open(upstream) if upstream else None, target, version, self.vetoes())

    def begin(self, target: Environment, order_of: Callable[[Environment], Order], points: Points) -> None:
        """What the verbs do: judge, copy, deploy."""
        order = order_of(target)
        refuse_unless_passed(order.gates, "this")
        upstream = target.settings.promotes_from
        if order.kind == "promotion" and upstream:
            target.releases.adopt(order.manifest, self.open(upstream).releases)
        executor.deploy(target, order, OPS, Steps(points))

    def deployed(self, name: str, kill: int | None, order_of: Callable[[Environment], Order], allowed: bool) -> None:
        """A deployment, perhaps killed. It begins only when it may, and does when nothing is in its way either."""
        before, free, points = self.head(name), self.is_free(name), Points(Kill(kill))
        with suppress(Killed):
            ended(lambda: self.begin(self.open(name, points), order_of, points))
        begun = self.head(name).seq > before.seq
        assert begun <= allowed, f"{name} let something in that it must not"
        assert begun or kill is not None or not (allowed and free), f"{name} kept something out that it must let in"
        self.learn(name)

    def recovered(self, name: str, verb: str, kill: int | None) -> None:
        points = Points(Kill(kill))
        environment = self.open(name, points)
        with suppress(Killed):
            ended(lambda: self.abort(environment, points) if verb == "abort" else self.resume(environment, points))
        self.learn(name)

    def abort(self, environment: Environment, points: Points) -> None:
        executor.abort(environment, OPS, Steps(points))

    def resume(self, environment: Environment, points: Points) -> None:
        plan, _ = open_deployment(environment.ledger, environment.ledger.head())
        refuse_vetoed(plan.digest, self.vetoes())
        executor.resume(environment, OPS, Steps(points))

    def learn(self, name: str) -> None:
        """A failed verdict behind the switch stops the environment and the release, and nothing else does."""
        ledger = self.open(name).ledger
        for event in list(ledger.events())[self.known.get(name, 0) :]:
            if event.kind == "verification failed":
                version = next(one for one in VERSIONS if one in event.details["why"])
                self.memory.held.add(name)
                self.memory.vetoed.setdefault(version, set()).add(name)
        self.known[name] = ledger.head().seq + 1

    def noted(self, name: str, kind: str, change: Callable[[State], State]) -> bool:
        """A note in the ledger, as ``release hold`` and the like make it; refused while somebody is at work."""
        ledger, head = self.open(name).ledger, self.head(name)
        return ended(lambda: ledger.note(Entry(kind=kind, state=change(head.state)), head, OPS)) is None


def note_of(head: Head) -> Entry:
    return Entry(kind="note", state=head.state)


def ended(work: Callable[[], object]) -> StagelineError | None:
    """How it failed, if it did."""
    try:
        work()
    except StagelineError as error:
        return error
    return None


@cache
def start() -> Outside:
    """Two releases went through dev, and the first one is in qa as well."""
    machine = Releases(new_outside(*NAMES))
    for version, names in {"1.0.0": ("dev", "qa"), "1.1.0": ("dev",)}.items():
        publish(machine.open("dev"), version)
        for name in names:
            machine.promote(name=name, version=version, kill=None)
    return machine.outside


TestReleases = Releases.TestCase
TestReleases.settings = settings.get_profile(os.environ.get("STAGELINE_STATES", "quick"))
