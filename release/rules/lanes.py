"""Lanes: the steps of each kind of deployment, each kind its own list.

What goes forward earns its place before users see it. What goes back moves users first: only what the way back itself
needs stands before the switch, and all that follows the answer is bookkeeping, whose failure is a warning. A release
that is new to users is watched at once: no lock of the stack, and no slow ``up``, leaves them alone with it.
"""

from typing import Literal

Kind = Literal["promotion", "hotfix", "redeployment", "rollback"]
StepName = Literal[
    "preflight",
    "backed up",
    "installed",
    "started",
    "verified",
    "paused",
    "switched",
    "answered",
    "applied",
    "watched",
    "live",
]

FORWARD: tuple[StepName, ...] = (
    "preflight",
    "backed up",
    "installed",
    "verified",
    "switched",
    "answered",
    "watched",
    "applied",
    "live",
)
IN_PLACE: tuple[StepName, ...] = ("switched", "answered", "applied", "backed up", "watched", "live")
STARTED: tuple[StepName, ...] = ("started", *IN_PLACE)
INSTALLED_BACK: tuple[StepName, ...] = ("installed", "verified", *IN_PLACE)

BOOKKEEPING: frozenset[StepName] = frozenset({"applied"})
"""What may fail behind the switch of any deployment: the next ``up`` by anyone does it."""

AFTER_A_ROLLBACK: frozenset[StepName] = BOOKKEEPING | {"backed up", "watched"}
"""What may fail behind the answer of a rollback: users are helped, and no finding takes them back."""


def forward(*, pause: bool) -> tuple[StepName, ...]:
    """The steps of a promotion, hotfix or redeployment; with a pause, people look at it before users do."""
    if not pause:
        return FORWARD
    place = FORWARD.index("switched")
    return (*FORWARD[:place], "paused", *FORWARD[place:])


def warnings_of(kind: Kind) -> frozenset[StepName]:
    """The steps whose failure is a warning and ends nothing."""
    return AFTER_A_ROLLBACK if kind == "rollback" else BOOKKEEPING
