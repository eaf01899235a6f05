"""The engine's messages and plain values."""

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from local.aws_provider.wire import SECRET, SIGNATURE_KEY, UNKNOWN, UNKNOWN_TEXT, Message, decode, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda text: text != UNKNOWN_TEXT)
SCALARS = st.booleans() | st.integers(-(2**50), 2**50) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


def struct(values: dict[str, Any]) -> Struct:
    """Make a message."""
    made = Struct()
    made.update(values)
    return made


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_what_is_written_is_read_again(values: dict[str, Any]) -> None:
    assert decode(encode(values)).values == values


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_secrets_stay_secrets_of_the_same_value(values: dict[str, Any]) -> None:
    message = decode(encode(values, secrets=values))
    assert (message.values, message.secrets) == (values, frozenset(values))


def test_a_secret_is_written_with_the_signature_of_the_engine() -> None:
    assert MessageToDict(encode({"password": "x"}, ["password"])) == {"password": {SIGNATURE_KEY: SECRET, "value": "x"}}


def test_a_secret_deep_inside_makes_the_whole_property_secret() -> None:
    message = decode(struct({"tags": {"one": {SIGNATURE_KEY: SECRET, "value": "x"}}, "name": "n"}))
    assert message.values == {"tags": {"one": "x"}, "name": "n"}
    assert message.secrets == {"tags"}


def test_unknown_values_are_recognised_and_written_back() -> None:
    message = decode(struct({"vpcId": UNKNOWN_TEXT, "list": [UNKNOWN_TEXT]}))
    assert message.values == {"vpcId": UNKNOWN, "list": [UNKNOWN]}
    assert MessageToDict(encode(message.values)) == {"vpcId": UNKNOWN_TEXT, "list": [UNKNOWN_TEXT]}


def test_null_counts_as_not_given_also_inside_objects() -> None:
    assert decode(struct({"a": None, "b": {"c": None, "d": 1}})).values == {"b": {"d": 1}}


@pytest.mark.parametrize(("number", "kind"), [(8080.0, int), (0.5, float)])
def test_whole_numbers_are_integers_as_boto3_wants_them(number: float, kind: type) -> None:
    assert type(decode(struct({"port": number})).values["port"]) is kind


def test_secrets_are_taken_out_of_a_text_wherever_they_stand_in_their_property() -> None:
    values = {"plain": "open", "key": {"list": ["hidden", "hidden too", 12345]}, "short": "on"}
    message = Message(values=values, secrets=frozenset({"key", "short", "absent"}))
    assert message.hide("open hidden, hidden too, 12345 on") == "open [secret], [secret], [secret] on"
