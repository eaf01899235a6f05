"""What HEAD says once a listener is adopted that somebody moved by hand."""

from collections.abc import Iterable

from contract.slots import SlotName
from release.process.errors import Refused
from release.records.ledger.head import Content, Live, State, run_by, with_slot
from release.records.ledger.index import Lived
from release.rules.plan import (
    UNDOING,
    UNTOLD,
    closed,
    doubt,
    is_behind_switch,
    previous_of,
    restored,
    unsure,
    was_touched,
)
from release.rules.seen import Seen


def was_verified(content: Content, state: State, lives: Iterable[Lived]) -> bool:
    """Whether these very bytes were live and verified here before with this configuration, by HEAD or by the index."""
    live, previous = state.live, state.previous
    by_head = {run_by(live)} if live and not live.unverified else set()
    by_head |= {run_by(previous)} if previous else set()
    return run_by(content) in by_head or any((one.digest, one.configuration) == run_by(content) for one in lives)


def taken_from_users(state: State, content: Content) -> Content | None:
    """What users had by HEAD and have no more; None where they keep its bytes."""
    had = state.slot(state.declared) if state.declared else None
    return had if had is not None and had.digest != content.digest else None


def adopted(state: State, slot: SlotName, content: Content, now: str, undo: str, *, verified: bool) -> State:
    """The state in which the slot that users are on is live; an open deployment is closed by that.

    Where users do not have what that tried, its slot gets back what it held, under the deployment ``undo``.
    """
    live = state.live
    if live is None or live.slot != slot or run_by(live) != run_by(content):
        live = Live(
            slot=slot,
            release=content.release or "",
            digest=content.digest or "",
            deployment=content.deployment,
            since=now,
            commands=content.commands,
            configuration=content.configuration,
            made_with=content.made_with,
            unverified=not verified,
        )
    by_hand = state.live is not None and state.live != live and not _was_switched_to(slot, state)
    left = f"a move by hand before {now}" if by_hand else ""
    previous = previous_of(state, live, left)
    why = f"the listener was moved by hand, and {UNTOLD}"
    after = closed(state).but(declared=slot, live=live, previous=previous, behind=why)
    opened = state.open
    if opened is None or not was_touched(opened, state):
        return after
    if opened.slot != slot or content != state.slot(slot):
        after = with_slot(after, opened.slot, restored(opened.former.content, undo))
    return unsure(after, opened.slot, why)


def _was_switched_to(slot: SlotName, state: State) -> bool:
    """Whether a deployment forward moved users there, and no person who left what is live."""
    opened, held = state.open, state.slot(slot)
    if opened is None or held is None or opened.kind == "rollback":
        return False
    switched = is_behind_switch(opened, state) or opened.step == UNDOING
    return switched and opened.slot == slot and run_by(opened) == run_by(held)


def adoptable(environment: str, state: State, slot: SlotName | None) -> tuple[SlotName, Content]:
    """The slot that the listener leads to, and what it holds by the ledger. Refused where nothing is to be adopted."""
    content = state.slot(slot) if slot else None
    if slot is None or content is None or content.release is None:
        where = f"slot {slot}, which holds no release by the ledger" if slot else "no slot"
        hint = f"move it to a slot that holds one, or deploy: release rollback {environment}"
        raise Refused(f"the live listener of {environment} leads to {where}", hint=hint)
    if state.declared == slot and state.live is not None and state.live.slot == slot and state.open is None:
        raise Refused(
            f"the ledger of {environment} says the same: {content.release} in {slot}", hint="nothing is to be adopted"
        )
    return slot, content


def answering(state: State, slot: SlotName, content: Content, seen: Seen) -> Content:
    """What users have in a slot: what it held before, where a deployment that died half-way left just that."""
    opened = state.open
    if opened is None or opened.slot != slot or not was_touched(opened, state):
        return content
    former = opened.former.content
    return former if former is not None and former.release and seen.heard == {former.release} else content


def refuse_unheard(environment: str, state: State, slot: SlotName, content: Content, seen: Seen) -> None:
    """Refused where it is not sure what users have, and nobody hears it: an ``up`` would install where they are."""
    if slot == state.idle and (why := doubt(state)) and not seen.heard:
        back = f", or go back from there with: release abort {environment}" if state.open else ""
        raise Refused(
            f"slot {slot} may hold something else than {content.release} ({why}), and {seen.words}",
            hint=f"adopt it from where the live URL can be reached{back}",
        )


def refuse_other_release(environment: str, slot: SlotName, content: Content, seen: Seen) -> None:
    """Refused where the slot answers with something else than the ledger says: it was being put back, or installed."""
    if seen.heard - {content.release}:
        raise Refused(
            f"{seen.words}, and the ledger says that slot {slot} holds {content.release}",
            hint=f"see: release status {environment}; end what is open: release abort {environment}",
        )
