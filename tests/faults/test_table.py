"""The table of faults: each one that is to be survived has at least one test that bears its number.

A test of row 5 is named ``test_row_05_…`` and stands where what it tests is tested. Run one row with
``pytest -k row_05``, and ``-m e2e`` for what needs a cloud.
"""

import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TEST = re.compile(r"^ *def (test_\w+)\(", re.MULTILINE)
ROWS = {
    1: "kill -9 at every step of a deployment",
    2: "two promotions to one environment",
    3: "a lease holder that was paused past the expiry",
    4: "a conditional write whose reply is lost",
    5: "an artifact's bytes changed in the bucket",
    6: "the same version published again",
    11: "S3 throttled, a download truncated",
    13: "a rollback of a rollback; no earlier release; a first deployment",
    14: "the artifact of a rollback's target pruned",
    15: "ledger entries cut, edited, reordered, deleted",
    16: "hostile names",
    17: "what is unsafe in an archive",
    20: "servers that hang, drop out, or fail in part",
    24: "Ctrl-C and SIGTERM at any moment, and twice",
}


@pytest.mark.parametrize("row", [pytest.param(row, id=f"row {row}: {fault}") for row, fault in ROWS.items()])
def test_a_fault_has_a_test_that_bears_its_number(row: int) -> None:
    assert [name for name in names_of_tests() if name.startswith(f"test_row_{row:02}_")] != []


def test_no_test_bears_the_number_of_a_fault_that_is_not_in_the_table() -> None:
    numbers = {name.split("_")[2] for name in names_of_tests() if name.startswith("test_row_")}
    assert numbers <= {f"{row:02}" for row in ROWS}


@cache
def names_of_tests() -> tuple[str, ...]:
    """The names of all test functions."""
    return tuple(name for file in sorted(TESTS.rglob("test_*.py")) for name in TEST.findall(file.read_text()))
