"""What becomes of a program's inputs: checked, completed, and told again after a read. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.aws_provider.model import DEFAULTED, MERGED_TAGS, Autoname, Group, Input, Properties, ResourceType
from local.aws_provider.naming import NoName, Wish, automatic_name
from local.aws_provider.refusals import Failure, refusals
from local.aws_provider.wire import UNKNOWN, Unknown


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
    wish: Wish | None = None,
) -> Checked:
    """Refuse what is unknown, missing or conflicting; add defaults, the provider's tags and the automatic name."""
    given = {name: value for name, value in given.items() if name != DEFAULTED}
    failures = refusals(kind, given)
    if failures:
        return Checked(inputs=given, failures=failures)
    inputs = _with_defaults(kind.all_inputs, kind.exclusions, given)
    if kind.tagging:
        inputs[MERGED_TAGS] = _merged(default_tags, inputs.get("tags"))
    if kind.autoname is None or kind.autoname.input in inputs:
        return Checked(inputs=inputs, failures=())
    return _named(kind, kind.autoname, inputs, old=old, logical_name=logical_name, seed=seed, wish=wish)


def _named(
    kind: ResourceType,
    autoname: Autoname,
    inputs: Properties,
    *,
    old: Properties,
    logical_name: str,
    seed: bytes,
    wish: Wish | None,
) -> Checked:
    try:
        name = _kept_name(autoname, old) or automatic_name(autoname, logical_name, seed, wish)
    except NoName as error:
        reason = f"missing input '{autoname.input}' of {kind.token}: {error}"
        return Checked(inputs=inputs, failures=(Failure(property=autoname.input, reason=reason),))
    return Checked(inputs={**inputs, autoname.input: name, DEFAULTED: [autoname.input]}, failures=())


def _kept_name(autoname: Autoname, old: Properties) -> Any:
    return old.get(autoname.input) if autoname.input in old.get(DEFAULTED, ()) else None


def _with_defaults(entries: Mapping[str, Input], exclusions: tuple[Group, ...], given: Properties) -> Properties:
    """Add the defaults, save those that what is given excludes."""
    excluded = {name for group in exclusions if set(group) & set(given) for name in group}
    completed = {name: _completed(entries[name], value) for name, value in given.items()}
    for name, entry in entries.items():
        if name not in completed and name not in excluded and entry.default is not None:
            completed[name] = entry.default
    return completed


def _completed(entry: Input, value: Any) -> Any:
    if entry.many and isinstance(value, list):
        return [_completed_object(entry, each) for each in value]
    return _completed_object(entry, value)


def _completed_object(entry: Input, value: Any) -> Any:
    return _with_defaults(entry.fields, entry.exclusions, value) if entry.fields and isinstance(value, dict) else value


def _merged(default_tags: Mapping[str, str], tags: Any) -> Any:
    return UNKNOWN if isinstance(tags, Unknown) else {**default_tags, **(tags or {})}


def told_again(
    kind: ResourceType, state: Properties, old: Properties | None, default_tags: Mapping[str, str]
) -> Properties:
    """Make the inputs that a program would have to give for the state that was read.

    Where the old inputs mean the same as the state, they stay as they were written. Without old inputs (an import)
    everything is told that AWS tells.
    """
    told = _told(kind.all_inputs, state, old)
    if kind.tagging:
        told[MERGED_TAGS] = state.get(MERGED_TAGS, {})
        told.update(_own_tags(told[MERGED_TAGS], (old or {}).get("tags"), default_tags))
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
