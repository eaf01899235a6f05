"""Demos that are due are a part of tick by itself: whatever the base is doing, and whatever fails elsewhere."""

from datetime import timedelta
from typing import Any

import pytest

from release.process.errors import Broken
from release.records.ledger.ledger import utc_now
from release.verbs.tick import refuse_failed, tick
from tests.aws_clients import aws_client
from tests.release.demos import Demos
from tests.release.deploying import call_in
from tests.release.world import World
from tests.settings.mistakes import REMOVED, change

pytestmark = pytest.mark.moto
DUTY = "take down demos"


@pytest.fixture
def demos(world: World) -> Demos:
    """One whose time is over, by the clock of this machine, and that never came to have a stack."""
    demos = Demos(world)
    demos.stack().fails["create"] = "no backend"
    with pytest.raises(Broken):
        demos.up(life=timedelta(hours=1))
    return demos


def run(demos: Demos, name: str | None = None, *, really: bool = False) -> dict[str, Any]:
    report = tick(call_in(demos.base.environment.project.folder), name, really=really)
    return next((one for one in report["duties"] if one["duty"] == DUTY), {})


def test_what_is_due_is_told(demos: Demos) -> None:
    found = run(demos)
    assert (found["environment"], found["how"], found["what"]) == ("dev", "due", ("feature-demo/map",))


def test_an_owner_who_is_warned_is_no_failure(demos: Demos) -> None:
    soon = (utc_now() + timedelta(hours=3)).isoformat(timespec="seconds")
    demos.registry.change(demos.entry(), expires=soon, renewed=utc_now().isoformat())
    found = run(demos, really=True)
    assert (found["how"], found["why"]) == ("done", "")
    assert "to keep it: release demo extend feature-demo/map" in found["what"][0]


def test_another_environment_has_no_demos(demos: Demos) -> None:
    assert run(demos, "qa") == {}
    assert run(demos, "dev")["how"] == "due"


def test_a_demo_that_cannot_be_taken_down_fails_this_part(demos: Demos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")  # no pulumi
    report = tick(call_in(demos.base.environment.project.folder), "dev", really=True)
    by_duty = {one["duty"]: one["how"] for one in report["duties"]}
    assert by_duty[DUTY] == "failed"
    assert by_duty["delete old snapshots"] != "failed"
    with pytest.raises(Broken, match="dev failed"):
        refuse_failed(report)


def test_before_there_is_a_registry_nothing_is_due(demos: Demos) -> None:
    table = aws_client("dynamodb")
    table.update_table(TableName="stageline-demos", DeletionProtectionEnabled=False)
    table.delete_table(TableName="stageline-demos")
    assert run(demos)["how"] == "skipped"


def test_demos_whose_section_was_taken_away_are_told(demos: Demos) -> None:
    change(demos.base.environment.project.folder, "dev", demo=REMOVED)
    found = run(demos)
    assert found["how"] == "failed"
    assert "feature-demo/map; write it into that of dev until they are gone" in found["why"]
    demos.registry.forget(demos.entry())
    assert run(demos) == {}
