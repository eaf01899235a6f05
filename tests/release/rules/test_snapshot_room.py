"""Room for snapshots, judged by numbers and tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.rules.snapshot_room import snapshot_room

BOUNDS = {
    "none yet": ((0, 100), "enough"),
    "below the warning": ((79, 100), "enough"),
    "from the warning on": ((80, 100), "little"),
    "the last place": ((99, 100), "little"),
    "full": ((100, 100), "none"),
    "over full, the quota was lowered": ((120, 100), "none"),
    "room for one, but two are needed": ((99, 100, 2), "none"),
    "another quota": ((80, 1000), "enough"),
}


@pytest.mark.parametrize(("numbers", "verdict"), BOUNDS.values(), ids=BOUNDS.keys())
def test_there_is_room_up_to_the_quota(numbers: tuple[int, ...], verdict: str) -> None:
    assert snapshot_room(*numbers).verdict == verdict


@given(st.integers(0, 300), st.integers(2, 200), st.integers(1, 5), st.integers(1, 100))
def test_what_is_not_refused_fits(count: int, quota: int, needed: int, warn_at: int) -> None:
    room = snapshot_room(count, quota, needed, warn_at=warn_at)
    assert (room.verdict == "none") == (count + needed > quota)
