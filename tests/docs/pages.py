"""The documentation as the tests read it: code blocks, and the commands and output lines in them.

A block marked ``console`` shows a terminal: lines after ``$ `` are commands, the others are what they print. In an
output line ``…`` stands for anything, and a line of ``…`` alone for lines that are not shown.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
LEFT_OUT = "…"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
OURS = ("release", "local-cloud", "make")
BETWEEN_COMMANDS = re.compile(r"&&|\|\||[;|()]")
ASSIGNMENT = re.compile(r"[A-Z_]+=")
STEP = re.compile(r"^ *(?:- )?run: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """A command in a terminal, and the lines of its output that are shown."""

    command: str
    output: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A fenced block: the language it is marked with, and its text."""

    language: str
    text: str


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(*found.groups()) for found in BLOCK.finditer(text)]


def spans(text: str) -> list[str]:
    """The inline code of a page."""
    return SPAN.findall(BLOCK.sub("", text))


def terminal(text: str) -> list[Shown]:
    """What the ``console`` blocks of a page show, in order."""
    shown: list[Shown] = []
    for line in "".join(block.text for block in blocks(text) if block.language == "console").splitlines():
        if line.startswith("$ "):
            shown.append(Shown(line.removeprefix("$ "), ()))
        elif line.strip() not in ("", LEFT_OUT):
            shown[-1] = Shown(shown[-1].command, (*shown[-1].output, line))
    return shown


def pattern(line: str) -> re.Pattern[str]:
    """What matches an output line that is shown."""
    return re.compile(".*".join(re.escape(part) for part in line.strip().split(LEFT_OUT)))


def command_lines(block: Block) -> list[str]:
    """The commands of a block: after ``$ `` in a terminal, every line of a script, the steps of a workflow."""
    if block.language == "yaml":
        return STEP.findall(block.text)
    if block.language == "console":
        return [shown.command for shown in terminal(f"```console\n{block.text}```\n")]
    return block.text.splitlines() if block.language == "sh" else []


def commands(line: str) -> Iterator[list[str]]:
    """The words of each command of ours in a line of shell, without variables set in front and `.venv/bin/`."""
    for part in BETWEEN_COMMANDS.split(line):
        words = part.lstrip(' "$').split()
        while words and ASSIGNMENT.match(words[0]):
            words.pop(0)
        name = words[0].removeprefix(".venv/bin/") if words else ""
        if name in OURS:
            yield [name, *shlex.split(" ".join(words[1:]), comments=True)]


def section(text: str, heading: str) -> str:
    """A page's text from a heading of second level to the next one."""
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a page's tables without their head lines."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rules = [number for number, line in enumerate(lines) if set(line) <= set("|- ")]
    heads = {*rules, *(number - 1 for number in rules)}
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for number, line in enumerate(lines)
        if number not in heads
    ]
