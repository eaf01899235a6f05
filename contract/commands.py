"""How a release is run where it has no `bin/start`: commands as lists of words, which no shell ever reads.

A build states them in `release.json`, or whoever publishes by options. `parse_command` takes a text or a list of words,
and refuses by a ValueError, in one sentence, what only a shell would understand. In a word `$PORT` and the other PLACES
stand for where the release runs, and become a part of that word, whatever they hold.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.layout import MIGRATE, START

PLACES = ("HOST", "PORT", "RELEASE_VERSION", "SLOT")
"""The variables that a command may name: none that holds a secret, because everybody on a server sees commands."""

MOST_WORDS = 100
LONGEST_WORD = 1000  # signs
SHELL_SIGNS = frozenset("|&;<>()")
PLACE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})", re.ASCII)
OWN_SCRIPT = "write it into an executable bin/start, or bin/migrate"


@dataclass(frozen=True)
class Commands:
    """What starts a release and what migrates its database; empty: bin/start, and bin/migrate where it is there."""

    start: tuple[str, ...] = ()
    migrate: tuple[str, ...] = ()


BY_NAME = Commands()
"""Of a release that states none."""


def parse_command(value: Any) -> tuple[str, ...]:
    """The words of a command, as they are run."""
    words = _split(value) if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise ValueError("is neither a text nor a list of words")
    if fault := _fault(words):
        raise ValueError(fault)
    return tuple(words)


def start_command(commands: Commands) -> tuple[str, ...]:
    """What starts a release."""
    return commands.start or (START,)


def migrate_command(commands: Commands, release: Path) -> tuple[str, ...]:
    """What migrates the database of the release in this folder; empty where nothing does."""
    return commands.migrate or ((MIGRATE,) if (release / MIGRATE).exists() else ())


def runnable(command: Sequence[str], release: Path, environment: Mapping[str, str]) -> list[str]:
    """The words with what PLACES hold in this environment; a program of the release by its whole path."""
    program, *words = (PLACE.sub(lambda found: environment[found[1] or found[2]], word) for word in command)
    return [str(release / program) if "/" in program else program, *words]


def _split(text: str) -> list[str]:
    reader = shlex.shlex(text, posix=True, punctuation_chars=True)
    reader.whitespace_split, reader.commenters = True, ""
    try:
        words = list(reader)
    except ValueError as error:
        raise ValueError(f"cannot be split into words: {error}") from None
    if signs := next((word for word in words if word and set(word) <= SHELL_SIGNS), ""):
        raise ValueError(f"holds {signs}, which only a shell understands: {OWN_SCRIPT}")
    return words


def _fault(words: Sequence[str]) -> str:
    """What keeps these words from being run; nothing where they can be."""
    if not words or not words[0]:
        return "names no program"
    if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in words):
        return f"has more than {MOST_WORDS} words, or one of more than {LONGEST_WORD} signs"
    if not all(word.isprintable() for word in words):
        return "holds a sign that does not print"
    if "=" in words[0]:
        return f"begins with {words[0][:100]}, which only a shell takes for a variable: begin with env"
    if words[0].startswith(("-", "$", "~")) or ".." in words[0].split("/"):
        return f"begins with {words[0][:100]}, which is no program of the release or of its server"
    return next(filter(None, map(_word_fault, words)), "")


def _word_fault(word: str) -> str:
    if "$" in PLACE.sub("", word) or "`" in word:
        return f"holds {word[:100]}, which only a shell understands: {OWN_SCRIPT}"
    names = (found[1] or found[2] for found in PLACE.finditer(word))
    if other := next((name for name in names if name not in PLACES), ""):
        return f"names ${other}: a command may name {', '.join(PLACES)}, everything else the program reads itself"
    return ""
