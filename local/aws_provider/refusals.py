"""What is wrong with a program's inputs: unknown, missing or conflicting ones, each refused by its path. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.aws_provider.model import Group, Input, Properties, ResourceType
from local.aws_provider.wire import Unknown


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One thing that is wrong with the inputs."""

    property: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """One object of the inputs (the whole, or one nested in it), where it is, and the rules for it."""

    path: str
    token: str
    entries: Mapping[str, Input]
    conflicts: tuple[Group, ...]
    exactly_one: tuple[Group, ...]
    given: Properties

    def known(self, group: Group) -> list[str]:
        """List the inputs of a group that are given for certain: what is not known yet may turn out to be null."""
        return [name for name in group if name in self.given and not isinstance(self.given[name], Unknown)]

    def failure(self, name: str, text: str) -> Failure:
        """Refuse one input; in the text, `{}` stands for where it is."""
        return Failure(property=self.path + name, reason=text.format(f"'{self.path}{name}' of {self.token}"))


def refusals(kind: ResourceType, given: Properties) -> tuple[Failure, ...]:
    """List everything that is wrong with the inputs of a resource."""
    whole = Part(
        path="",
        token=kind.token,
        entries=kind.all_inputs,
        conflicts=kind.conflicts,
        exactly_one=kind.exactly_one,
        given=given,
    )
    rules = (_unknown, _missing, _conflicting, _not_exactly_one)
    return tuple(failure for part in _parts(whole) for rule in rules for failure in rule(part))


def _parts(part: Part) -> Iterator[Part]:
    yield part
    for name, value in part.given.items():
        entry = part.entries.get(name)
        if entry and entry.fields:
            for path, each in _nested(entry, part.path + name, value):
                yield from _parts(_part_of(entry, part.token, path, each))


def _part_of(entry: Input, token: str, path: str, given: Properties) -> Part:
    return Part(
        path=path,
        token=token,
        entries=entry.fields,
        conflicts=entry.conflicts,
        exactly_one=entry.exactly_one,
        given=given,
    )


def _nested(entry: Input, path: str, value: Any) -> list[tuple[str, Properties]]:
    """List the nested objects in a value with their paths; what is not known yet has none."""
    if entry.many and isinstance(value, list):
        return [(f"{path}[{i}].", each) for i, each in enumerate(value) if isinstance(each, dict)]
    return [(f"{path}.", value)] if isinstance(value, dict) else []


def _unknown(part: Part) -> Iterator[Failure]:
    known = ", ".join(sorted(part.entries))
    for name in part.given:
        if name not in part.entries:
            yield part.failure(name, f"unknown input {{}}: the local AWS provider knows {known}")


def _missing(part: Part) -> Iterator[Failure]:
    for name, entry in part.entries.items():
        if entry.required and name not in part.given:
            yield part.failure(name, "missing required input {}")


def _conflicting(part: Part) -> Iterator[Failure]:
    for group in part.conflicts:
        first, *others = part.known(group) or [""]
        for other in others:
            yield part.failure(other, f"conflicting input {{}}: it cannot be given together with '{part.path}{first}'")


def _not_exactly_one(part: Part) -> Iterator[Failure]:
    for group in part.exactly_one:
        known = part.known(group)
        if len(known) > 1 or not any(name in part.given for name in group):
            one_of = ", ".join(f"'{part.path}{name}'" for name in group)
            yield part.failure(group[0], f"missing or conflicting input {{}}: give exactly one of {one_of}")
