"""Waits for AWS to reach a state: at once where it is there already, as with moto, else looking once a second."""

import time
from collections.abc import Callable

LOOK_EVERY = 1.0
"""Seconds between two looks."""
LONGEST = 1800.0
"""Seconds after which waiting is given up; a large database takes about twenty minutes."""


class WaitedInVain(Exception):
    """AWS did not reach the state in time, or the engine wants to end."""


def wait_until(
    reached: Callable[[], bool],
    what: str,
    *,
    pause: Callable[[float], bool],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Look until the state is reached; `pause` says whether to stop waiting. Raises WaitedInVain."""
    end = clock() + LONGEST
    while not reached():
        if clock() > end:
            raise WaitedInVain(f"waited {LONGEST:.0f} s for {what}: look at it in AWS, then run it again")
        if pause(LOOK_EVERY):
            raise WaitedInVain(f"cancelled while waiting for {what}: run it again")
