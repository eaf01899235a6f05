"""What becomes of a program's inputs: checked, completed, and told again after a read. Pure."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.aws_provider.model import DEFAULTED, Autoname, Input, Properties, ResourceType
from local.aws_provider.wire import UNKNOWN, Unknown

HEX_DIGITS = 7


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One thing that is wrong with the inputs."""

    property: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The completed inputs, or what is wrong with them."""

    inputs: Properties
    failures: tuple[Failure, ...]


def check(
    kind: ResourceType,
    given: Properties,
    *,
    old: Properties,
    logical_name: str,
    seed: bytes,
    default_tags: Mapping[str, str],
) -> Checked:
    """Refuse unknown and missing inputs by name; add defaults, the automatic name and the provider's tags."""
    given = {name: value for name, value in given.items() if name != DEFAULTED}
    failures = (*_unknown(kind, kind.all_inputs, given), *_missing(kind, kind.all_inputs, given))
    if failures:
        return Checked(inputs=given, failures=failures)
    inputs = _with_defaults(kind.all_inputs, given)
    if kind.tagging:
        inputs["tagsAll"] = _merged(default_tags, inputs.get("tags"))
    if kind.autoname and kind.autoname.input not in inputs:
        inputs[kind.autoname.input] = _kept_name(kind.autoname, old) or automatic_name(
            kind.autoname, logical_name, seed
        )
        inputs[DEFAULTED] = [kind.autoname.input]
    return Checked(inputs=inputs, failures=())


def _unknown(kind: ResourceType, entries: Mapping[str, Input], given: Properties, path: str = "") -> Iterable[Failure]:
    for name, value in given.items():
        entry = entries.get(name)
        if entry is None:
            known = ", ".join(sorted(entries))
            reason = f"unknown input '{path}{name}' of {kind.token}: the local AWS provider knows {known}"
            yield Failure(property=path + name, reason=reason)
        elif entry.fields:
            for where, each in _nested(entry, path + name, value):
                yield from _unknown(kind, entry.fields, each, where)


def _missing(kind: ResourceType, entries: Mapping[str, Input], given: Properties, path: str = "") -> Iterable[Failure]:
    for name, entry in entries.items():
        if name not in given:
            if entry.required:
                reason = f"missing required input '{path}{name}' of {kind.token}"
                yield Failure(property=path + name, reason=reason)
        elif entry.fields:
            for where, each in _nested(entry, path + name, given[name]):
                yield from _missing(kind, entry.fields, each, where)


def _nested(entry: Input, path: str, value: Any) -> list[tuple[str, Properties]]:
    """List the nested objects in a value with their paths; what is not known yet has none."""
    if entry.many and isinstance(value, list):
        return [(f"{path}[{i}].", each) for i, each in enumerate(value) if isinstance(each, dict)]
    return [(f"{path}.", value)] if isinstance(value, dict) else []


def _with_defaults(entries: Mapping[str, Input], given: Properties) -> Properties:
    completed = {name: _completed(entries[name], value) for name, value in given.items()}
    for name, entry in entries.items():
        if name not in completed and entry.default is not None:
            completed[name] = entry.default
    return completed


def _completed(entry: Input, value: Any) -> Any:
    if entry.many and isinstance(value, list):
        return [_completed_object(entry, each) for each in value]
    return _completed_object(entry, value)


def _completed_object(entry: Input, value: Any) -> Any:
    return _with_defaults(entry.fields, value) if entry.fields and isinstance(value, dict) else value


def _merged(default_tags: Mapping[str, str], tags: Any) -> Any:
    return UNKNOWN if isinstance(tags, Unknown) else {**default_tags, **(tags or {})}


def _kept_name(autoname: Autoname, old: Properties) -> Any:
    return old.get(autoname.input) if autoname.input in old.get(DEFAULTED, ()) else None


def automatic_name(autoname: Autoname, logical_name: str, seed: bytes) -> str:
    """Make a name that no other resource has: the same one again for the same seed of the engine."""
    ending = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(HEX_DIGITS)
    room = autoname.longest - len(autoname.prefix) - HEX_DIGITS - 1
    name = f"{autoname.prefix}{logical_name[:room]}-{ending[:HEX_DIGITS]}"
    return name.lower() if autoname.lower_case else name


def told_again(
    kind: ResourceType, state: Properties, old: Properties | None, default_tags: Mapping[str, str]
) -> Properties:
    """Make the inputs that a program would have to give for the state that was read.

    Where the old inputs mean the same as the state, they stay as they were written. Without old inputs (an import)
    everything is told that AWS tells.
    """
    told = _told(kind.all_inputs, state, old)
    if kind.tagging:
        told["tagsAll"] = state.get("tagsAll", {})
        told.update(_own_tags(told["tagsAll"], (old or {}).get("tags"), default_tags))
    if old and DEFAULTED in old:
        told[DEFAULTED] = old[DEFAULTED]
    return told


def _told(entries: Mapping[str, Input], state: Properties, old: Properties | None) -> Properties:
    told = {name: _told_input(entry, state.get(name), old, name) for name, entry in entries.items()}
    return {name: value for name, value in told.items() if value is not None}


def _told_input(entry: Input, value: Any, old: Properties | None, name: str) -> Any:
    if old is None:
        return value if entry.readable else entry.default
    if name in old:
        return _reconciled(entry, old[name], value) if entry.readable else old[name]
    return None if entry.computed or not value else value


def _reconciled(entry: Input, old: Any, value: Any) -> Any:
    if entry.same(old, value):
        return old
    if entry.many and isinstance(old, list) and isinstance(value, list) and len(old) == len(value):
        return [_told(entry.fields, each, before) for each, before in zip(value, old, strict=True)]
    if entry.fields and isinstance(old, dict) and isinstance(value, dict):
        return _told(entry.fields, value, old)
    return value


def _own_tags(tags_all: Mapping[str, str], old_tags: Any, default_tags: Mapping[str, str]) -> Properties:
    own = {key: value for key, value in tags_all.items() if default_tags.get(key) != value or key in (old_tags or {})}
    return {"tags": own} if own or old_tags is not None else {}
