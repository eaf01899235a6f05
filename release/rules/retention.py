"""What is kept and what goes, of anything that is stored: it is kept for every reason that holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Use:
    """Something that is needed, by the digest of its bytes or by its deployment, and for what: "live in prod"."""

    of: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Judgement(Generic[T]):
    """What becomes of a candidate: it goes where there is no reason to keep it."""

    candidate: T
    reasons: tuple[str, ...]

    @property
    def goes(self) -> bool:
        """Whether nothing keeps it."""
        return not self.reasons


def needed(uses: Iterable[Use], of: str) -> Iterable[str]:
    """What something is needed for, each use once."""
    return dict.fromkeys(use.what for use in uses if use.of == of)
