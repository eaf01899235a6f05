"""HEAD: the one item of the ledger that says what an environment is.

``State`` is what events change; ``Head`` is a state with its place in the chain. Everything here is a pure value:
the functions take a state and give the next one. What keeps releases out stands beside it, in ``stops``.
"""

import json
from collections.abc import Mapping
from typing import Any

from contract.slots import SLOTS, SlotName, idle
from release.process.canonical import canonical_json, sha256_hex
from release.process.form import FORMAT, Form, read_form, stored
from release.records.artifacts.schema import Schema
from release.records.commands import BY_NAME, KeptCommands


class Content(Form):
    """What a slot of every server holds, and the deployment that put it there.

    ``release`` is None for a slot that a deployment emptied. The deployment is part of the value so that restoring a
    slot after a failure makes every server look again, also the one that was touched half-way; with ``reuse`` a server
    that holds these very bytes only takes note. ``made_with`` is the schema of the release, None where it states none.
    ``commands`` is how it is run. ``configuration`` is the sha256 of what it runs with, None where that is nothing.
    ``unsure`` says why it is not known that every server holds this; the next install mends it. ``database`` names the
    one that a slot runs with, where that is not the environment's only one.
    """

    release: str | None
    digest: str | None
    artifact_key: str | None
    deployment: str
    commands: KeptCommands = BY_NAME
    made_with: Schema | None = None
    reuse: bool = False
    unsure: str = ""
    configuration: str | None = None
    database: str | None = None


class Live(Form):
    """What was seen behind the live listener after the switch, or what a person took for good there.

    ``since`` is UTC, ISO 8601. ``unverified``: a person moved users there by hand, and these bytes were never verified
    here; it is no way back.
    """

    slot: SlotName
    release: str
    digest: str
    deployment: str
    since: str
    commands: KeptCommands = BY_NAME
    configuration: str | None = None
    made_with: Schema | None = None
    unverified: bool = False


class Previous(Form):
    """The last release that was live before this one, where a rollback goes, and the deployment that verified it.

    ``left`` is the deployment that rolled back from it: going there again takes its name.
    """

    release: str
    digest: str
    deployment: str
    artifact_key: str = ""
    commands: KeptCommands = BY_NAME
    configuration: str | None = None
    made_with: Schema | None = None
    left: str = ""


class Former(Form):
    """What a deployment found: where the live listener pointed, and what the slot held that it works in."""

    declared: SlotName | None
    content: Content | None


class Open(Form):
    """A deployment under way: what it is about, the step it is in, and what must be put back if it fails.

    That is all that ``abort`` needs. The plan stands in the event ``requested``. ``done`` is whether the step has ended
    well, ``stopped`` why the deployment waits for a person.
    """

    deployment: str
    kind: str
    release: str
    digest: str
    slot: SlotName
    step: str
    requested: int
    former: Former
    done: bool = False
    stopped: str = ""
    configuration: str | None = None
    made_with: Schema | None = None


class Out(Form):
    """A server that is marked out: nothing waits for it until it is replaced."""

    server: str
    reason: str
    by: str
    since: str


class State(Form):
    """What the program declares (``blue``, ``green``, ``declared``, ``out``) and what is known (``live`` and the rest).

    ``brought`` is the newest schema that a migration began to bring: it stays when the deployment is put back.
    ``behind`` says why Pulumi's state does not say yet what servers and listener do; empty when it does.
    """

    blue: Content | None = None
    green: Content | None = None
    declared: SlotName | None = None
    live: Live | None = None
    previous: Previous | None = None
    open: Open | None = None
    brought: Schema | None = None
    out: tuple[Out, ...] = ()
    behind: str = ""

    def slot(self, name: SlotName) -> Content | None:
        """What the slot ``name`` holds."""
        return self.blue if name == "blue" else self.green

    @property
    def slots(self) -> dict[SlotName, Content | None]:
        """What each slot holds."""
        return {name: self.slot(name) for name in SLOTS}

    @property
    def idle(self) -> SlotName:
        """The slot that the live listener does not point at: where the next release goes."""
        return idle(self.declared)

    @property
    def out_names(self) -> frozenset[str]:
        """The servers that are marked out."""
        return frozenset(one.server for one in self.out)


class Head(Form):
    """A state and its place: whose it is, the last event's number and hash, the fence and the last writer's nonce."""

    project: str
    environment: str
    account: str
    seq: int
    hash: str
    fence: int
    nonce: str
    state: State
    format: int = FORMAT


def run_by(one: Content | Live | Previous | Open) -> tuple[str | None, str | None]:
    """What users get of it: these very bytes with this very configuration. Another of either is another way back."""
    return one.digest, one.configuration


def with_slot(state: State, name: SlotName, content: Content | None) -> State:
    """``state`` with another content in one slot."""
    return state.but(blue=content) if name == "blue" else state.but(green=content)


def emptied(deployment: str) -> Content:
    """The content of a slot that ``deployment`` empties."""
    return Content(release=None, digest=None, artifact_key=None, deployment=deployment)


def state_hash(state: State) -> str:
    """What a state is known by."""
    return sha256_hex(canonical_json(state.model_dump()))


def changes(before: State | None, after: State) -> dict[str, Any]:
    """The parts of a state that are others than before, as an event carries them; all of them without a before."""
    known = {} if before is None else before.model_dump()
    return {key: value for key, value in after.model_dump().items() if key not in known or known[key] != value}


def changed(before: State | None, parts: Mapping[str, Any]) -> State:
    """The state after an event with these ``changes``."""
    known = {} if before is None else before.model_dump()
    return State.model_validate_json(canonical_json({**known, **parts}))


def head_json(head: Head) -> str:
    """HEAD as it is stored."""
    return stored(head)


def parse_head(text: str) -> Head:
    """HEAD as it was stored; what is no HEAD is Broken, because guessing here would move what is live."""
    return read_form(Head, _upgraded(text), "HEAD")


def _upgraded(text: str) -> str:
    """HEAD of format 1 in the words of format 2. What kept releases out stays where it was, for ``stops`` to find."""
    try:
        head = json.loads(text)
        if head["format"] != 1:
            return text
        state = head["state"]
        state["brought"] = state.pop("schema", None)
        if state.get("live"):
            state["live"]["made_with"] = state["live"].pop("schema", None)
        if state.get("open"):
            state["open"] = _open_of_format_1(state)
        return canonical_json({**head, "format": FORMAT}).decode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return text


def _open_of_format_1(state: Mapping[str, Any]) -> dict[str, Any]:
    """A deployment that an older version left open can be put back: to what is live, with the other slot emptied."""
    live = state.get("live") or {}
    slot = idle(live.get("slot"))
    content = state.get(slot) or {}
    return {
        **state["open"],
        "kind": "promotion",
        "release": content.get("release") or "",
        "digest": content.get("digest") or "",
        "slot": slot,
        "former": {"declared": live.get("slot"), "content": None},
    }
