"""Before anything changes: a promotion applies nothing but its release, and installs where nobody is."""

import pytest

from release.process.errors import Refused
from release.work.preflight import refuse_other_changes, refuse_users_in
from settings.fingerprint import fingerprint
from tests.release.deploying import put, state
from tests.release.world import STAGELINE, World


def previewed(world: World, *changes: str) -> list[int]:
    """The fences of the previews that Pulumi is asked for from now on; each finds these changes."""
    world.dev.stack.changes = changes
    return world.dev.stack.previewed


def test_where_settings_and_program_are_those_that_were_applied_nobody_asks_pulumi(world: World) -> None:
    fences = previewed(world, "update env-servers-1")
    outputs = {"applied": fingerprint(STAGELINE.program_dir, world.dev.settings)}
    assert refuse_other_changes(world.dev, outputs, 7, "dev-1") == "settings and program are those that were applied"
    assert fences == []


@pytest.mark.parametrize("outputs", [{}, {"applied": ""}, {"applied": "0" * 32}], ids=["old", "empty", "other"])
def test_others_that_change_nothing_hold_up_nobody(world: World, outputs: dict[str, str]) -> None:
    fences = previewed(world)
    assert refuse_other_changes(world.dev, outputs, 7, "dev-1") == "settings or program are others, and change nothing"
    assert fences == [7]


def test_others_that_change_something_are_refused_by_name_and_by_number(world: World) -> None:
    previewed(world, *(f"update part-{number}" for number in range(8)))
    with pytest.raises(Refused, match=r"than the release: update part-0, .*part-4 and 3 more; .*pulumi up --stack dev"):
        refuse_other_changes(world.dev, {"applied": "0" * 32}, 7, "dev-1")


def test_a_promotion_that_would_change_more_ends_before_backup_and_installation(world: World) -> None:
    put(world, "1.0.0")
    ups, snapshots = len(world.dev.stack.ups), len(world.dev.databases.snapshots)
    world.dev.stack.changes = ("replace env-servers-1",)
    with pytest.raises(Refused, match="would change more in dev than the release: replace env-servers-1"):
        put(world, "1.1.0")
    assert (len(world.dev.stack.ups), len(world.dev.databases.snapshots)) == (ups, snapshots)
    assert (state(world).open, state(world).green) == (None, None)


def test_nobody_installs_into_a_slot_that_users_were_moved_to_by_hand(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    entrance = world.dev.listeners.find()
    refuse_users_in(world.dev, entrance, "blue")
    world.servers["dev"].live = "blue"
    with pytest.raises(Refused, match=r"leads to slot blue, which is idle by the ledger.*adopt-listener dev"):
        refuse_users_in(world.dev, entrance, "blue")
    with pytest.raises(Refused, match="moved by hand"):
        put(world, "1.2.0")
    assert world.servers["dev"].blue == "1.0.0"
