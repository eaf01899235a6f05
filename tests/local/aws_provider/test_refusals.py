"""What is wrong with a program's inputs."""

from typing import Any

import pytest

from local.aws_provider.model import Properties
from local.aws_provider.refusals import refusals
from local.aws_provider.wire import UNKNOWN
from tests.local.aws_provider.kinds import WIDGET


def reasons(given: Properties) -> list[str]:
    """List what is wrong with the inputs of a widget that has its size."""
    return [failure.reason for failure in refusals(WIDGET, {"size": 1, **given})]


def test_an_unknown_input_is_refused_by_its_name() -> None:
    (reason,) = reasons({"colour": "red"})
    assert reason.startswith("unknown input 'colour' of test:index/widget:Widget: the local AWS provider knows check,")


def test_an_unknown_nested_input_is_refused_by_its_path() -> None:
    (reason,) = reasons({"disks": [{"gb": 1}, {"gb": 2, "speed": 3}]})
    assert reason.startswith(
        "unknown input 'disks[1].speed' of test:index/widget:Widget: the local AWS provider knows gb,"
    )


def test_every_missing_required_input_is_told_by_its_path() -> None:
    assert [failure.reason for failure in refusals(WIDGET, {"disks": [{}]})] == [
        "missing required input 'size' of test:index/widget:Widget",
        "missing required input 'disks[0].gb' of test:index/widget:Widget",
    ]


def test_inputs_that_exclude_each_other_are_told_by_name() -> None:
    assert reasons({"deletable": False, "lock": "on"}) == [
        "conflicting input 'lock' of test:index/widget:Widget: it cannot be given together with 'deletable'"
    ]


def test_every_input_too_many_is_told() -> None:
    assert [reason.split(" of ")[0] for reason in reasons({"groups": [], "text": "t", "policy": "{}"})] == [
        "conflicting input 'text'",
        "conflicting input 'policy'",
    ]


def test_nested_inputs_that_exclude_each_other_are_told_by_path() -> None:
    (reason,) = reasons({"disks": [{"gb": 1}, {"gb": 1, "kind": "hdd", "snapshot": "s"}]})
    assert reason.startswith("conflicting input 'disks[1].snapshot' of ")
    assert reason.endswith("with 'disks[1].kind'")


@pytest.mark.parametrize("source", [{}, {"image": "a", "copy": "b"}], ids=["none", "both"])
def test_one_of_several_inputs_has_to_be_given_and_no_other(source: Any) -> None:
    assert reasons({"source": source}) == [
        "missing or conflicting input 'source.image' of test:index/widget:Widget: "
        "give exactly one of 'source.image', 'source.copy'"
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"disks": UNKNOWN},
        {"disks": [{"gb": UNKNOWN}]},
        {"deletable": False, "lock": UNKNOWN},
        {"source": {"image": "a", "copy": UNKNOWN}},
        {"source": {"copy": UNKNOWN}},
        {"source": {"image": "a"}},
    ],
    ids=["all-of-it", "required", "conflicting", "other", "the-only-one", "exactly-one"],
)
def test_what_is_not_known_yet_gets_the_benefit_of_the_doubt(given: Any) -> None:
    assert reasons(given) == []
