"""The index of a ledger: what it knows of each release, found by the release's version and not by a walk.

Written in the same transaction as the event that it is about, by whom holds the lease. The events remain the proof;
the index says where in them to look.
"""

from release.artifacts.manifest import artifact_key
from release.artifacts.schema import Schema
from release.ledger.event import Event
from release.ledger.form import FORMAT, Form, read_form, stored
from release.ledger.head import Live, Open, Slot

LIVE = "LIVE"  # the kind of the items that say what became live when, by the event's number
MOST_MENTIONS = 50  # deployments of one release that are kept here, the newest ones


class Mention(Form):
    """A deployment of a release, and the event in which it begins."""

    deployment: str
    requested: int


class Known(Form):
    """A release as this environment knows it: by the bytes that were live, or where none ever were by the last ones.

    ``live`` is the last deployment by which it was live, ``left`` the one that took it from users since: a rollback, or
    a deployment that was put back behind its switch. Both are empty where there was none.
    """

    release: str
    digest: str
    artifact_key: str
    made_with: Schema | None = None
    deployments: tuple[Mention, ...] = ()
    live: str = ""
    live_at: str = ""
    left: str = ""
    format: int = FORMAT


class Lived(Form):
    """A release that became live: by which deployment, and when (UTC)."""

    release: str
    digest: str
    deployment: str
    at: str
    format: int = FORMAT


def known_kind(version: str) -> str:
    """The kind of the item of one release."""
    return f"RELEASE#{version}"


def with_deployment(known: Known | None, content: Slot, event: Event) -> Known:
    """What is known once a deployment of this content has begun in ``event``.

    What is known belongs to bytes: those that were live stay the known ones until others of their version are.
    """
    before = known if known is not None and known.live else _of(content, known)
    mention = Mention(deployment=event.deployment or "", requested=event.seq)
    return before.but(deployments=(*before.deployments, mention)[-MOST_MENTIONS:])


def with_life(known: Known | None, live: Live, event: Event) -> Known:
    """What is known once these bytes are live by ``event``."""
    return _of(live, known).but(live=event.deployment or "", live_at=event.at, left="")


def without_life(known: Known, lost: Live | Open, event: Event) -> Known:
    """What is known once the deployment of ``event`` took these bytes from users."""
    return known.but(left=event.deployment or "") if known.digest == lost.digest else known


def _of(content: Slot | Live, known: Known | None) -> Known:
    """What is known of these bytes; of a release that was known by others no more than its deployments."""
    release, digest = content.release or "", content.digest or ""
    if known is not None and known.digest == digest:
        return known.but(made_with=content.made_with)
    fresh = Known(release=release, digest=digest, artifact_key=artifact_key(digest), made_with=content.made_with)
    return fresh if known is None else fresh.but(deployments=known.deployments)


def lived(live: Live, event: Event) -> Lived:
    """What is noted of a release that became live by ``event``."""
    return Lived(release=live.release, digest=live.digest, deployment=event.deployment or "", at=event.at)


def known_json(known: Known | Lived) -> str:
    """As it is stored."""
    return stored(known)


def parse_known(text: str, version: str) -> Known:
    """As it was stored."""
    return read_form(Known, text, f"what the ledger knows of {version}")


def parse_lived(text: str) -> Lived:
    """As it was stored."""
    return read_form(Lived, text, "an entry of what was live")
