"""What must be true of what is outside: at every moment, and once nobody is at work any more.

Each rule is told in a line when it is broken, so that a failing test says which one, and not only where.
"""

from collections.abc import Iterator
from itertools import pairwise

from release.deployment.plan import parse_plan
from release.environment import Environment
from release.ledger.event import Event
from release.ledger.head import State
from tests.release.crash.outside import SLOTS, Outside, Servers, open_process
from tests.release.world import Clock


def broken_at_any_moment(outside: Outside, name: str, clock: Clock) -> list[str]:
    """The rules that hold also while a deployment is at work, and after its process was killed anywhere."""
    environment, servers = open_process(outside, name, clock), outside.servers[name]
    events, state = list(environment.ledger.events()), environment.ledger.head().state
    return [
        *(fault.text for fault in environment.ledger.faults()),
        *_repeated(events),
        *_unverified_live(environment, state),
        *_vetoed_gone_live(events),
        *_lost_stops(events),
        *_wrong_for_users(servers, state, _verified_digests(events)),
        *_wrong_backups(outside, environment, events),
    ]


def broken_in_the_end(outside: Outside, name: str, clock: Clock) -> list[str]:
    """The rules that hold besides those, when nobody is at work and no deployment is open."""
    environment, servers = open_process(outside, name, clock), outside.servers[name]
    state, lease = environment.ledger.head().state, environment.ledger.lease()
    live_slot = state.live.slot if state.live else None
    found = {
        f"{state.open} is still open": state.open is not None,
        f"{lease} is held": lease is not None and lease.held_at(clock()),
        f"HEAD declares {state.declared}, live is {live_slot}": state.declared != live_slot,
        f"the listener is on {servers.live}, HEAD says {state.declared}": servers.live != state.declared,
    }
    return [
        *broken_at_any_moment(outside, name, clock),
        *(text for text, broken in found.items() if broken),
        *_slots_unlike_head(servers, state),
    ]


def _repeated(events: list[Event]) -> Iterator[str]:
    nonces = [event.nonce for event in events]
    if len({*nonces}) != len(nonces):
        yield "an event was recorded twice"


def _unverified_live(environment: Environment, state: State) -> Iterator[str]:
    """Live is what a signed verdict of the very deployment says, over the same bytes."""
    live = state.live
    if live is None:
        return
    verdict = environment.releases.verdict(environment.releases.get(live.release), live.deployment)
    if verdict is None or (verdict.digest, verdict.outcome) != (live.digest, "passed"):
        yield f"{live.release} is live without a verdict of {live.deployment}"


def _vetoed_gone_live(events: list[Event]) -> Iterator[str]:
    for before, after in pairwise(events):
        live = after.state.live
        if live and live != before.state.live and live.digest in {veto.digest for veto in before.state.vetoes}:
            yield f"event {after.seq} made {live.release} live, which was vetoed"


def _lost_stops(events: list[Event]) -> Iterator[str]:
    """Only a person takes away a hold or a veto."""
    for before, after in pairwise(events):
        if before.state.hold and after.state.hold != before.state.hold and after.kind != "hold lifted":
            yield f"event {after.seq} ({after.kind}) lost the hold"
        if not {*before.state.vetoes} <= {*after.state.vetoes} and after.kind != "veto lifted":
            yield f"event {after.seq} ({after.kind}) lost a veto"


def _wrong_for_users(servers: Servers, state: State, verified: set[str]) -> Iterator[str]:
    """Users get one release from all servers, verified behind the preview; another than HEAD's only in an open step."""
    if servers.live_slot_was_touched:
        yield "something was installed into the slot behind the live listener"
    if servers.live is None:
        return
    seen = {content.digest if content else None for content in servers.in_slot(servers.live)}
    if len(seen) != 1:
        yield f"the servers answer users with different releases: {seen}"
    if not seen <= verified:
        yield "users see a release that was not verified"
    if state.open is None and seen != {state.live.digest if state.live else None}:
        yield "users see another release than HEAD says, and no step is open"


def _slots_unlike_head(servers: Servers, state: State) -> Iterator[str]:
    for name, slots in servers.slots.items():
        for slot in SLOTS:
            if slots[slot] != state.slot(slot):
                yield f"slot {slot} of {name} has {slots[slot]}, HEAD says {state.slot(slot)}"


def _wrong_backups(outside: Outside, environment: Environment, events: list[Event]) -> Iterator[str]:
    """One snapshot for each deployment at most, and none installs without its own."""
    project, mine = environment.settings.project, {event.deployment for event in events if event.deployment}
    for event in events:
        if event.step == "installed" and f"{project}-{event.deployment}" not in outside.cloud.snapshots:
            yield f"{event.deployment} installs without a snapshot"
    strangers = {
        name
        for name in outside.cloud.snapshots
        if name.startswith(f"{project}-{environment.name}-") and name.removeprefix(f"{project}-") not in mine
    }
    yield from (f"the snapshot {name} is of no deployment" for name in strangers)


def _verified_digests(events: list[Event]) -> set[str]:
    """What the ledger says was found good behind the preview listener."""
    plans = {event.deployment: parse_plan(event.details["plan"]) for event in events if "plan" in event.details}
    return {plans[event.deployment].digest for event in events if (event.kind, event.step) == ("step done", "verified")}
