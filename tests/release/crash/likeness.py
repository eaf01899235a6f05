"""Which two states of what is outside are alike: whoever comes next finds the same in both, and does the same.

Deployments have random names, events have numbers, hashes, nonces and times; no verb decides by which they are, only by
which of them are the same. Of the history the last two events count: older ones were judged when they were the last.
So of states that are alike one is recovered from; that the rules hold at that moment is seen in each of them.
"""

import json
import re

from tests.release.crash.memory import Row
from tests.release.crash.outside import Outside

NAMES = re.compile(r"[a-z]+-\d{8}-\d{6}-[0-9a-f]{4}|[0-9a-f]{16,}")
TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?")
PLACES = ("hash", "nonce", "seq", "fence", "previous", "requested")  # as words; a state's `previous` is a value
RECENT = 2


def likeness(outside: Outside) -> str:
    """A text that is the same for all that are alike."""
    told = [_table(rows) for _, rows in sorted(outside.cloud.tables.items())]
    stored = [list(objects) for _, objects in sorted(outside.cloud.buckets.items())]
    backups = [(one.database, one.status) for one in outside.cloud.snapshots.values()]
    fails = (outside.cloud.writes_fail, outside.cloud.snapshots_fail)
    return _nameless(repr((told, stored, backups, fails, outside.servers)))


def is_like_one(outside: Outside, seen: set[str]) -> bool:
    """Whether it is like one that was ``seen`` before; from now on it is one of those."""
    alike, before = likeness(outside), len(seen)
    seen.add(alike)
    return len(seen) == before


def _table(rows: dict[tuple[str, int], Row]) -> list[str]:
    """The items of a ledger, its older events left out."""
    events = [key for key in sorted(rows) if key[0] == "EVENT"]
    kept = sorted(rows.keys() - set(events[:-RECENT]))
    return [f"{kind}: {json.dumps(_placeless(json.loads(rows[kind, seq]['body']['S'])))}" for kind, seq in kept]


def _placeless(value: object) -> object:
    """A value without what only says where in the history it stands."""
    if isinstance(value, dict):
        kept = {key: part for key, part in value.items() if key not in PLACES or isinstance(part, dict)}
        return {key: _placeless(part) for key, part in sorted(kept.items())}
    return [_placeless(part) for part in value] if isinstance(value, list) else value


def _nameless(text: str) -> str:
    """A text whose names are numbered as they come, and whose times are none."""
    known: dict[str, str] = {}
    numbered = NAMES.sub(lambda found: known.setdefault(found[0], f"#{len(known)}"), text)
    return TIMES.sub("at a time", numbered)
