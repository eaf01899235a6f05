"""What must be true of what is outside: at every moment, and once nobody is at work any more.

Each rule is told in a line when it is broken, so that a failing test says which one, and not only where.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from contract.slots import SlotName
from release.doors.aws.table import Item
from release.environment import Environment
from release.process.errors import Broken
from release.records.ledger.event import Event, parse_event, state_after
from release.records.ledger.head import Content, Open, State
from release.records.ledger.lease import Patience
from release.records.ledger.stops import Change, Stops, parse_change
from release.work.orders import order_of
from tests.release.crash.memory import Snapshot
from tests.release.crash.outside import NAMES, SLOTS, Outside, Servers, open_process
from tests.release.world import INSTANCES, SERVERS, Clock

PROMOTIONS = ("promotion", "hotfix", "redeployment")


@dataclass(frozen=True, kw_only=True, eq=False)
class Read:
    """An event as it was read, and the state that it led to: the same one for all ledgers that begin alike."""

    event: Event
    state: State


@dataclass(frozen=True)
class Told:
    """What the ledger tells: its events with the state that each led to, HEAD's state, and the changes of stops."""

    events: list[tuple[Event, State]]
    state: State
    changes: list[Change]


def told_by(environment: Environment) -> Told:
    """Read all of it."""
    ledger = environment.ledger
    changes = [parse_change(item.body, item.seq) for item in ledger.table.items("STOP")]
    return Told(list(_history(ledger.table.events())), ledger.head().state, changes)


def _history(items: Iterable[Item]) -> Iterator[tuple[Event, State]]:
    """``with_states`` of the events: what hundreds of ledgers have in common is read once."""
    last: Read | None = None
    for item in items:
        last = _read_after(last, item.seq, item.body)
        yield last.event, last.state


@lru_cache(maxsize=2_000)
def _read_after(before: Read | None, seq: int, text: str) -> Read:
    event = parse_event(text, seq)
    return Read(event=event, state=state_after(before.state if before else None, event))


def broken_at_any_moment(outside: Outside, name: str, clock: Clock) -> list[str]:
    """The rules that hold also while a deployment is at work, and after its process was killed anywhere."""
    environment, servers = open_process(outside, name, clock), outside.servers[name]
    told = told_by(environment)
    events = [event for event, _ in told.events]
    return [
        *(fault.text for fault in environment.ledger.faults()),
        *_repeated(events),
        *_other_state(told),
        *_ended_otherwise(told),
        *_unverified_live(environment, told),
        *_passed_over(told),
        *_lost_stops(told.changes, environment.stops.read()),
        *_wrong_for_users(servers, told),
        *_wrong_backups(outside, environment, events),
    ]


def broken_in_the_end(outside: Outside, name: str, clock: Clock) -> list[str]:
    """The rules that hold besides those, when nobody is at work and no deployment is open."""
    environment, servers = open_process(outside, name, clock), outside.servers[name]
    state = environment.ledger.head().state
    environment.ledger.free_lease(Patience(until_silent=True))  # whoever died with it holds up nobody
    live_slot = state.live.slot if state.live else None
    found = {
        f"{state.open} is still open": state.open is not None,
        f"HEAD declares {state.declared}, live is {live_slot}": state.declared != live_slot,
        f"the listener is on {servers.live}, HEAD says {state.declared}": servers.live != state.declared,
    }
    return [
        *broken_at_any_moment(outside, name, clock),
        *(text for text, broken in found.items() if broken),
        *_slots_unlike_head(servers, state),
        *_untold(servers, state),
        *(() if state.open else _wrong_after_a_plain_up(outside.copy(), name, clock)),
    ]


def _wrong_after_a_plain_up(outside: Outside, name: str, clock: Clock) -> Iterator[str]:
    """HEAD, Pulumi's state and reality agree once anybody runs ``pulumi up``, which then moves no user.

    A server without power, or a release that does not come up, may fail it, and does not move the listener either.
    """
    stack, servers = open_process(outside, name, clock).stack, outside.servers[name]
    state, before, failed = stack.head().state, servers.live, False
    try:
        stack.plain_up()
    except Broken as error:
        failed = True
        if not (servers.pulumi_is_broken or servers.dead or servers.crashes or servers.fails_to_install):
            yield f"a plain up failed: {error}"
    if servers.live != before or servers.live_slot_was_touched:
        yield f"a plain up moved users from {before} to {servers.live}, or installed where they are"
    if failed:
        return
    if servers.applied_live != state.declared:
        yield f"Pulumi's state has the listener on {servers.applied_live}, HEAD says {state.declared}"
    for server, slot, content in ((name, slot, state.slot(slot)) for name in NAMES for slot in SLOTS):
        told = servers.applied.get((server, slot))
        if _is_in(server, state) and (not _holds(servers, server, slot, content) or told != _order(slot, content)):
            yield f"after a plain up {slot} of {server} has {servers.slots[server][slot]}, HEAD says {content}"


