"""The long ledger that is measured holds what a real one holds."""

import pytest

from bench.ledger import WRITER, fill
from release.records.ledger.stops import NOW
from settings.stackfile import load
from tests.e2e.api import open_ledger, served
from tests.project import PROJECT

pytestmark = pytest.mark.enable_socket


def test_what_stands_in_a_filled_ledger_is_stored_as_in_one_that_was_created() -> None:
    with served():
        created = open_ledger("created")
        created.table.create({})
        created.create(WRITER)
        fill("dev", 3)
        filled = open_ledger(load(PROJECT, "dev").names.ledger_table)
        assert filled.head().seq == 2
        assert filled.table.get(NOW) == created.table.get(NOW) is not None
