"""An alarm has the state that CloudWatch would give it. X breaches, 0 does not, - is missing; the newest is last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.watching.evaluation import COMPARISONS, Rule, State, Treatment, judge

TREATMENTS: tuple[Treatment, ...] = ("missing", "ignore", "breaching", "notBreaching")
FIGURES = {"X": 90.0, "0": 10.0, "-": None}
NO_DATA: State = "INSUFFICIENT_DATA"
KEPT: State = "OK"  # the state before, in the tables


def rule(periods: int, to_alarm: int, treatment: Treatment = "missing") -> Rule:
    return Rule(
        comparison="GreaterThanThreshold", threshold=80, periods=periods, to_alarm=to_alarm, treatment=treatment
    )


def figures(shown: str) -> list[float | None]:
    return [FIGURES[each] for each in shown.split()]


# Both tables stand in "Using Amazon CloudWatch alarms", section "Configuring how CloudWatch alarms treat missing data".
@pytest.mark.parametrize(
    ("shown", "states"),
    [
        ("0 - X - X", ("OK", "OK", "OK", "OK")),
        ("0 - - - -", ("OK", "OK", "OK", "OK")),
        ("- - - - -", (NO_DATA, KEPT, "ALARM", "OK")),
        ("0 X X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("- - X - -", ("ALARM", KEPT, "ALARM", "OK")),
    ],
)
def test_three_of_three_datapoints_as_in_the_documentation(shown: str, states: tuple[State, ...]) -> None:
    assert tuple(judge(figures(shown), rule(3, 3, each), KEPT) for each in TREATMENTS) == states


@pytest.mark.parametrize(
    ("shown", "states"),
    [
        ("0 - X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0 0 X 0 X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0 - X - -", ("OK", "OK", "ALARM", "OK")),
        ("- - - - 0", ("OK", "OK", "ALARM", "OK")),
        ("- - - X -", ("ALARM", KEPT, "ALARM", "OK")),
    ],
)
def test_two_of_three_datapoints_as_in_the_documentation(shown: str, states: tuple[State, ...]) -> None:
    assert tuple(judge(figures(shown), rule(3, 2, each), KEPT) for each in TREATMENTS) == states


@pytest.mark.parametrize("state", ["OK", "ALARM", "INSUFFICIENT_DATA"])
def test_one_new_breach_of_three_that_are_needed_changes_nothing(state: State) -> None:
    assert judge(figures("- - - - X"), rule(3, 3), state) == state


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", [81]),
        ("GreaterThanOrEqualToThreshold", [80, 81]),
        ("LessThanThreshold", [79]),
        ("LessThanOrEqualToThreshold", [79, 80]),
    ],
)
def test_a_figure_is_compared_as_the_operator_says(comparison: str, breaching: list[int]) -> None:
    compared = Rule(comparison=comparison, threshold=80, periods=1, to_alarm=1)
    assert [value for value in (79, 80, 81) if compared.breaches(value)] == breaching


POINTS = st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=5, max_size=5)
RULES = st.builds(
    lambda periods, to_alarm, treatment, comparison: Rule(
        comparison=comparison, threshold=50, periods=periods, to_alarm=min(periods, to_alarm), treatment=treatment
    ),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(TREATMENTS),
    st.sampled_from(sorted(COMPARISONS)),
)


@given(points=POINTS, judged_by=RULES, state=st.sampled_from(["OK", "ALARM", NO_DATA]))
def test_a_second_look_at_the_same_figures_changes_nothing(
    points: list[float | None], judged_by: Rule, state: State
) -> None:
    once = judge(points, judged_by, state)
    assert judge(points, judged_by, once) == once


@given(points=POINTS, judged_by=RULES)
def test_insufficient_data_never_comes_from_complete_data(points: list[float | None], judged_by: Rule) -> None:
    complete = [50.0 if value is None else value for value in points]
    assert judge(complete, judged_by, NO_DATA) != NO_DATA


@given(points=POINTS, periods=st.integers(1, 3), state=st.sampled_from(["OK", "ALARM"]))
def test_no_treatment_hides_what_alarms_when_missing_data_are_good(
    points: list[float | None], periods: int, state: State
) -> None:
    if judge(points, rule(periods, periods, "notBreaching"), state) == "ALARM":
        assert {judge(points, rule(periods, periods, each), state) for each in TREATMENTS} == {"ALARM"}
