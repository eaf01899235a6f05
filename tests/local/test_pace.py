"""Declared times are divided by one factor."""

import math

import pytest

from local.errors import CloudError
from local.pace import Pace


@pytest.mark.parametrize(("factor", "seconds"), [(1, 30), (10, 3), (0.5, 60)])
def test_declared_times_are_divided_by_the_factor(factor: float, seconds: float) -> None:
    assert Pace(factor=factor).shortened(30) == seconds


@pytest.mark.parametrize("factor", [0, -1, math.inf, math.nan])
def test_what_is_no_speed_is_refused_in_one_line(factor: float) -> None:
    with pytest.raises(CloudError, match="makes no sense: give a number above 0"):
        Pace(factor=factor)
