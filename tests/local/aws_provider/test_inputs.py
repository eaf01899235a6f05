"""What becomes of a program's inputs."""

from typing import Any

import pytest

from local.aws_provider.inputs import Checked, check, told_again
from local.aws_provider.model import DEFAULTED, Properties
from local.aws_provider.naming import Mode, Wish
from local.aws_provider.wire import UNKNOWN
from tests.local.aws_provider.kinds import WIDGET


def checked(given: Properties, old: Properties | None = None, tags: dict[str, str] | None = None) -> Checked:
    """Check the inputs of a widget."""
    return check(WIDGET, given, old=old or {}, logical_name="my-widget", seed=b"seed", default_tags=tags or {})


def test_inputs_that_are_wrong_are_told_and_not_completed() -> None:
    wrong = checked({"colour": "red"})
    assert [failure.property for failure in wrong.failures] == ["colour", "size"]
    assert wrong.inputs == {"colour": "red"}


def test_defaults_are_added_also_in_nested_objects() -> None:
    inputs = checked({"size": 1, "disks": [{"gb": 5}]}).inputs
    assert (inputs["deletable"], inputs["force"]) == (True, False)
    assert inputs["disks"] == [{"gb": 5, "kind": "ssd"}]


@pytest.mark.parametrize(
    ("tags", "merged"),
    [
        (None, {"owner": "team", "stage": "dev"}),
        ({"stage": "own", "x": "y"}, {"owner": "team", "stage": "own", "x": "y"}),
        (UNKNOWN, UNKNOWN),
    ],
    ids=["none", "own-wins", "unknown"],
)
def test_the_tags_of_the_provider_are_merged_below_those_of_the_resource(tags: Any, merged: Any) -> None:
    given = {"size": 1, **({"tags": tags} if tags else {})}
    assert checked(given, tags={"owner": "team", "stage": "dev"}).inputs["tagsAll"] == merged


def test_a_resource_without_a_name_gets_one_and_remembers_that_it_is_automatic() -> None:
    inputs = checked({"size": 1}).inputs
    assert inputs["name"].startswith("my-widget-")
    assert inputs[DEFAULTED] == ["name"]


def test_an_automatic_name_is_kept_by_the_next_run() -> None:
    old = {"name": "my-widget-0000000", DEFAULTED: ["name"]}
    assert checked({"size": 1}, old).inputs["name"] == "my-widget-0000000"


def test_a_name_of_the_programs_own_is_not_kept_once_it_is_taken_away() -> None:
    assert checked({"size": 1}, {"name": "own"}).inputs["name"] != "own"


def test_a_name_of_the_programs_own_is_used_as_it_is() -> None:
    inputs = checked({"size": 1, "name": "own"}).inputs
    assert inputs["name"] == "own"
    assert DEFAULTED not in inputs


def test_a_name_that_cannot_be_made_is_told_as_a_missing_input() -> None:
    wrong = check(WIDGET, {"size": 1}, old={}, logical_name="x" * 20, seed=b"seed", default_tags={})
    (failure,) = wrong.failures
    assert failure.property == "name"
    assert failure.reason.startswith("missing input 'name' of test:index/widget:Widget: the automatic name 'xxx")


def test_an_automatic_name_outlives_a_change_of_the_setting_for_names() -> None:
    old = {"name": "my-widget-0000000", DEFAULTED: ["name"]}
    wish = Wish(mode=Mode.ENFORCE, name="other")
    again = check(WIDGET, {"size": 1}, old=old, logical_name="my-widget", seed=b"", default_tags={}, wish=wish)
    assert again.inputs["name"] == "my-widget-0000000"


def test_a_default_is_left_out_where_a_given_input_excludes_it() -> None:
    assert "deletable" not in checked({"size": 1, "lock": "on"}).inputs
    assert checked({"size": 1, "disks": [{"gb": 5, "snapshot": "s"}]}).inputs["disks"] == [{"gb": 5, "snapshot": "s"}]


OLD: Properties = {
    "name": "w-0000000",
    "size": 1,
    "policy": '{"a": 1, "b": 2}',
    "groups": ["x", "y"],
    "force": True,
    "password": "old",
    "check": {"path": "/health"},
    "tags": {"own": "1"},
    "tagsAll": {"own": "1", "owner": "team"},
    DEFAULTED: ["name"],
}
STATE: Properties = {
    "name": "w-0000000",
    "size": 1,
    "zone": "a",
    "policy": '{"b":2,"a":1}',
    "groups": ["y", "x"],
    "check": {"path": "/health", "code": "200"},
    "tagsAll": {"own": "1", "owner": "team"},
    "arn": "arn:w",
}


def told(state: Properties, old: Properties | None = OLD) -> Properties:
    """Tell the inputs again."""
    return told_again(WIDGET, state, old, {"owner": "team"})


def test_a_resource_that_nobody_touched_is_told_as_the_program_wrote_it() -> None:
    assert told(STATE) == OLD


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({"size": 2}, {"size": 2}),
        ({"policy": "{}"}, {"policy": "{}"}),
        ({"groups": ["x"]}, {"groups": ["x"]}),
        ({"check": {"path": "/other", "code": "200"}}, {"check": {"path": "/other"}}),
        ({"text": "by hand"}, {"text": "by hand"}),
        ({"tagsAll": {"own": "2", "owner": "team"}}, {"tags": {"own": "2"}, "tagsAll": {"own": "2", "owner": "team"}}),
        (
            {"tagsAll": {"own": "1", "owner": "other"}},
            {"tags": {"own": "1", "owner": "other"}, "tagsAll": {"own": "1", "owner": "other"}},
        ),
    ],
    ids=["value", "json", "members", "nested", "added", "own-tag", "tag-of-the-provider"],
)
def test_a_change_by_hand_is_told(changed: Properties, seen: Properties) -> None:
    assert told({**STATE, **changed}) == {**OLD, **seen}


def test_an_input_that_is_gone_is_left_out() -> None:
    state = {name: value for name, value in STATE.items() if name != "policy"}
    assert "policy" not in told(state)


def test_an_import_tells_all_that_aws_tells_and_the_defaults_of_the_rest() -> None:
    assert told(STATE, None) == {
        **{name: STATE[name] for name in ("name", "size", "zone", "policy", "groups", "check", "tagsAll")},
        "force": False,
        "tags": {"own": "1"},
    }
