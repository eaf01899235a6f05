"""What goes wrong with settings: every problem of a project's stack files in one exception."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One bad key: where it stands, what is wrong with it and what would be right."""

    file: str
    key: str
    fault: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key} {self.fault}; allowed: {self.allowed}"


class InvalidSettings(Exception):
    """The stack files cannot be used. `str()` has one line per problem, all problems at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
