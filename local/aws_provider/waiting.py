"""Waits for AWS to reach a state: at once where it is there already, as with moto, else looking once a second."""

import time
from collections.abc import Callable

LOOK_EVERY = 1.0
"""Seconds between two looks."""
LONGEST = 1800.0
"""Seconds after which waiting is given up; a large database takes about twenty minutes."""


class WaitedTooLong(Exception):
    """AWS did not reach the state in time."""


def wait_until(
    reached: Callable[[], bool],
    what: str,
    *,
    pause: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Look until the state is reached. Raises WaitedTooLong."""
    end = clock() + LONGEST
    while not reached():
        if clock() > end:
            raise WaitedTooLong(f"waited {LONGEST:.0f} s for {what}: look at it in AWS, then run it again")
        pause(LOOK_EVERY)