def _holds(servers: Servers, server: str, slot: SlotName, content: Content | None) -> bool:
    """Whether a server was last told, by whomever, what HEAD says."""
    return _order(slot, servers.slots[server][slot]) == _order(slot, content)


def _order(slot: SlotName, content: Content | None) -> str | None:
    return order_of(slot, content) if content else None


def _is_in(instance: str, state: State) -> bool:
    """Whether a server is not marked out."""
    return SERVERS[INSTANCES.index(instance)] not in state.out_names


def _other_state(told: Told) -> Iterator[str]:
    """What the events lead to is what HEAD says."""
    if told.events and told.events[-1][1] != told.state:
        yield "HEAD's state is not the one that the events lead to"


def _ended_otherwise(told: Told) -> Iterator[str]:
    """An event says that a deployment ended where its state has it open no more, and nowhere else."""
    opened: Open | None = None
    for event, state in told.events:
        before, after = (one.deployment if one else None for one in (opened, state.open))
        expected = before if after != before else None
        if (event.ended and event.ended.deployment) != expected:
            yield f"event {event.seq} ({event.kind}) says that {event.ended} ended, HEAD that {expected} did"
        opened = state.open


def _repeated(events: list[Event]) -> Iterator[str]:
    nonces = [event.nonce for event in events]
    if len({*nonces}) != len(nonces):
        yield "an event was recorded twice"


def _unverified_live(environment: Environment, told: Told) -> Iterator[str]:
    """Live is what a signed verdict says over the same bytes, of this deployment or of the one that it goes back to;
    or what a person moved users to, and said why.
    """
    live = told.state.live
    if live is None or live.release in _adopted(told):
        return
    manifest, known = environment.releases.get(live.release), environment.ledger.known(live.release)
    deployments = {live.deployment, *(one.deployment for one in known.deployments)} if known else {live.deployment}
    verdicts = [environment.releases.verdict(manifest, deployment) for deployment in deployments]
    if not any(one and one.digest == live.digest and one.outcome in ("passed", "accepted") for one in verdicts):
        yield f"{live.release} is live without a verdict of {live.deployment}"


def _adopted(told: Told) -> set[str]:
    """The releases that somebody moved users to by hand."""
    return {event.details["release"] for event, _ in told.events if event.kind == "listener adopted"}


def _passed_over(told: Told) -> Iterator[str]:
    """No promotion switches over a stop that stood at its event before, nor becomes live over one from before then."""
    before: dict[str | None, Event] = {}
    switched: dict[str | None, Event] = {}
    for event, _ in told.events:
        if _kind_of(told, event.deployment) in PROMOTIONS:
            last, begun = before.get(event.deployment), switched.get(event.deployment)
            if last and (event.kind, event.step) == ("step started", "switched"):
                yield from _over(told, event, _standing(told, last.at, event.deployment))
                switched[event.deployment] = event
            if begun and (event.kind, event.step) == ("step done", "live"):
                then, now = (_standing(told, at, event.deployment) for at in (begun.at, event.at))
                yield from _over(told, event, then & now)
            before[event.deployment] = event


def _over(told: Told, event: Event, standing: set[str]) -> Iterator[str]:
    """The stops that an event passed over, in words."""
    yield from (f"event {event.seq} ({event.kind} {event.step}) passed over {what}" for what in sorted(standing))


def _kind_of(told: Told, deployment: str | None) -> str:
    """The kind of a deployment, by the event that it began with."""
    return next((one.kind.split()[0] for one in _requests(told) if one.deployment == deployment), "")


def _digest_of(told: Told, deployment: str | None) -> str | None:
    """What a deployment is about. Its plan may be one of a higher format."""
    found = (one.details["plan"]["content"]["digest"] for one in _requests(told) if one.deployment == deployment)
    return next(found, None)


def _requests(told: Told) -> list[Event]:
    return [event for event, _ in told.events if "plan" in event.details]


