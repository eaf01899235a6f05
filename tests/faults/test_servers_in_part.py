"""Row 20: half of the servers fail. Nothing is switched, and each server has again what it had."""

import pytest

from contract.slots import SlotName
from release.process.errors import Broken
from tests.release.crash.invariants import broken_in_the_end
from tests.release.crash.kinds import ONE, after, put
from tests.release.crash.memory import Points
from tests.release.crash.outside import Outside, open_process
from tests.release.world import Clock


def test_row_20_when_half_of_the_servers_fail_they_are_named_and_nothing_is_switched() -> None:
    outside = after(ONE).copy()
    outside.servers["dev"].fails_to_install = {"1.1.0"}
    moves: list[SlotName | None] = []
    points = Points(lambda point: moves.append(outside.servers["dev"].live))
    with pytest.raises(
        Broken, match=r"users are on 1\.0\.0: .*env-servers-2: installing 1\.1\.0 failed on i-2; env-servers-1 took it"
    ):
        put(open_process(outside, "dev", Clock(), points), "promotion", "1.1.0", points)
    assert {*moves} == {"blue"}
    assert releases(outside, "blue") == ["1.0.0", "1.0.0"]
    assert releases(outside, "green") == [None, None]
    assert broken_in_the_end(outside, "dev", Clock()) == []


def releases(outside: Outside, slot: SlotName) -> list[str | None]:
    return [content.release if content else None for content in outside.servers["dev"].in_slot(slot)]
