"""The index of a ledger: what it knows of each release, found by the release's version and not by a walk.

Written in the same transaction as the event that it is about, by whom holds the lease. The events remain the proof;
the index says where in them to look.
"""

from release.artifacts.schema import Schema
from release.ledger.event import Event
from release.ledger.form import FORMAT, Form, read_form, stored
from release.ledger.head import Slot

LIVE = "LIVE"  # the kind of the items that say what became live when, by the event's number
MOST_MENTIONS = 50  # deployments of one release that are kept here, the newest ones


class Mention(Form):
    """A deployment of a release, and the event in which it begins."""

    deployment: str
    requested: int


class Known(Form):
    """A release as this environment knows it.

    ``live`` is the last deployment by which it was live, ``left`` the one that took it from users since: a rollback, or
    a deployment that was put back behind its switch; where no deployment did, who. Both are empty where there was none.
    ``adopted`` are the bytes that a person moved users to by hand and nobody had verified here.
    """

    release: str
    digest: str
    artifact_key: str
    made_with: Schema | None = None
    deployments: tuple[Mention, ...] = ()
    live: str = ""
    live_at: str = ""
    left: str = ""
    adopted: str = ""
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
    """What is known once a deployment of this content has begun in ``event``."""
    before = known or Known(release=content.release or "", digest=content.digest or "", artifact_key="")
    mention = Mention(deployment=event.deployment or "", requested=event.seq)
    return before.but(
        digest=content.digest,
        artifact_key=content.artifact_key,
        made_with=content.made_with,
        deployments=(*before.deployments, mention)[-MOST_MENTIONS:],
    )


def with_life(known: Known, event: Event) -> Known:
    """What is known once the release is live by ``event``."""
    return known.but(live=event.deployment or "", live_at=event.at, left="")


def without_life(known: Known, event: Event) -> Known:
    """What is known once the deployment of ``event`` took the release from users, or a person by hand."""
    return known.but(left=event.deployment or f"{event.by} ({event.kind})")


def with_adoption(known: Known, content: Slot) -> Known:
    """What is known once a person moved users by hand to this content, which nobody had verified."""
    return known.but(adopted=content.digest or "")


def lived(known: Known, event: Event) -> Lived:
    """What is noted of a release that became live by ``event``."""
    return Lived(release=known.release, digest=known.digest, deployment=event.deployment or "", at=event.at)


def known_json(known: Known | Lived) -> str:
    """As it is stored."""
    return stored(known)


def parse_known(text: str, version: str) -> Known:
    """As it was stored."""
    return read_form(Known, text, f"what the ledger knows of {version}")


def parse_lived(text: str) -> Lived:
    """As it was stored."""
    return read_form(Lived, text, "an entry of what was live")
