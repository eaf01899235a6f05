"""The sweep behind a destroy: whatever else carries a demo's tags goes too, until nothing is left."""

import time
from collections.abc import Callable, Sequence

from release.doors.aws.leftovers import Left, Leftovers
from release.process.errors import Broken
from release.process.text import listed

ROUNDS, PAUSE = 300, 1.0  # seconds: an instance takes minutes to be gone, and holds its groups until then
MOST_TOLD = 400  # characters of what is left


def sweep(leftovers: Leftovers, told: Callable[[str], None], *, pause: Callable[[float], None] = time.sleep) -> None:
    """Take away all that is left, and tell of it once; Broken where that does not end: with what AWS keeps, and why."""
    why = ""
    for number in range(ROUNDS):
        found = leftovers.all()
        if not found:
            return
        if number == 0:
            told(f"{_said(found)}: taken away now")
        why = next((said for left in found if (said := _removed(leftovers, left))), "")
        pause(PAUSE)
    if found := leftovers.all():
        raise Broken(_said(found), hint=why or "look at them by hand")


def _said(found: Sequence[Left]) -> str:
    return f"these are left: {listed([*map(str, found)], MOST_TOLD)}"


def _removed(leftovers: Leftovers, left: Left) -> str:
    """Take one away; why not, where it stays for now."""
    try:
        leftovers.remove(left)
    except Broken as error:
        return str(error)
    return ""
