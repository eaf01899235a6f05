"""Which verbs end an open deployment, by what HEAD says of it: every line that names a way on takes it from here."""

from release.records.ledger.head import Open, State
from release.rules.plan import UNDOING, has_way_back, is_behind_switch


def ways_on(environment: str, opened: Open, state: State) -> tuple[str, ...]:
    """The verbs that are allowed in its step, as they are written; the one that goes on first."""
    abort = f"release abort {environment}"
    if opened.step == UNDOING:
        return (abort,)
    behind = is_behind_switch(opened, state)
    accept = (f"release accept {environment} --reason WHY",) if behind and _may_have_moved(opened) else ()
    leads_on = opened.kind == "rollback" and (behind or not has_way_back(opened, state))
    back = f"release rollback {environment} --to VERSION" if leads_on else abort
    return (f"release resume {environment}", *accept, back)


def way_on(environment: str, state: State) -> str:
    """The same in words; nothing where no deployment is open."""
    if state.open is None:
        return ""
    *others, last = ways_on(environment, state.open, state)
    return f"end it with: {', '.join(others)}, or {last}" if others else f"end it with: {last}"


def way_back(environment: str, state: State, opened: Open) -> str:
    """How users get another release than the one that they should have; of a rollback, never what it left."""
    if opened.kind != "rollback" and has_way_back(opened, state):
        return f"put it back with: release abort {environment}"
    return f"go elsewhere: release rollback {environment} --to VERSION"


def way_elsewhere(environment: str, opened: Open) -> str:
    """How a deployment ends whose way back leads nowhere; one that is being put back only with users where they are."""
    stay = f"keep users where they are: release adopt-listener {environment} --reason WHY"
    if opened.step == UNDOING:
        return stay
    on = f"go on with: release resume {environment}"
    return f"{on}, go elsewhere: release rollback {environment} --to VERSION, or {stay}"


def _may_have_moved(opened: Open) -> bool:
    """Whether the listener can lead to what it is about: not where the very step that moves it stopped."""
    return opened.step != "switched" or opened.done or not opened.stopped
