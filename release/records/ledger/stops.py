"""What keeps releases out of an environment, or asks a deployment to end: stored apart from HEAD, written at any time.

A stop must not wait for what it is to stop. So it takes no lease and touches no slot: it is an item of its own, which
whoever may write nothing else can be let write (IAM's ``dynamodb:LeadingKeys``). Gates read it, and so does a
deployment before its switch and at every look of its watch.

Beside the item that says what stands now, every change is an entry of a chain like the ledger's events.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from release.doors.aws.table import Item
from release.process.canonical import canonical_json, sha256_hex
from release.process.errors import Broken, Refused, WrongUsage
from release.process.form import FORMAT, Form, read_form, stored
from release.process.text import utc_of
from release.records.ledger.chain import CHANGES, Fault, head_fault

NOW, ENTRY = "STOPS", "STOP"  # the kinds of its items: what stands, and each change
PLACE = ("seq", "hash", "nonce")  # of what stands, in the chain of changes
MOST_REASON = 500  # characters
MOST_VETOES = 300  # they stand in one item, and an item has its limit
MOST_BYTES = 380_000  # of that item with all vetoes; DynamoDB takes 400 kB, and a hold, a freeze and a wish must fit


class Hold(Form):
    """Nothing is promoted here until a person lifts it; set by a person, or after a failure that users saw."""

    reason: str
    by: str
    since: str


def _moment(text: str) -> str:
    """A time as it stands, if it is one: ValueError otherwise."""
    utc_of(text)
    return text


class Freeze(Form):
    """Nothing is promoted here until then (UTC, ISO 8601)."""

    reason: str
    by: str
    since: str
    until: Annotated[str, AfterValidator(_moment)]

    @property
    def end(self) -> datetime:
        """When it is over."""
        return utc_of(self.until)


class Veto(Form):
    """This release goes live here no more until a person lifts it."""

    release: str
    digest: str
    reason: str
    by: str
    since: str


class Ending(Form):
    """Somebody asks the deployment of this name to end at its next safe point."""

    deployment: str
    reason: str
    by: str
    since: str


class WorkEnding(Form):
    """The same of who is at work on something else, under the lease with this fence."""

    fence: int
    reason: str
    by: str
    since: str


class Stops(Form):
    """What stands now, and its place in the chain of changes: the last entry's number, hash and nonce."""

    hold: Hold | None = None
    freeze: Freeze | None = None
    vetoes: tuple[Veto, ...] = ()
    ending: Ending | None = None
    work_ending: WorkEnding | None = None
    seq: int = -1
    hash: str = ""
    nonce: str = ""
    format: int = FORMAT


