"""Which artifacts may go: the rule of ``release prune``, as a pure function.

Only bytes go; manifests, verdicts and the ledger stay. An artifact is kept for every reason that holds, and goes when
there is none. Releases are judged by their bytes: two versions of the same bytes keep each other.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from release.records.ledger.head import State
from release.rules.retention import Judgement, Use, needed

WAITING_DAYS = 30
"""How long a release that was never deployed here is kept: it may still be waiting for its promotion."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A release whose bytes are stored here. ``kept_until``: S3 lets nobody delete them before."""

    version: str
    digest: str
    size: int
    published_at: datetime
    kept_until: datetime | None = None
    held: bool = False


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the rule judges by.

    ``verified`` are the bytes that were verified in this environment, the newest first; ``deployed`` all that a
    deployment was ever begun with here. ``keep`` is how many of the verified are the rollback window. On hold nothing
    goes: somebody is looking into what happened.
    """

    candidates: tuple[Candidate, ...]
    uses: tuple[Use, ...]
    verified: tuple[str, ...]
    deployed: frozenset[str]
    vetoed: frozenset[str]
    keep: int
    now: datetime
    on_hold: bool = False


def uses_of(environment: str, state: State) -> Iterator[Use]:
    """What an environment needs the bytes of."""
    if state.live:
        yield Use(of=state.live.digest, what=f"live in {environment}")
    for name, slot in state.slots.items():
        if slot is not None and slot.digest is not None:
            yield Use(of=slot.digest, what=f"in slot {name} of {environment}")
    if state.previous:
        yield Use(of=state.previous.digest, what=f"the way back of {environment}")


def judged(facts: Facts) -> tuple[Judgement[Candidate], ...]:
    """Every candidate with what keeps it, in the order given."""
    own = {candidate.version: tuple(_reasons(candidate, facts)) for candidate in facts.candidates}
    return tuple(
        Judgement(candidate=candidate, reasons=own[candidate.version] or _of_same_bytes(candidate, facts, own))
        for candidate in facts.candidates
    )


def rollback_window(verified: Iterable[str], vetoed: frozenset[str], keep: int) -> tuple[str, ...]:
    """The bytes of the last ``keep`` verified releases that may go live. A vetoed one among them takes no place."""
    window: list[str] = []
    for digest in verified:
        if len([one for one in window if one not in vetoed]) == keep:
            break
        if digest not in window:
            window.append(digest)
    return tuple(window)


def _reasons(candidate: Candidate, facts: Facts) -> Iterator[str]:
    yield from needed(facts.uses, candidate.digest)
    if candidate.digest in rollback_window(facts.verified, facts.vetoed, facts.keep):
        yield f"one of the last {facts.keep} verified here"
    if candidate.digest not in facts.deployed and facts.now - candidate.published_at < timedelta(days=WAITING_DAYS):
        yield f"never deployed here, and younger than {WAITING_DAYS} days"
    yield from kept_by_itself(candidate, facts.now)
    if facts.on_hold:
        yield "the environment is on hold"


def kept_by_itself(candidate: Candidate, now: datetime) -> Iterator[str]:
    """What S3 says of an artifact that keeps it."""
    if candidate.kept_until is not None and candidate.kept_until > now:
        yield f"under a retention lock until {candidate.kept_until.isoformat(timespec='seconds')}"
    if candidate.held:
        yield "under a legal hold"


def _of_same_bytes(candidate: Candidate, facts: Facts, reasons: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What keeps another version of the same bytes."""
    others = [one for one in facts.candidates if one.digest == candidate.digest and reasons[one.version]]
    return tuple(f"the same bytes as {one.version}" for one in others)
