"""The registry: one item for each demo, which two writers never both change, and that is read however it was spoilt."""

from dataclasses import replace

import pytest

from release.doors.aws.demos_table import DemosTable, Kept
from release.process.errors import LeaseHeld, LeaseLost
from release.process.form import Unreadable
from release.records.demos.demo import demo_text, parse_demo
from release.records.demos.registry import Registry
from tests.aws_clients import aws_client
from tests.release.demos import demo
from tests.release.world import Clock, shared_session

NAME = "stageline-demos"
STACK = demo().stack


@pytest.fixture
def registry(aws: None) -> Registry:
    table = DemosTable(shared_session("123456789012", "eu-central-1"), NAME)
    assert table.ensure({"project": "stageline"})
    assert not table.ensure({"project": "stageline"})
    return Registry(table, now=Clock())


def test_the_table_outlives_mistakes(registry: Registry) -> None:
    table = aws_client("dynamodb").describe_table(TableName=NAME)["Table"]
    backups = aws_client("dynamodb").describe_continuous_backups(TableName=NAME)["ContinuousBackupsDescription"]
    assert table["DeletionProtectionEnabled"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_demo_is_found_changed_and_forgotten(registry: Registry) -> None:
    entry = registry.change(registry.add(demo()), state="dying")
    assert registry.find(STACK) == entry
    registry.forget(entry)
    assert registry.find(STACK) is None


def test_all_demos_are_read_those_that_go_first_in_front(registry: Registry) -> None:
    registry.add(demo("feature-demo/late", expires="2026-12-09T12:00:00+00:00"))
    registry.add(demo("feature-demo/soon", expires="2026-12-02T12:00:00+00:00"))
    assert [one.branch for one in registry.all().demos] == ["feature-demo/soon", "feature-demo/late"]


def test_of_two_who_make_a_demo_one_does(registry: Registry) -> None:
    first = registry.add(demo())
    with pytest.raises(LeaseHeld):
        registry.add(demo(creation="ffffffff"))
    assert registry.find(STACK) == first


def test_of_two_who_change_a_demo_one_does(registry: Registry) -> None:
    entry = registry.add(demo())
    registry.change(entry, state="dying")
    for late in (lambda: registry.change(entry, state="up"), lambda: registry.forget(entry)):
        with pytest.raises(LeaseLost, match="somebody else changed feature-demo/map"):
            late()


def test_a_write_whose_reply_was_lost_is_known_by_its_nonce(registry: Registry) -> None:
    kept = Kept(stack=STACK, body=demo_text(demo()), version=1, nonce="ours")
    assert registry.table.put(kept)
    assert registry.table.put(kept)
    assert not registry.table.put(replace(kept, nonce="theirs"))


def test_a_deletion_whose_reply_was_lost_is_done(registry: Registry) -> None:
    entry = registry.add(demo())
    registry.forget(entry)
    registry.forget(entry)


def test_one_spoilt_item_hides_no_other(registry: Registry) -> None:
    registry.add(demo())
    registry.table.put(Kept(stack="demo-x-000000", body="{", version=1, nonce="n"))
    listing = registry.all()
    assert [one.branch for one in listing.demos] == ["feature-demo/map"]
    assert "demo-x-000000 is not readable" in listing.unread["demo-x-000000"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(demo_text(demo(expires="soon")), id="no time"),
        pytest.param(demo_text(demo("feature-demo/other")), id="another demo's"),
        pytest.param(demo_text(demo(format=99)), id="a newer form"),
        pytest.param(demo_text(demo(made="yesterday")), id="no time of its making"),
        pytest.param(demo_text(demo(branch="main")), id="no demo's branch"),
        pytest.param(demo_text(demo(creation="*")), id="no creation id"),
    ],
)
def test_a_spoilt_item_is_told(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_demo(text, STACK)


@pytest.mark.parametrize("stack", ["staging", "demo-map-000000"])
def test_an_item_that_speaks_of_another_stack_than_its_branchs_is_no_demo(stack: str) -> None:
    """Whoever may write items may not choose by them what is destroyed."""
    with pytest.raises(Unreadable):
        parse_demo(demo_text(demo(stack=stack)), stack)


def test_an_item_without_a_version_is_told_as_spoilt(registry: Registry) -> None:
    registry.add(demo())
    aws_client("dynamodb").update_item(
        TableName=NAME,
        Key={"stack": {"S": STACK}},
        UpdateExpression="REMOVE #version",
        ExpressionAttributeNames={"#version": "version"},
    )
    assert list(registry.all().unread) == [STACK]


def test_what_a_newer_version_added_stays() -> None:
    text = demo_text(demo()).replace('"why"', '"new":1,"why"')
    assert '"new":1' in demo_text(parse_demo(text, STACK).but(state="dying"))
