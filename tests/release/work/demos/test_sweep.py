"""The sweep: round after round until nothing is left, or until it is plain that AWS keeps something."""

import pytest

from release.doors.aws.leftovers import Left, Leftovers
from release.process.errors import Broken
from release.work.demos.sweep import ROUNDS, sweep

GROUP, SERVER = Left(kind="security_group", id="sg-1", creation=""), Left(kind="instance", id="i-1", creation="")


class Account(Leftovers):
    """What is there; `kept` things go only after so many tries."""

    def __init__(self, left: list[Left], kept: dict[Left, int] | None = None) -> None:
        self.left, self.kept = left, kept or {}

    def all(self) -> tuple[Left, ...]:
        return tuple(self.left)

    def remove(self, left: Left) -> None:
        if self.kept.get(left, 0) > 0:
            self.kept[left] -= 1
            raise Broken(f"cannot delete {left}: DependencyViolation: in use")
        self.left.remove(left)


def swept(account: Account) -> int:
    """How often it paused."""
    pauses: list[float] = []
    sweep(account, lambda text: None, pause=pauses.append)
    return len(pauses)


def test_where_nothing_is_left_nobody_waits() -> None:
    assert swept(Account([])) == 0


def test_what_holds_another_is_waited_for() -> None:
    account = Account([SERVER, GROUP], {GROUP: 3})
    assert swept(account) == 4
    assert account.left == []


def test_what_aws_keeps_is_told_with_its_reason() -> None:
    account = Account([SERVER, GROUP], {GROUP: ROUNDS + 1})
    with pytest.raises(Broken, match=r"these are left: security_group sg-1.*DependencyViolation"):
        swept(account)
