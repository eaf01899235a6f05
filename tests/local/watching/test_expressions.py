"""Metric math gives what CloudWatch gives, or is refused."""

import pytest

from local.errors import CloudError
from local.watching.expressions import compute, names

MOMENTS = (0.0, 1.0, 2.0)
SERIES = {"errors": {0.0: 5.0, 2.0: 1.0}, "all": {0.0: 50.0, 1.0: 20.0, 2.0: 0.0}}


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        pytest.param("errors", {0: 5, 2: 1}, id="a metric"),
        pytest.param("7", {0: 7, 1: 7, 2: 7}, id="a number"),
        pytest.param("all + 1", {0: 51, 1: 21, 2: 1}, id="a metric and a number"),
        pytest.param("-(all - 10) * 2", {0: -80, 1: -20, 2: 20}, id="brackets and signs"),
        pytest.param("100 * errors / all", {0: 10}, id="no value where one is missing or divides by zero"),
        pytest.param("100 * FILL(errors, 0) / FILL(all, 1)", {0: 10, 1: 0}, id="filled"),
        pytest.param("errors > 2", {0: 1, 2: 0}, id="a comparison"),
        pytest.param("IF(all > 0, 100 * FILL(errors, 0) / all, 0)", {0: 10, 1: 0, 2: 0}, id="a choice"),
        pytest.param("SUM([errors, all, 1])", {0: 56, 2: 2}, id="sum"),
        pytest.param("MAX([FILL(errors, 30), all])", {0: 50, 1: 30, 2: 1}, id="greatest"),
    ],
)
def test_an_expression_is_computed_moment_by_moment(expression: str, values: dict[float, float]) -> None:
    assert compute(expression, SERIES, MOMENTS) == values


def test_an_expression_names_what_it_needs() -> None:
    assert names("IF(all > 0, 100 * FILL(errors, 0) / all, m3)") == {"errors", "all", "m3"}


@pytest.mark.parametrize(
    "expression",
    [
        "SEARCH('{AWS/EC2}', 'Average')",
        "RATE(m1)",
        "METRICS()",
        "FILL(m1, REPEAT)",
        "ANOMALY_DETECTION_BAND(m1)",
        "m1 ** 2",
        "m1 if m2 else m3",
        "__import__('os').system('true')",
        "m1 AND m2",
        "'text'",
        "",
    ],
)
def test_everything_else_is_refused(expression: str) -> None:
    with pytest.raises(CloudError, match="is not understood here"):
        names(expression)
