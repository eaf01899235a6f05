"""What an event may carry: a ledger stays small and quick for years, and a text from outside never fills an item.

DynamoDB takes items of 400 kB. What is cut is marked; the plan of a deployment is far below every bound.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any, TypeVar

from release.process.canonical import canonical_json
from release.process.text import MOST_QUOTED, bounded

MOST_TEXT = 2_000  # characters of one text
MOST_PARTS = 500  # entries of one list or object
DEEPEST = 10
MOST_BYTES = 100_000  # of all details of one event
MOST_NAMED = 20  # of those that do not fit
ROOM = MOST_BYTES // 5  # bytes beside what an event is about: why it failed, or the names of what does not fit
T = TypeVar("T")


def small(details: Mapping[str, Any]) -> dict[str, Any]:
    """Details as they are recorded: with texts, lists and depth cut to their bounds, and no more of them than fit."""
    cut = {bounded(str(key)): _cut(value, DEEPEST) for key, value in details.items()}
    if len(canonical_json(cut)) <= MOST_BYTES:
        return cut
    kept = _that_fit({key: value for key, value in cut.items() if len(canonical_json(value)) <= MOST_BYTES // 10})
    left_out = sorted(cut.keys() - kept.keys())[:MOST_NAMED]
    return {**kept, "left_out": [bounded(name, MOST_QUOTED) for name in left_out]}


def batches(values: Iterable[T], word: Callable[[T], Any]) -> Iterator[tuple[T, ...]]:
    """The values in their order, in parts of which one event names each, by their words as they are recorded."""
    batch: list[T] = []
    left = MOST_BYTES - ROOM
    for value in values:
        size = len(canonical_json(word(value))) + len(",")
        if batch and (size > left or len(batch) == MOST_PARTS):
            yield tuple(batch)
            batch, left = [], MOST_BYTES - ROOM
        batch, left = [*batch, value], left - size
    if batch:
        yield tuple(batch)


def _that_fit(details: Mapping[str, Any]) -> dict[str, Any]:
    """The first of them, as long as there is room: for them, and for the names of the others."""
    sizes = accumulate(len(canonical_json({key: value})) for key, value in details.items())
    return {key: value for (key, value), size in zip(details.items(), sizes, strict=True) if size <= MOST_BYTES - ROOM}


def _cut(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return bounded(value, MOST_TEXT)
    if not isinstance(value, Mapping | list | tuple):
        return value
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        parts = list(value.items())[:MOST_PARTS]
        return {bounded(str(key)): _cut(part, depth - 1) for key, part in parts}
    return [_cut(part, depth - 1) for part in list(value)[:MOST_PARTS]]
