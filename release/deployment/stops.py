"""Stops: what keeps releases out. A hold and a freeze of one environment, and a veto of one release everywhere.

Pure functions of a state. A hold and a veto stay until a person lifts them, a freeze ends by itself. None of them stops
a rollback, but for a veto: what is vetoed goes live nowhere, also not again.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from release.ledger.head import Freeze, Hold, State, Veto


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why something is stopped or lifted, who says so, and when (UTC)."""

    reason: str
    by: str
    at: datetime

    @property
    def since(self) -> str:
        """When, as it is written down."""
        return self.at.isoformat(timespec="seconds")


@dataclass(frozen=True, kw_only=True)
class StandingVeto:
    """A veto, and the environment in whose ledger it stands."""

    environment: str
    veto: Veto


def held(state: State, cause: Cause) -> State:
    """The state with a hold; one that is there already stays, because its reason came first."""
    return replace(state, hold=state.hold or Hold(reason=cause.reason, by=cause.by, since=cause.since))


def frozen(state: State, cause: Cause, until: datetime) -> State:
    """The state with a freeze until then, instead of any other."""
    end = until.isoformat(timespec="seconds")
    return replace(state, freeze=Freeze(reason=cause.reason, by=cause.by, since=cause.since, until=end))


def vetoed(state: State, cause: Cause, *, release: str, digest: str) -> State:
    """The state with a veto of these bytes; one that is there already stays."""
    if any(veto.digest == digest for veto in state.vetoes):
        return state
    veto = Veto(release=release, digest=digest, reason=cause.reason, by=cause.by, since=cause.since)
    return replace(state, vetoes=(*state.vetoes, veto))


def without_veto(state: State, release: str) -> State:
    """The state without the vetoes of a release."""
    return replace(state, vetoes=tuple(veto for veto in state.vetoes if veto.release != release))


def is_frozen(state: State, now: datetime) -> bool:
    """Whether a freeze is in force."""
    return state.freeze is not None and datetime.fromisoformat(state.freeze.until) > now
