"""How much faster than declared the cloud's clockwork runs: a deployment here should not take as long as on AWS.

Health-check intervals, deregistration delays, alarm periods and intervals of logs are divided by the factor.
Timeouts are not: a slow machine must not make a healthy server unhealthy.
"""

import math
from dataclasses import dataclass

from local.errors import CloudError


@dataclass(frozen=True, kw_only=True)
class Pace:
    """`factor` 1 is exactly as declared, 10 ten times faster. Raises `CloudError` on what is no speed."""

    factor: float = 10.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.factor) and self.factor > 0):
            raise CloudError(f"a pace of {self.factor} makes no sense: give a number above 0 (1 is as declared)")

    def shortened(self, seconds: float) -> float:
        """What `seconds` of declared time last here."""
        return seconds / self.factor
