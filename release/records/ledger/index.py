"""The index of a ledger: what it knows of each release, found by the release's version and not by a walk.

Written in the same transaction as the event that it is about, by whom holds the lease. The events remain the proof;
the index says where in them to look.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from release.process.canonical import canonical_json
from release.process.form import FORMAT, Form, Unreadable, read_form, stored
from release.records.artifacts.manifest import artifact_key
from release.records.artifacts.schema import Schema
from release.records.commands import BY_NAME, KeptCommands
from release.records.ledger.chain import Fault
from release.records.ledger.event import Event, parts_of
from release.records.ledger.head import Content, Live, Open, run_by

LIVE = "LIVE"  # the kind of the items that say what became live when, by the event's number
LIFE = ("step done", "deployment accepted")  # kinds of the events by which a verified release is live
MOST_MENTIONS = 50  # deployments of one release that are kept here, the newest ones


class Mention(Form):
    """A deployment of a release, and the event in which it begins."""

    deployment: str
    requested: int


class Known(Form):
    """A release as this environment knows it: by the bytes that were live, or where none ever were by the last ones,
    and the configuration that they had then.

    ``live`` is the last deployment by which it was live, in event ``live_in``, and ``left`` the one that took it from
    users since: a rollback, or a deployment that was put back behind its switch; where no deployment did, who. They are
    empty where there was none. ``adopted`` are the bytes that a person moved users to by hand and nobody had verified.
    """

    release: str
    digest: str
    artifact_key: str
    commands: KeptCommands = BY_NAME
    configuration: str | None = None
    made_with: Schema | None = None
    deployments: tuple[Mention, ...] = ()
    live: str = ""
    live_at: str = ""
    live_in: int | None = None
    left: str = ""
    adopted: str = ""
    format: int = FORMAT


class Lived(Form):
    """A release that became live: by which deployment, with which configuration, and when (UTC)."""

    release: str
    digest: str
    deployment: str
    at: str
    configuration: str | None = None
    format: int = FORMAT


def known_kind(version: str) -> str:
    """The kind of the item of one release."""
    return f"RELEASE#{version}"


def with_deployment(known: Known | None, content: Content, event: Event) -> Known:
    """What is known once a deployment of this content has begun in ``event``.

    What is known belongs to bytes: those that were live stay the known ones until others of their version are.
    """
    before = known if known is not None and known.live else _of(content, known)
    mention = Mention(deployment=event.deployment or "", requested=event.seq)
    return before.but(deployments=(*before.deployments, mention)[-MOST_MENTIONS:])


def with_life(known: Known | None, live: Live, event: Event) -> Known:
    """What is known once these bytes are live by ``event``."""
    return _of(live, known).but(live=event.deployment or "", live_at=event.at, live_in=event.seq, left="")


def without_life(known: Known, lost: Live | Open | Content, event: Event) -> Known:
    """What is known once the deployment of ``event``, or a person by hand, took these bytes from users."""
    return known.but(left=event.deployment or f"{event.by} ({event.kind})") if known.digest == lost.digest else known


def with_adoption(known: Known, content: Content) -> Known:
    """What is known once a person moved users by hand to this content, which nobody had verified."""
    return known.but(adopted=content.digest or "")


def _of(content: Content | Live, known: Known | None) -> Known:
    """What is known of these bytes; of a release that was known by others no more than its deployments."""
    release, digest = content.release or "", content.digest or ""
    how: dict[str, Any] = {
        "artifact_key": artifact_key(digest),
        "commands": content.commands,
        "configuration": content.configuration,
        "made_with": content.made_with,
    }
    if known is not None and known.digest == digest:
        return known.but(**how)
    fresh = Known(release=release, digest=digest, **how)
    return fresh if known is None else fresh.but(deployments=known.deployments)


def life_in(event: Event) -> Live | None:
    """What is live from an event on because its deployment verified it, or a person did; None for all other events."""
    live = parts_of(event).get("live")
    if event.kind not in LIFE or not isinstance(live, dict) or live.get("unverified"):
        return None
    if live.get("deployment") != event.deployment:
        return None
    try:
        return Live.model_validate_json(canonical_json(live))
    except ValueError:
        return None


def lived(live: Live, event: Event) -> Lived:
    """What is noted of a release that became live by ``event``."""
    return Lived(
        release=live.release,
        digest=live.digest,
        deployment=event.deployment or "",
        at=event.at,
        configuration=live.configuration,
    )


@dataclass(frozen=True, kw_only=True)
class Past:
    """What the events say of a release: the last one by which it was live and what was, and by which it was left."""

    event: Event
    live: Live
    left: str = ""


def pasts(events: Iterable[Event]) -> dict[str, Past]:
    """What the events, from the first on, say of each release that was ever live."""
    found: dict[str, Past] = {}
    for event in events:
        live = life_in(event)
        if live:
            found[live.release] = Past(event=event, live=live)
        previous = parts_of(event).get("previous")
        left = previous if isinstance(previous, dict) and previous.get("left") == event.deployment else {}
        past = found.get(left.get("release", ""))
        stays = live is not None and live.digest == left.get("digest")  # only their configuration was left
        if past and not stays and past.live.digest == left.get("digest"):
            found[past.live.release] = replace(past, left=event.deployment or "")
    return found


def index_fault(known: Known, past: Past | None) -> Fault | None:
    """What the index says otherwise of a release than the events do; None where they agree."""
    kind = known_kind(known.release)
    if past is None:
        return _fault(kind, f"no event says that {known.live} let it be live") if known.live else None
    said = (past.live.deployment, past.live.digest, past.live.configuration)
    if (known.live, known.digest, known.configuration) != said:
        began = known.live or past.event.format > 1  # what was live before there was an index need not be in it
        return _fault(kind, f"event {past.event.seq} says what was live, and by which deployment") if began else None
    return _fault(kind, f"it does not say that {past.left} left it") if past.left and not known.left else None


def life_fault(lived: Lived, seq: int, past: Event | None) -> Fault | None:
    """What an entry of what was live says otherwise than its event does; None where they agree."""
    live = life_in(past) if past else None
    said = (lived.release, lived.deployment, lived.digest, lived.configuration)
    if live and (live.release, live.deployment, *run_by(live)) == said:
        return None
    return _fault(f"{LIVE} {seq}", f"event {seq} does not say that {lived.release} was live")


def spoilt_fault(kind: str, why: Unreadable) -> Fault:
    """What is wrong with an entry of the index that cannot be read."""
    return _fault(kind, str(why.args[0]))


def _fault(kind: str, why: str) -> Fault:
    return Fault(kind="index", seq=None, text=f"{kind} was changed: {why}", of="index")


def known_json(known: Known | Lived) -> str:
    """As it is stored."""
    return stored(known)


def parse_known(text: str, version: str) -> Known:
    """As it was stored; Unreadable also where it is the word on another release."""
    known = read_form(Known, text, f"what the ledger knows of {version}")
    if known.release != version:
        raise Unreadable(
            f"what the ledger knows of {version} is not readable: it is about {known.release}",
            hint="see: release audit ENV",
        )
    return known


def parse_lived(text: str) -> Lived:
    """As it was stored."""
    return read_form(Lived, text, "an entry of what was live")
