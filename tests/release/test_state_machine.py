"""Any order of what people and accidents do to two environments: whatever it is, the rules hold after each.

Every rule of the machine is a call of the command, in a new process over the same outside (``tests.release.crash``):
deployments go through their real gates, as the verbs judge them. What the stops have to say is known to the machine
from its own, simple memory of holds, freezes and vetoes, never from the code that it tests.

`STAGELINE_STATES=thorough` tries much more of it.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from release.environment import Environment
from release.process.errors import LeaseHeld, Refused, StagelineError
from release.records.ledger.head import Head, Out, State
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Entry
from release.records.ledger.stops import (
    Cause,
    Change,
    Rule,
    Stops,
    asked_to_end,
    frozen,
    held,
    parse_change,
    vetoed,
    without_veto,
)
from release.rules.consents import CONSENTS
from release.rules.gates import refuse_unless_passed
from release.verbs.accept import accept_open
from release.verbs.adopt_listener import adopt
from release.verbs.mark_out import note_servers, with_server, without_server
from release.verbs.promote import gather, proposal_of
from release.verbs.redeploy import proposal_again
from release.verbs.rollback import Request, go_back
from release.work import executor
from tests.release.crash.invariants import broken_at_any_moment, broken_in_the_end
from tests.release.crash.memory import Points
from tests.release.crash.outside import SLOTS, MemoryEnvironment, Outside, Steps, new_outside, open_process, publish
from tests.release.world import OPS, SERVERS, Clock, settings_of

NAMES = ("dev", "qa")
VERSIONS = ("1.0.0", "1.1.0", "1.2.0")
FLAWS = ("fails_to_install", "fails_smoke", "fails_smoke_live", "unreachable", "restarts_in_watch")
MOST_POINTS = 160  # of a deployment: a kill at a later one does not happen
DEAD = "i-2"
PATIENT = Patience(until_silent=True)

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
Verb = Callable[[MemoryEnvironment, Points], object]


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
        """Whether no release, or not this one, may be promoted into an environment."""
        return name in self.held or self.frozen.get(name, now) > now or name in self.vetoed.get(version, set())


class Releases(RuleBasedStateMachine):
    """Two environments, their people, and their accidents."""

    def __init__(self, outside: Outside | None = None) -> None:
        super().__init__()
        self.clock = Clock()
        self.outside = outside or start().copy()
        self.clock.time += timedelta(minutes=0 if outside else 10)  # after what was deployed before
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

    @rule(name=environments)
    def lose_a_server(self, name: str) -> None:
        self.outside.servers[name].dead.add(DEAD)

    @precondition(lambda self: any(self.outside.servers[name].dead for name in NAMES))
    @rule(name=environments)
    def mark_the_server_out(self, name: str) -> None:
        out = Out(server=SERVERS[1], reason="dead", by=OPS.principal, since="2026-11-20")
        if self.outside.servers[name].dead:
            self.noted(name, "server marked out", lambda state: without_server(state, out, SERVERS))

    @rule(name=environments)
    def replace_the_server(self, name: str) -> None:
        """A new server gets what HEAD says before users do."""
        servers = self.outside.servers[name]
        if servers.dead and self.state(name).open is None and not servers.fails_to_install:
            servers.dead.clear()
            servers.slots[DEAD] = dict.fromkeys(SLOTS)
            for slot in SLOTS:
                servers.applied.pop((DEAD, slot), None)
            self.noted(name, "server marked in", lambda state: with_server(state, SERVERS[1]))
            self.open(name).stack.plain_up()

    @rule(name=environments, version=versions, kill=kills, pause=st.booleans())
    def promote(self, name: str, version: str, kill: int | None, pause: bool = False) -> None:
        """Also what must be refused: then nothing begins."""
        allowed = not self.memory.forbids(name, version, self.clock.time) and self.state(name).open is None
        begun = self.called(name, kill, lambda one, points: self.promotion(one, version, points, pause=pause))
        assert begun <= allowed, f"{name} let {version} in, which it must not"

    @rule(name=environments, kill=kills)
    def redeploy(self, name: str, kill: int | None) -> None:
        live = self.state(name).live
        allowed = live is not None and not self.memory.forbids(name, live.release, self.clock.time)
        begun = self.called(name, kill, self.redeployment)
        assert begun <= allowed, f"{name} was deployed again, which it must not"

    @rule(name=environments, to=st.one_of(st.none(), versions), kill=kills)
    def roll_back(self, name: str, to: str | None, kill: int | None) -> None:
        """Past holds and freezes, and from whatever is open, but to what is vetoed only by force."""
        self.called(name, kill, lambda one, points: go_back(one, Request(version=to), OPS, Steps(points)))

    @rule(name=environments, to=versions, kill=kills)
    def force_back(self, name: str, to: str, kill: int | None) -> None:
        forced = Request(version=to, despite=CONSENTS, reason="because")
        self.called(name, kill, lambda one, points: go_back(one, forced, OPS, Steps(points)))

    @rule(name=environments, kill=kills, verb=st.sampled_from(("resume", "abort", "accept")))
    def recover(self, name: str, kill: int | None, verb: str) -> None:
        self.called(name, kill, VERBS[verb])

    @precondition(lambda self: any(self.state(name).open for name in NAMES))
    @rule(kill=kills)
    def recover_as_told(self, kill: int | None) -> None:
        """Mend what is broken, look again, and go back where that does not help: then nothing is open."""
        for name in NAMES:
            self.turn_good(name)
            self.called(name, kill, VERBS["resume"])
            self.closed(name)
            assert broken_in_the_end(self.outside, name, self.clock) == []

    @rule(name=environments)
    def move_the_listener_by_hand(self, name: str) -> None:
        """To a slot whose servers all run one release; whoever cannot adopt that puts it back."""
        servers = self.outside.servers[name]
        other = next(slot for slot in SLOTS if slot != servers.live)
        before, runs = servers.live, {one.release if one else None for one in servers.in_slot(other)}
        if len(runs) == 1 and None not in runs and other not in servers.stopped:
            servers.listen(other)
            if self.failure(name, lambda one, points: adopt(one, "moved by hand", OPS, Steps(points))):
                servers.listen(before)

    @rule(name=environments)
    def plain_up(self, name: str) -> None:
        """By somebody who knows nothing of releases: refused while one is being tried."""
        is_open = self.state(name).open is not None
        failure = ended(self.open(name).stack.plain_up)
        assert isinstance(failure, Refused) or not is_open

    @rule(name=environments, version=versions)
    def meet_somebody_else(self, name: str, version: str) -> None:
        """Two writers: whoever comes while one is at work gets nothing, whatever they want."""
        one, other = self.open(name), self.open(name)

        def second() -> None:
            one.fleet.during_install = one.stack.during_up = lambda: None
            head = other.ledger.head()
            assert isinstance(ended(lambda: other.ledger.begin(note_of(head), head, OPS)), LeaseHeld)
            assert isinstance(ended(lambda: self.promotion(other, version, Points())), (LeaseHeld, Refused))

        one.fleet.during_install = one.stack.during_up = second
        ended(lambda: self.promotion(one, version, Points()))
        self.learn(name)

    @rule(name=environments, version=versions)
    def sleep_past_the_lease(self, name: str, version: str) -> None:
        """A holder that was paused while its lease was taken over touches nothing any more."""
        one, seen = self.open(name), list[Outside]()

        def taken_over() -> None:
            one.fleet.during_install = one.stack.during_up = lambda: None
            self.called(name, None, VERBS["abort"])
            seen.append(self.outside.copy())

        one.fleet.during_install = one.stack.during_up = taken_over
        ended(lambda: self.promotion(one, version, Points()))
        assert seen in ([], [self.outside]), "a holder whose lease was taken over went on"

    @rule(name=environments)
    def hold(self, name: str) -> None:
        self.stop(name, "hold set", lambda stops: held(stops, self.cause()))
        self.memory.held.add(name)

    @rule(name=environments)
    def lift_hold(self, name: str) -> None:
        self.stop(name, "hold lifted", lambda stops: stops.but(hold=None))
        self.memory.held.discard(name)

    @rule(name=environments)
    def freeze(self, name: str) -> None:
        until = self.clock.time.replace(microsecond=0) + timedelta(hours=5)
        told = {"until": until.isoformat(timespec="seconds")}
        self.stop(name, "freeze set", lambda stops: frozen(stops, self.cause(), until), told)
        self.memory.frozen[name] = until

    @rule(name=environments)
    def lift_freeze(self, name: str) -> None:
        self.stop(name, "freeze lifted", lambda stops: stops.but(freeze=None))
        self.memory.frozen.pop(name, None)

    @rule(name=environments, version=versions)
    def veto(self, name: str, version: str) -> None:
        manifest = self.open("dev").releases.find(version)
        if manifest is not None:
            digest = manifest.digest
            self.stop(
                name,
                "veto set",
                lambda stops: vetoed(stops, self.cause(), release=version, digest=digest),
                {"digest": digest},
            )
            self.memory.vetoed.setdefault(version, set()).add(name)

    @rule(version=versions)
    def lift_veto(self, version: str) -> None:
        manifest = self.open("dev").releases.find(version)
        for name in sorted(self.memory.vetoed.get(version, ())):
            told = {"digest": manifest.digest} if manifest else {}
            self.stop(name, "veto lifted", lambda stops: without_veto(stops, version), told)
        self.memory.vetoed.pop(version, None)

    @rule(name=environments)
    def ask_it_to_end(self, name: str) -> None:
        opened = self.state(name).open
        if opened is not None:
            told = {"deployment": opened.deployment}
            self.stop(name, "end asked for", lambda stops: asked_to_end(stops, self.cause(), opened.deployment), told)

    @rule(minutes=st.sampled_from((1, 3, 60, 400)))
    def time_passes(self, minutes: int) -> None:
        self.clock.time += timedelta(minutes=minutes)

    @invariant()
    def every_rule_holds(self) -> None:
        for name in NAMES:
            look = broken_at_any_moment if self.state(name).open else broken_in_the_end
            if self.looked.get(name) != (look, self.part(name)):
                found = look(self.outside, name, self.clock)
                assert not found, found
                self.looked[name] = (look, self.part(name))
            stops = self.stops(name)
            assert (stops.hold is not None) == (name in self.memory.held)
            assert {veto.release for veto in stops.vetoes} == {
                version for version, where in self.memory.vetoed.items() if name in where
            }

    def teardown(self) -> None:
        """From wherever it ended, there is a way to close what is open, with users on a verified release."""
        for name in NAMES:
            self.outside.servers[name].stopped.clear()
            self.turn_good(name)
            self.closed(name)
            found = broken_in_the_end(self.outside, name, self.clock)
            assert not found, found

    def closed(self, name: str) -> None:
        """Close what is open: put it back, and where that way is lost, keep users where they are."""
        if self.state(name).open is not None:
            self.called(name, None, VERBS["abort"])
        if self.state(name).open is not None:
            self.called(name, None, lambda one, points: adopt(one, "to close it", OPS, Steps(points)))
        assert self.state(name).open is None, self.state(name).open

    def part(self, name: str) -> tuple[object, object]:
        """What of the outside is this environment's, as it is now."""
        table = self.outside.cloud.tables[settings_of(name).names.ledger_table]
        return dict(table), self.outside.servers[name].copy()

    def open(self, name: str, points: Points | None = None) -> MemoryEnvironment:
        return open_process(self.outside, name, self.clock, points)

    def head(self, name: str) -> Head:
        return self.open(name).ledger.head()

    def state(self, name: str) -> State:
        return self.head(name).state

    def stops(self, name: str) -> Stops:
        return self.open(name).stops.read()

    def stop(self, name: str, kind: str, change: Rule, told: dict[str, str] | None = None) -> None:
        """As `release hold` and the like: at any time, without the lease."""
        self.open(name).stops.change(kind, change, OPS, told or {})

    def cause(self) -> Cause:
        return Cause(reason="because", by=OPS.principal, at=self.clock.time)

    def promotion(self, target: Environment, version: str, points: Points, *, pause: bool = False) -> None:
        """What the verb does: judge, copy, deploy. A lease that nobody beats is taken over, as by `--wait`."""
        upstream = target.settings.promotes_from
        source = self.open(upstream) if upstream else None
        free = target.ledger.free_lease(PATIENT)
        head = target.ledger.head()
        facts = gather(source, target, version, head.state)
        proposal = proposal_of(facts, head, free, pause=pause)
        refuse_unless_passed(proposal.gates, "this")
        if source is not None and proposal.manifest is not None:
            target.releases.adopt(proposal.manifest, source.releases)
        executor.deploy(target, proposal, OPS, Steps(points))

    def redeployment(self, environment: Environment, points: Points) -> None:
        environment.ledger.free_lease(PATIENT)
        proposal = proposal_again(environment)
        refuse_unless_passed(proposal.gates, "this")
        executor.deploy(environment, proposal, OPS, Steps(points))

    def called(self, name: str, kill: int | None, verb: Verb) -> bool:
        """A verb in a new process, perhaps killed; whether a deployment began with it."""
        seq, points = self.head(name).seq, Points(Kill(kill))
        with suppress(Killed):
            ended(lambda: verb(self.open(name, points), points))
        self.learn(name)
        events = [event for event in self.open(name).ledger.events() if event.seq > seq]
        return any("plan" in event.details for event in events)

    def failure(self, name: str, verb: Verb) -> StagelineError | None:
        points = Points()
        return ended(lambda: verb(self.open(name, points), points))

    def noted(self, name: str, kind: str, change: Callable[[State], State]) -> None:
        ended(lambda: note_servers(self.open(name), kind, change, OPS, Steps(Points())))

    def learn(self, name: str) -> None:
        """A failed verdict behind the switch stops the environment and the release, and nothing else does."""
        changes = changes_of(self.open(name))
        for change in changes[self.known.get(name, 0) :]:
            if change.kind == "verification failed":
                self.memory.held.add(name)
                self.memory.vetoed.setdefault(change.details["release"], set()).add(name)
        self.known[name] = len(changes)


def changes_of(environment: Environment) -> list[Change]:
    return [parse_change(item.body, item.seq) for item in environment.ledger.table.items("STOP")]


VERBS: dict[str, Verb] = {
    "resume": lambda one, points: executor.resume(one, OPS, Steps(points)),
    "abort": lambda one, points: executor.abort(one, OPS, Steps(points)),
    "accept": lambda one, points: accept_open(one, "looks good", OPS, Steps(points)),
}


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