def _standing(told: Told, at: str, deployment: str | None) -> set[str]:
    """What stood in the way of a deployment at a moment, by the changes before."""
    standing: set[str] = set()
    digest = _digest_of(told, deployment)
    for change in (change for change in told.changes if change.at < at):
        about = change.details.get("digest") in (None, digest)
        match change.kind:
            case "hold set":
                standing.add("a hold")
            case "hold lifted":
                standing.discard("a hold")
            case "freeze set" if change.details.get("until", at) < at:
                standing.discard("a freeze")  # the new one is over, and it took the place of any other
            case "freeze set":
                standing.add("a freeze")
            case "freeze lifted":
                standing.discard("a freeze")
            case "veto set" if about:
                standing.add("a veto")
            case "veto lifted":
                standing.discard("a veto")
            case "verification failed":
                standing |= {"a hold", "a veto"} if about else {"a hold"}
            case "end asked for" if change.details.get("deployment") == deployment:
                standing.add("the wish that it ends")
    return standing


def _lost_stops(changes: list[Change], now: Stops) -> Iterator[str]:
    """Only a person takes away a hold or a veto, and what stands is what the last change led to."""
    if [change.seq for change in changes] != list(range(len(changes))) or now.seq != len(changes) - 1:
        yield "a change of what is stopped is missing"
    for kind, there in (("hold", now.hold), ("veto", now.vetoes)):
        set_by = [change for change in changes if change.kind in (f"{kind} set", "verification failed")]
        lifted = [change for change in changes if change.kind == f"{kind} lifted"]
        if set_by and not there and (not lifted or lifted[-1].seq < set_by[-1].seq):
            yield f"the {kind} was lost"


def _wrong_for_users(servers: Servers, told: Told) -> Iterator[str]:
    """Users get one release from all servers, verified behind the preview; another than HEAD's only in an open step."""
    state = told.state
    if servers.live_slot_was_touched:
        yield "something was installed into the slot behind the live listener"
    if servers.led_to_nothing:
        yield "users were moved from what served them to what did not run"
    if servers.live is None:
        return
    held = {content.digest if content else None for content in servers.in_slot(servers.live)}
    seen = held - {None} or held  # of a server that holds nothing there the balancer keeps users away
    if len(seen) > 1:
        yield f"the servers answer users with different releases: {seen}"
    if not seen <= _verified_digests(told):
        yield "users see a release that was not verified"
    if state.open is None and not seen <= {state.live.digest if state.live else None}:
        yield "users see another release than HEAD says, and no step is open"


def _slots_unlike_head(servers: Servers, state: State) -> Iterator[str]:
    """Servers with power hold what HEAD says, or HEAD says that it is not known."""
    for name in NAMES:
        for slot in SLOTS:
            content = state.slot(slot)
            known = _is_in(name, state) and not (content and content.unsure)
            if name not in servers.dead and known and not _holds(servers, name, slot, content):
                yield f"slot {slot} of {name} has {servers.slots[name][slot]}, HEAD says {content}"


def _untold(servers: Servers, state: State) -> Iterator[str]:
    """Pulumi's state has what HEAD says, or HEAD says that it was not told, or that it is not known."""
    if state.behind:
        return
    if servers.applied_live != state.declared:
        yield f"Pulumi's state has the listener on {servers.applied_live}, and HEAD does not say so"
    for name in NAMES:
        for slot in SLOTS:
            content, told = state.slot(slot), servers.applied.get((name, slot))
            known = name not in servers.dead and _is_in(name, state) and not (content and content.unsure)
            if known and told != _order(slot, content):
                yield f"Pulumi's state has {told} for {slot} of {name}, HEAD says {content}, and not that it is behind"


def _wrong_backups(outside: Outside, environment: Environment, events: list[Event]) -> Iterator[str]:
    """Every snapshot is of a deployment, and no promotion installs without one that is good."""
    prefix = f"{environment.settings.project}-{environment.name}-"
    mine = {event.deployment for event in events if event.deployment}
    of = {name: _deployment(one) for name, one in outside.cloud.snapshots.items() if name.startswith(prefix)}
    good = {_deployment(one) for one in outside.cloud.snapshots.values() if one.status == "available"}
    kinds = {event.deployment: event.kind.split()[0] for event in events if event.kind.endswith(" requested")}
    for event in events:
        needed = event.step == "installed" and kinds[event.deployment] in PROMOTIONS
        if needed and event.deployment not in good:
            yield f"{event.deployment} installs without a snapshot"
    yield from (f"the snapshot {name} is of no deployment" for name, of_this in of.items() if of_this not in mine)


def _deployment(snapshot: Snapshot) -> str:
    """The deployment that a snapshot was made for, by its tag."""
    return next((tag["Value"] for tag in snapshot.tags if tag["Key"] == "deployment"), "")


def _verified_digests(told: Told) -> set[str | None]:
    """What the ledger says was found good behind the preview listener, or live."""
    found = {
        _digest_of(told, event.deployment)
        for event, _ in told.events
        if (event.kind, event.step) == ("step done", "verified")
    }
    return {*found, *(state.live.digest for _, state in told.events if state.live)}
