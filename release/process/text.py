"""Texts and JSON from outside: what servers, releases, Pulumi, AWS, people and documents in buckets say.

None of it is believed. Before such a text becomes part of an error, an event or a line on a screen it is made one
printable line that is not too long: a terminal obeys what it is sent, a line break forges a line of ours, and the
ledger's items have 400 KB. JSON that cannot be meant is one error, ValueError, whatever is wrong with it.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

MOST = 500  # characters of a text
MOST_QUOTED = 80  # characters of a text that is only an example of what was said
CUT = "…"
LOGIN = re.compile(r"^((?:[a-z][a-z0-9+.-]*:)?//)?[^/?#]*@", re.IGNORECASE)  # at the beginning of a URL
# Signs that Unicode calls printable, and that show nothing: fillers, joiners, variation selectors, the empty Braille.
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def bounded(text: str, most: int = MOST) -> str:
    """``text`` as one printable line of at most ``most`` characters: white space is folded, the end cut with a mark.

    The same of what it gives is the same.
    """
    line = " ".join(text.split())
    return _cut(printable(line[: most + 1]), most)


def without_login(url: str) -> str:
    """``url`` as one line like any text from outside, without the name and the password that it may hold for a host."""
    return bounded(LOGIN.sub(r"\1", url.strip()))


def printable(text: str) -> str:
    """``text`` with every sign that shows nothing, moves others or is no sign at all written as its number."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(sign if _shows(sign) else sign.encode("unicode_escape").decode() for sign in text)


def printable_lines(text: str) -> str:
    """Several lines of ours, in which nothing but our own line ends is left of what does not print."""
    return "\n".join(map(printable, text.split("\n")))


def quoted(text: str, most: int = MOST_QUOTED) -> str:
    """The beginning of a text in quotes, as Python writes it: so that none of it reads as our own words."""
    return bounded(repr(_cut(text, most)))


def listed(texts: Sequence[str], most: int) -> str:
    """As many texts as fit in ``most`` characters, the first one in any case, and how many more there are."""
    fitting, length = list(texts[:1]), len(texts[0]) if texts else 0
    for text in texts[1:]:
        length += len(text) + len("; ")
        if length > most:
            return f"{'; '.join(fitting)}; and {len(texts) - len(fitting)} more"
        fitting.append(text)
    return "; ".join(fitting)


def utc_of(text: str) -> datetime:
    """A time that names its zone, in UTC. ValueError for what is none, or is none in UTC."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("it names no zone")
    return in_utc(at)


def in_utc(at: datetime) -> datetime:
    """A time in UTC. ValueError where that is before the year 1 or after 9999."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC it is not in the years 1 to 9999") from None


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text. ValueError for everything that cannot be meant: no JSON, a key that stands twice, a
    number that JSON does not have, half a sign, more nesting than can be read.
    """
    try:
        value = json.loads(text, object_pairs_hook=_each_once)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def object_in(text: str) -> dict[str, Any]:
    """The JSON object that a text is; empty for anything else."""
    try:
        value = read_json(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def json_text(value: Any) -> str:
    """``value`` as JSON for people and programs: signs that do not print are escaped, also those that JSON lets be."""
    return "\n".join(map(_json_line, json.dumps(value, indent=2, ensure_ascii=False).split("\n")))


def _json_line(line: str) -> str:
    if line.isascii() and line.isprintable():
        return line
    return "".join(sign if _shows(sign) else json.dumps(sign)[1:-1] for sign in line)


def _shows(sign: str) -> bool:
    return sign.isprintable() and not INVISIBLE.match(sign)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - len(CUT)] + CUT


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {quoted(twice)} stands twice")
    return found
