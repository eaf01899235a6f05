"""Which variables `release check` hands on."""

import pytest

from release.process.errors import WrongUsage
from release.verbs.check import parsed_variables


def test_variables_are_names_and_values_and_a_value_may_hold_anything_that_fits() -> None:
    assert parsed_variables(("A=b=c", "EMPTY=")) == {"A": "b=c", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("A", "'A' is no variable", id="no-value"),
        pytest.param("A B=c", "'A B' is no variable", id="no-name"),
        pytest.param("A=b\0", "is no variable", id="nul"),
        pytest.param("PORT=80", "PORT is given by the server", id="the-servers-own"),
    ],
)
def test_what_is_no_variable_is_wrong_usage(text: str, why: str) -> None:
    with pytest.raises(WrongUsage, match=why):
        parsed_variables((text,))
