"""`release parity` on this checkout: its environments differ in what their stack files declare."""

import pytest

from release.call import Call
from release.verbs.parity import parity, refuse_undeclared
from settings.stackfile import Project
from tests.project import CHECKOUT


def test_environments_differ_in_nothing_but_what_their_stack_files_declare() -> None:
    if len(Project(CHECKOUT).names) < 2:
        pytest.skip("there are no two environments to compare")
    refuse_undeclared(parity(Call(project=Project(CHECKOUT)), live=False))
