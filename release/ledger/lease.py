"""The lease: at most one deployment per environment, and a fence number that only grows.

The lease is an item of its own, renewed by heartbeats that collide with nothing. A holder that was paused past the
expiry, and whose lease was taken over, wakes with a fence that is no longer HEAD's: it is refused at its next append
and by the program it starts.
"""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from pydantic import ConfigDict, TypeAdapter

from release.errors import LeaseHeld
from release.ledger.canonical import canonical_json

LENGTH = timedelta(minutes=2)
BEAT = 20.0  # seconds between two heartbeats: several may fail before the lease expires


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Who deploys, from where, since when and until when (UTC, ISO 8601); ``owner`` is empty when nobody does."""

    owner: str
    host: str
    ci: str
    since: str
    expires: str
    fence: int
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    def held_at(self, now: datetime) -> bool:
        """Whether somebody holds it at ``now``."""
        return bool(self.owner) and datetime.fromisoformat(self.expires) > now


def new_lease(*, owner: str, host: str, ci: str, now: datetime, fence: int) -> Lease:
    """A lease from ``now`` for LENGTH."""
    return Lease(owner=owner, host=host, ci=ci, since=now.isoformat(), expires=(now + LENGTH).isoformat(), fence=fence)


def renewed(lease: Lease, now: datetime) -> Lease:
    """The lease after a heartbeat at ``now``."""
    return replace(lease, expires=(now + LENGTH).isoformat())


def released(lease: Lease) -> Lease:
    """The lease after its holder gave it back; the fence stays, because it only grows."""
    return Lease(
        owner="", host="", ci="", since="", expires=datetime.fromtimestamp(0, UTC).isoformat(), fence=lease.fence
    )


def refuse_held(lease: Lease | None, environment: str, now: datetime) -> None:
    """Raise LeaseHeld, naming owner, host and since when, when somebody is at work at ``now``."""
    if lease is not None and lease.held_at(now):
        where = f"on {lease.host}" + (f" ({lease.ci})" if lease.ci else "")
        raise LeaseHeld(
            f"{environment} is being deployed by {lease.owner} {where} since {lease.since}",
            hint=f"wait for it, or until the lease expires at {lease.expires}",
        )


def lease_json(lease: Lease) -> str:
    """The lease as it is stored."""
    return canonical_json(asdict(lease)).decode()


def parse_lease(text: str) -> Lease:
    """The lease as it was stored."""
    return TypeAdapter(Lease).validate_json(text)
