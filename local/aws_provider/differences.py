"""What differs between the old inputs and the new ones, and whether that needs a new resource. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from local.aws_provider.model import DEFAULTED, Input, Properties, ResourceType


class Kind(Enum):
    """How a property changed."""

    ADDED = "added"
    DELETED = "deleted"
    UPDATED = "updated"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One changed property, by its path (`rootBlockDevice.volumeSize`)."""

    path: str
    kind: Kind
    replaces: bool

    @property
    def input(self) -> str:
        """Name the input that the path begins with."""
        return self.path.split(".")[0].split("[")[0]


def differences(kind: ResourceType, old: Properties, new: Properties) -> tuple[Difference, ...]:
    """List what changed, nested properties one by one."""
    return tuple(_objects(kind.all_inputs, old, new, path="", whole=new, replaces=False))


def deletes_first(kind: ResourceType, old: Properties, new: Properties) -> bool:
    """Say whether AWS could not hold the old resource and its replacement at the same time.

    An automatic name is in nobody's way: the engine asks for a new one when it replaces the resource.
    """
    alone = kind.one_of_a_kind
    if set(alone) & set(new.get(DEFAULTED, ())):
        return False
    return any(name in new for name in alone) and all(old.get(name) == new.get(name) for name in alone)


def _objects(
    entries: Mapping[str, Input],
    old: Properties,
    new: Properties,
    *,
    path: str,
    whole: Properties,
    replaces: bool,
) -> Iterator[Difference]:
    for name, entry in entries.items():
        replacing = replaces or entry.replaces or bool(whole.get(entry.replaces_if))
        yield from _values(entry, old.get(name), new.get(name), path=path + name, whole=whole, replaces=replacing)


def _values(entry: Input, old: Any, new: Any, *, path: str, whole: Properties, replaces: bool) -> Iterator[Difference]:
    if (new is None and (entry.computed or old is None)) or (old is not None and entry.same(old, new)):
        return
    pairs = _pairs(entry, old, new, path)
    if pairs:
        for where, before, after in pairs:
            yield from _objects(entry.fields, before, after, path=where, whole=whole, replaces=replaces)
    else:
        switched = entry.replaces_if_switched and (old is None or new is None)
        yield Difference(path=path, kind=_kind(old, new), replaces=replaces or switched)


def _pairs(entry: Input, old: Any, new: Any, path: str) -> list[tuple[str, Properties, Properties]]:
    """Pair the nested objects that can be compared one by one."""
    if entry.many and isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        both = enumerate(zip(old, new, strict=True))
        return [(f"{path}[{i}].", *pair) for i, pair in both] if _objects_only(old + new) else []
    if entry.fields and isinstance(old, dict) and isinstance(new, dict):
        return [(f"{path}.", old, new)]
    return []


def _objects_only(values: list[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


def _kind(old: Any, new: Any) -> Kind:
    if old is None:
        return Kind.ADDED
    return Kind.DELETED if new is None else Kind.UPDATED
