"""Between the program's names and AWS's."""

from local.aws_provider.translation import outputs_of, properties_of, request_for
from tests.local.aws_provider.kinds import WIDGET

VALUES = {
    "size": 3,
    "zone": "a",
    "check": {"path": "/health", "code": "200"},
    "disks": [{"gb": 1, "kind": "ssd"}],
    "policy": "{}",
}
DESCRIPTION = {
    "Size": 3,
    "Placement": {"Zone": "a"},
    "CheckPath": "/health",
    "Matcher": {"Code": "200"},
    "Disks": [{"Gigabytes": 1, "Kind": "ssd"}],
    "Policy": "{}",
}


def test_a_request_holds_each_value_at_its_place() -> None:
    assert request_for(WIDGET.inputs, VALUES) == DESCRIPTION


def test_a_description_gives_back_the_values() -> None:
    assert properties_of(WIDGET.inputs, DESCRIPTION) == VALUES


def test_a_request_leaves_out_what_is_sent_later_or_never() -> None:
    assert request_for(WIDGET.inputs, {"deletable": False, "force": True}) == {}


def test_what_aws_does_not_tell_is_not_found_even_if_it_stands_there() -> None:
    assert properties_of(WIDGET.inputs, {"Password": "masked"}) == {}


def test_an_object_in_which_nothing_is_set_counts_as_missing() -> None:
    assert "check" not in properties_of(WIDGET.inputs, {"Size": 3})


def test_outputs_are_those_that_the_description_holds() -> None:
    assert outputs_of(WIDGET, {"Arn": "arn:w", "Other": 1}) == {"arn": "arn:w"}
    assert outputs_of(WIDGET, {}) == {}
