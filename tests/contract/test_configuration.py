"""What a variable may be called and hold, and that a stored configuration is read as it was written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.configuration import (
    MOST_VALUE,
    NAME,
    Document,
    document_text,
    name_fault,
    parse_document,
    parse_values,
    value_fault,
)

NAMES = st.from_regex(NAME, fullmatch=True).filter(lambda name: not name_fault(name))
VALUES = st.text(max_size=50).filter(lambda value: not value_fault(value))


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.dictionaries(NAMES, st.integers(1, 99), max_size=5))
def test_a_configuration_is_read_as_it_was_written(environment: dict[str, str], secrets: dict[str, int]) -> None:
    document = Document(environment, secrets, "stageline/dev+configuration/1" if secrets else "")
    assert parse_document(document_text(document)) == document


@pytest.mark.parametrize("name", ["PORT", "DATABASE_URL", "RELEASE_VERSION", "PATH", "HOME", "STAGELINE_X"])
def test_what_the_server_sets_itself_is_not_for_others(name: str) -> None:
    assert name_fault(name) == "the server sets it itself"


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "Ä", "A\n", "A" * 101])
def test_what_no_variable_is_called_is_refused(name: str) -> None:
    assert name_fault(name).startswith("a name is a letter")


@pytest.mark.parametrize("name", ["A", "_a", "http_proxy", "AWS_REGION", "DATABASE_POOL", "A" * 100])
def test_other_names_are_taken(name: str) -> None:
    assert name_fault(name) == ""


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        pytest.param("a\0b", "it has a NUL", id="NUL"),
        pytest.param("a\udcff", "it is no UTF-8 text", id="bytes"),
        pytest.param("ä" * MOST_VALUE, "it has 65536 bytes", id="too long"),
    ],
)
def test_what_no_process_can_be_given_is_refused(value: str, fault: str) -> None:
    assert value_fault(value).startswith(fault)


def test_line_ends_can_be_given() -> None:
    assert value_fault("-----BEGIN KEY-----\nabc\r\n-----END KEY-----\n") == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"environment": {}, "secrets": {}, "secret": "x"}),
        json.dumps({"environment": {}, "secrets": {"A": 1}, "secret": ""}),
        json.dumps({"environment": {"PORT": "1"}, "secrets": {}, "secret": ""}),
        json.dumps({"environment": {"A": "a\0b"}, "secrets": {}, "secret": ""}),
        json.dumps({"environment": {"A": 1}, "secrets": {}, "secret": ""}),
        json.dumps({"environment": {}, "secrets": {"A": True}, "secret": "x"}),
    ],
)
def test_a_text_of_another_form_is_no_configuration(text: str) -> None:
    with pytest.raises(ValueError, match=r"no (JSON object|environment|secret)|Expecting value"):
        parse_document(text)


def test_values_by_name_are_read_and_nothing_else() -> None:
    assert parse_values('{"values": {"A": "b"}, "by": "c"}') == {"A": "b"}
    with pytest.raises(ValueError, match="no values by name"):
        parse_values('{"values": {"A-B": "b"}}')
