"""The rule by which an alarm has a state: CloudWatch's, with its ways to treat missing data.

It looks at somewhat more periods than it has to judge, so that one late figure does not count as missing. When enough
are there, the newest are judged; else the rest counts as the alarm says.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Treatment = Literal["missing", "ignore", "breaching", "notBreaching"]

EXTRA_PERIODS = 2
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`to_alarm` of the `periods` newest datapoints must breach."""

    comparison: str
    threshold: float
    periods: int
    to_alarm: int
    treatment: Treatment = "missing"

    @property
    def looked_at(self) -> int:
        """How many periods it wants to see."""
        return self.periods + EXTRA_PERIODS

    def breaches(self, value: float) -> bool:
        return COMPARISONS[self.comparison](value, self.threshold)


def judge(points: Sequence[float | None], rule: Rule, state: State) -> State:
    """The state after these datapoints, the oldest first, None where there is none. `state` is the one until now."""
    known = [value for value in points if value is not None][-rule.periods :]
    breaching, missing = sum(rule.breaches(value) for value in known), rule.periods - len(known)
    if rule.treatment == "breaching":
        return "ALARM" if breaching + missing >= rule.to_alarm else "OK"
    if breaching >= rule.to_alarm:
        return "ALARM"
    if rule.treatment == "notBreaching" or breaching < len(known):
        return "OK"
    if rule.treatment == "ignore":
        return state
    return _judge_few(points, rule, state)


def _judge_few(points: Sequence[float | None], rule: Rule, state: State) -> State:
    """All that is there breaches, but it is too little: an alarm once the oldest of them is old enough."""
    ages = [age for age, value in enumerate(reversed(points), start=1) if value is not None]
    if not ages:
        return "INSUFFICIENT_DATA"
    return "ALARM" if max(ages) >= rule.to_alarm else state
