"""What may leave the server of all that programs and releases say: the end of it, and no secret."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from contract.configuration import SHORTEST_SECRET

HIDDEN = "***"


class Tail:
    """The last bytes of what a program says: however much that is, no more is held."""

    def __init__(self, most: int) -> None:
        self.cut = False
        self.kept = bytearray()
        self.most = most

    def add(self, block: bytes) -> None:
        self.kept += block
        self.cut = self.cut or len(self.kept) > self.most
        del self.kept[: -self.most]

    def text(self) -> str:
        return self.kept.decode("utf-8", "replace")


@dataclass(frozen=True)
class Said:
    """What a program said, without secrets. `cut`: only the end of it."""

    text: str
    cut: bool

    def marked(self) -> str:
        return f"(only the end of it is kept)\n{self.text}" if self.cut else self.text


def scrubbed(said: Tail, secrets: Sequence[str]) -> Said:
    """Where the beginning is cut off, half a secret may stand there, and goes too."""
    text = scrub(said.text(), secrets)
    return Said(text[half_a_secret(secrets) :] if said.cut else text, said.cut)


def half_a_secret(secrets: Sequence[str]) -> int:
    """How much of a text half a secret can take, also one in which shorter secrets were hidden."""
    return len(HIDDEN) * max((len(secret.encode()) for secret in secrets), default=0)


def scrub(text: str, secrets: Sequence[str]) -> str:
    for secret in filter(None, secrets):
        text = text.replace(secret, HIDDEN)
    return text


def hidden_forms(secret: str) -> Iterator[str]:
    """The forms in which a secret may be said: as it is, in a URL, in JSON, and line by line.

    What is shorter than a word is left: to take it out of all that is said would say where it stands.
    """
    lines = [line.strip() for line in secret.splitlines()]
    for one in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], *lines):
        if len(one) >= SHORTEST_SECRET:
            yield one


def last_line(text: str) -> str:
    """The last line that says something, printable and short."""
    line = text.strip().rpartition("\n")[2][:300]
    return "".join(sign if sign.isprintable() else " " for sign in line) or "no output"
