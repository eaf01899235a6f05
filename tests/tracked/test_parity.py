"""`release parity` on this checkout: its environments differ in what their stack files declare."""

from release.output import Progress
from release.verbs.parity import parity, refuse_undeclared
from tests.project import CHECKOUT


def test_environments_differ_in_nothing_but_what_their_stack_files_declare() -> None:
    refuse_undeclared(parity(CHECKOUT, live=False, progress=Progress()))
