"""Parity: what differs between environments, and which setting declares it.

A difference is *declared* when it goes away as soon as one environment is declared with a setting of the other, or
with a few of them together where one is not enough: then the stack files state it. What still differs when all
settings are the same is *undeclared*: the program looks at something else, like the environment's name.

Values in, differences out. Declaring an environment with other settings is left to the caller.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from release.rules.graph import SECRET, Graph, Key

ABSENT = "(absent)"
PRESENT = "(present)"

Recorded = Callable[[frozenset[str]], Graph | None]
"""The first environment with these settings of the second one; None when it cannot be declared so."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One input of one resource, with its values here and there; an empty `input` is the resource as a whole."""

    resource: Key
    input: str
    here: Any
    there: Any


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A difference and the settings that declare it; undeclared when there are none."""

    difference: Difference
    declared_by: tuple[str, ...]


def differences(here: Graph, there: Graph) -> tuple[Difference, ...]:
    """Everything in which two graphs differ, in order."""
    return tuple(
        difference
        for key in sorted(set(here) | set(there))
        for difference in _of_resource(key, here.get(key), there.get(key))
    )


def strays(stack: Graph, program: Graph) -> tuple[Difference, ...]:
    """What a stack holds otherwise than its program declares it.

    Secrets are unreadable in a stack, so they are taken for right. Inputs that only the stack has were added by the
    provider, as a name or a default.
    """
    return tuple(
        difference
        for difference in differences(stack, program)
        if not _is_hidden(stack.get(difference.resource, {}), difference)
        and not (difference.input and difference.there == ABSENT)
    )


def judged(here: Graph, there: Graph, settings: Mapping[str, Any], recorded: Recorded) -> tuple[Judged, ...]:
    """Every difference with what declares it. `settings` are those that differ between the two environments."""
    found = differences(here, there)
    alone = {key: recorded(frozenset([key])) for key in settings} if found else {}
    return tuple(
        Judged(
            difference=difference,
            declared_by=tuple(key for key in settings if _is_gone(difference, alone[key], there))
            or _together(difference, there, tuple(settings), recorded),
        )
        for difference in found
    )


def differing(here: Mapping[str, Any], there: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The settings that differ, by dotted key, with the values there."""
    found: dict[str, Any] = {}
    for name in sorted(set(here) | set(there)):
        mine, other = here.get(name), there.get(name)
        if isinstance(mine, dict) and isinstance(other, dict):
            found |= differing(mine, other, f"{prefix}{name}.")
        elif mine != other:
            found[f"{prefix}{name}"] = other
    return found


def _of_resource(key: Key, here: Mapping[str, Any] | None, there: Mapping[str, Any] | None) -> Iterator[Difference]:
    if here is None or there is None:
        mine, other = (PRESENT, ABSENT) if there is None else (ABSENT, PRESENT)
        yield Difference(resource=key, input="", here=mine, there=other)
        return
    for path in sorted(set(here) | set(there)):
        mine, other = here.get(path, ABSENT), there.get(path, ABSENT)
        if not _same(mine, other):
            yield Difference(resource=key, input=path, here=mine, there=other)


def _same(here: Any, there: Any) -> bool:
    """Also of one type: to Python, `True` is 1."""
    return bool(here == there) and isinstance(here, bool) == isinstance(there, bool)


def _is_hidden(inputs: Mapping[str, Any], difference: Difference) -> bool:
    """Whether the difference lies in what the stack keeps secret."""
    return any(
        value == SECRET and f"{difference.input}.".replace("[", ".").startswith(f"{path}.".replace("[", "."))
        for path, value in inputs.items()
    )


def _is_gone(difference: Difference, changed: Graph | None, there: Graph) -> bool:
    return changed is not None and _same(_at(changed, difference), _at(there, difference))


def _at(graph: Graph, difference: Difference) -> Any:
    inputs = graph.get(difference.resource)
    if not difference.input:
        return PRESENT if inputs is not None else ABSENT
    return ABSENT if inputs is None else inputs.get(difference.input, ABSENT)


def _together(difference: Difference, there: Graph, settings: tuple[str, ...], recorded: Recorded) -> tuple[str, ...]:
    """The fewest settings that declare a difference together, found by leaving out one after the other."""
    needed = settings
    if not _is_gone(difference, recorded(frozenset(needed)), there):
        return ()
    for key in settings:
        fewer = tuple(one for one in needed if one != key)
        if _is_gone(difference, recorded(frozenset(fewer)), there):
            needed = fewer
    return needed
