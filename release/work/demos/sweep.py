"""The sweep behind a destroy: whatever else carries a demo's tags goes too, until nothing is left."""

import time
from collections.abc import Callable

from release.doors.aws.leftovers import Left, Leftovers
from release.process.errors import Broken
from release.process.text import listed

ROUNDS, PAUSE = 60, 5.0  # an instance takes minutes to be gone, and holds its groups until then
MOST_TOLD = 400  # characters of what is left


def sweep(leftovers: Leftovers, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Take away all that is left; Broken, with the first of what AWS keeps and why, where that does not end."""
    why = ""
    for _ in range(ROUNDS):
        found = leftovers.all()
        if not found:
            return
        why = next((said for left in found if (said := _removed(leftovers, left))), "")
        pause(PAUSE)
    if found := leftovers.all():
        raise Broken(f"these are left: {listed([*map(str, found)], MOST_TOLD)}", hint=why or "look at them by hand")


def _removed(leftovers: Leftovers, left: Left) -> str:
    """Take one away; why not, where it stays for now."""
    try:
        leftovers.remove(left)
    except Broken as error:
        return str(error)
    return ""
