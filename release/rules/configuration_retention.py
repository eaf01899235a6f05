"""Which configurations may go: those that no slot, no way back and no release that is still stored needs.

A version of the secrets goes when no configuration that stays names it. The two newest stay in any case: who sets a
name builds on the newest one, and may have read it before there was another.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from release.records.ledger.head import State
from release.rules.retention import Judgement, Use, needed

NEWEST_KEPT = 2


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A stored configuration, found by its digest, or a version of the secrets, found by the name of its secret."""

    what: str
    of: str


def uses_of(environment: str, state: State) -> Iterator[Use]:
    """What an environment needs which configuration for."""
    opened, held = state.open, [(f"in slot {name} of {environment}", slot) for name, slot in state.slots.items()]
    needing = [
        *held,
        (f"live in {environment}", state.live),
        (f"the way back of {environment}", state.previous),
        (f"in an open deployment of {environment}", opened),
        (f"in an open deployment of {environment}", opened.former.content if opened else None),
    ]
    yield from (Use(of=one.configuration, what=what) for what, one in needing if one and one.configuration)


def judged_documents(digests: Iterable[str], uses: Iterable[Use]) -> tuple[Judgement[Candidate], ...]:
    """Every configuration that is stored, with what keeps it."""
    known = tuple(uses)
    return tuple(
        Judgement(
            candidate=Candidate(what=f"configuration {digest[:12]}", of=digest), reasons=tuple(needed(known, digest))
        )
        for digest in digests
    )


def judged_versions(secrets: Mapping[int, str], uses: Iterable[Use]) -> tuple[Judgement[Candidate], ...]:
    """Every version of the secrets by its number, with what keeps it."""
    known, newest = tuple(uses), sorted(secrets)[-NEWEST_KEPT:]
    return tuple(
        Judgement(
            candidate=Candidate(what=f"secrets version {number}", of=name),
            reasons=(*needed(known, name), *(("one of the newest",) if number in newest else ())),
        )
        for number, name in secrets.items()
    )