class Change(Form):
    """An entry: who changed which stop when (UTC), on what was there before.

    ``state_hash`` is that of all that stood from then on.
    """

    seq: int
    at: str
    kind: str
    by: str
    host: str
    nonce: str
    previous: str
    details: dict[str, Any] = Field(default_factory=dict)
    state_hash: str = ""
    format: int = FORMAT


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why something is stopped or lifted, who says so, and when (UTC). All reasons stand in one item: each is short."""

    reason: str
    by: str
    at: datetime

    def __post_init__(self) -> None:
        if len(self.reason) > MOST_REASON:
            raise WrongUsage(f"a reason has {MOST_REASON} characters at most, this one {len(self.reason)}")

    @property
    def since(self) -> str:
        """When, as it is written down."""
        return self.at.isoformat(timespec="seconds")


Rule = Callable[[Stops], Stops]


def held(stops: Stops, cause: Cause) -> Stops:
    """With a hold; one that is there already stays, because its reason came first."""
    return stops.but(hold=stops.hold or Hold(reason=cause.reason, by=cause.by, since=cause.since))


def frozen(stops: Stops, cause: Cause, until: datetime) -> Stops:
    """With a freeze until then, instead of any other."""
    end = until.isoformat(timespec="seconds")
    return stops.but(freeze=Freeze(reason=cause.reason, by=cause.by, since=cause.since, until=end))


def vetoed(stops: Stops, cause: Cause, *, release: str, digest: str) -> Stops:
    """With a veto of these bytes; one that is there already stays. Refused where no more fit into their item."""
    if veto_of(stops, digest):
        return stops
    veto = Veto(release=release, digest=digest, reason=cause.reason, by=cause.by, since=cause.since)
    after = stops.but(vetoes=(*stops.vetoes, veto))
    if len(after.vetoes) > MOST_VETOES or len(stops_json(after).encode()) > MOST_BYTES:
        hint = "lift those of releases that nobody would deploy again: release veto VERSION --lift --reason WHY"
        raise Refused(f"{len(stops.vetoes)} releases are vetoed here, more do not fit", hint=hint)
    return after


def held_and_vetoed(stops: Stops, cause: Cause, *, release: str, digest: str) -> Stops:
    """After a failure that users saw. With the hold alone where no more vetoes fit: it keeps out this release, too."""
    holding = held(stops, cause)
    try:
        return vetoed(holding, cause, release=release, digest=digest)
    except Refused:
        return holding


def without_veto(stops: Stops, release: str) -> Stops:
    """Without the vetoes of a release."""
    return stops.but(vetoes=tuple(veto for veto in stops.vetoes if veto.release != release))


def asked_to_end(stops: Stops, cause: Cause, deployment: str) -> Stops:
    """With the wish that a deployment ends."""
    return stops.but(ending=Ending(deployment=deployment, reason=cause.reason, by=cause.by, since=cause.since))


def work_asked_to_end(stops: Stops, cause: Cause, fence: int) -> Stops:
    """With the wish that other work ends; one that a deployment ends stays, as its process may have died."""
    return stops.but(work_ending=WorkEnding(fence=fence, reason=cause.reason, by=cause.by, since=cause.since))


def refuse_changed(stands: object, read: object, what: str) -> None:
    """Refused where what is to be lifted is not what was read: somebody set it anew, for another reason."""
    if stands != read:
        raise Refused(f"{what} changed meanwhile, and nothing was lifted", hint="see what stands, and run it again")


def vetoes_of(stops: Stops, release: str) -> tuple[Veto, ...]:
    """The vetoes of a release: one of each of the bytes that were known under its version."""
    return tuple(veto for veto in stops.vetoes if veto.release == release)


def veto_of(stops: Stops, digest: str) -> Veto | None:
    """The veto of these bytes, if there is one."""
    return next((veto for veto in stops.vetoes if veto.digest == digest), None)


def is_frozen(stops: Stops, now: datetime) -> bool:
    """Whether a freeze is in force."""
    return stops.freeze is not None and stops.freeze.end > now


def stands_hash(text: str) -> str:
    """What the stops are known by that this text of their item says: all but their place in the chain."""
    said = json.loads(text)
    return sha256_hex(canonical_json({key: value for key, value in said.items() if key not in PLACE}))


def stops_faults(stops: Stops, item: Item, last: Change | None) -> tuple[Fault, ...]:
    """What the item says otherwise than its last change does, like a stop that somebody took away by hand."""
    if last is None and stops == Stops():
        return ()  # as a new ledger begins
    if last is None:
        return (head_fault("it stands there without any change", CHANGES),)
    other = ["nonce"] if stops.nonce != last.nonce else []
    if last.state_hash and stands_hash(item.body) != last.state_hash:
        other.insert(0, "content")
    other += ["nonce in the table"] if item.nonce != last.nonce else []
    return (head_fault(f"its {' and '.join(other)} is not that of stop {last.seq}", CHANGES),) if other else ()


def stops_json(stops: Stops) -> str:
    """As it is stored."""
    return stored(stops)


def parse_stops(text: str) -> Stops:
    """As it was stored; Broken when it is not readable, because it could say no."""
    return read_form(Stops, text, "what is stopped")


def parse_change(text: str, seq: int) -> Change:
    """An entry as it was stored."""
    return read_form(Change, text, f"entry {seq} of what was stopped")


def stops_of_format_1(state: dict[str, Any]) -> Stops:
    """What stood in the state of a HEAD that an older version wrote."""
    known = {name: state[name] for name in ("hold", "freeze", "vetoes") if state.get(name)}
    try:
        return Stops.model_validate({**known, "vetoes": tuple(known.get("vetoes", ()))})
    except ValueError:
        raise Broken("what an older version stopped is not readable", hint="see: release audit ENV") from None
