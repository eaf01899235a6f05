"""HEAD: the one item of the ledger that says what an environment is.

``State`` is what events change; ``Head`` is a state with its place in the chain. Everything here is a pure value:
the functions take a state and give the next one.
"""

from dataclasses import asdict, dataclass, replace
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from release.artifacts.schema import Schema
from release.errors import Broken
from release.ledger.canonical import canonical_json

FORMAT = 1
SlotName = Literal["blue", "green"]
STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, kw_only=True)
class Slot:
    """What a slot of every server holds, and the deployment that put it there.

    ``release`` is None for a slot that a deployment emptied. The deployment is part of the value so that restoring a
    slot after a failure makes every server install again, also the one that was touched half-way.
    """

    release: str | None
    digest: str | None
    artifact_key: str | None
    deployment: str
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class Live:
    """What was verified behind the live listener after the switch; ``since`` is UTC, ISO 8601.

    ``schema`` is the one that the release was made with; None when it states none.
    """

    slot: SlotName
    release: str
    digest: str
    deployment: str
    since: str
    schema: Schema | None = None
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class Previous:
    """The last verified release before the live one, where a rollback goes, and the deployment that verified it."""

    release: str
    digest: str
    deployment: str
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class Open:
    """A deployment under way: the step it is in and the event (its seq) that holds its plan.

    ``done`` is whether the step has ended well, ``stopped`` why the deployment waits for a person.
    """

    deployment: str
    step: str
    requested: int
    done: bool = False
    stopped: str = ""
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Nothing is promoted here until a person lifts it; set by a person, or after a failure that users saw."""

    reason: str
    by: str
    since: str
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """Nothing is promoted here until then (UTC, ISO 8601)."""

    reason: str
    by: str
    since: str
    until: str
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class Veto:
    """This release goes live nowhere until a person lifts it: no environment of the project may take it."""

    release: str
    digest: str
    reason: str
    by: str
    since: str
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class State:
    """What the program declares (``blue``, ``green``, ``declared``) and what is known (``live`` and the rest).

    ``schema`` is the newest that an installation brought the database to: it stays when the deployment is put back.
    """

    blue: Slot | None = None
    green: Slot | None = None
    declared: SlotName | None = None
    live: Live | None = None
    previous: Previous | None = None
    open: Open | None = None
    hold: Hold | None = None
    freeze: Freeze | None = None
    vetoes: tuple[Veto, ...] = ()
    schema: Schema | None = None
    __pydantic_config__ = STRICT

    def slot(self, name: SlotName) -> Slot | None:
        """What the slot ``name`` holds."""
        return self.blue if name == "blue" else self.green

    @property
    def idle(self) -> SlotName:
        """The slot that the live listener does not point at: where the next release goes."""
        return "green" if self.declared == "blue" else "blue"


@dataclass(frozen=True, kw_only=True)
class Head:
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
    __pydantic_config__ = STRICT


def with_slot(state: State, name: SlotName, content: Slot | None) -> State:
    """``state`` with another content in one slot."""
    return replace(state, blue=content) if name == "blue" else replace(state, green=content)


def head_json(head: Head) -> str:
    """HEAD as it is stored."""
    return canonical_json(asdict(head)).decode()


def parse_head(text: str) -> Head:
    """HEAD as it was stored; anything unexpected is Broken, because guessing here would move what is live."""
    try:
        head = _HEAD.validate_json(text)
    except ValidationError as error:
        why = first_problem(error)
        raise Broken(f"HEAD is not readable: {why}", hint="it was not written by this version") from None
    if head.format != FORMAT:
        raise Broken(f"HEAD has format {head.format}, this version reads {FORMAT}", hint="use a matching version")
    return head


def first_problem(error: ValidationError) -> str:
    """What is wrong with a stored value, and where in it."""
    problem = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in problem['loc']) or 'text'}: {problem['msg']}"


_HEAD = TypeAdapter(Head)
