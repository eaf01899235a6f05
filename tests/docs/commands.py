"""Whether commands that are written somewhere can be run: each is parsed by the command itself, and none is."""

import re
from typing import Any

import click

from local.cli import commands as local_cloud
from release.cli import release
from tests.docs.pages import ROOT

GROUPS: dict[str, Any] = {"release": release, "local-cloud": local_cloud}
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
EVERYWHERE = {"--help", "-h", "--json", "--project", "--verbose"}


def run_fault(words: list[str]) -> str:
    """Why a command cannot be run as it is shown; empty when it can."""
    name, *arguments = words
    if name == "make" or not arguments or arguments[0].startswith("-"):
        return mention_fault(words)
    verb, arguments = below(verb_of(name, arguments[0]), arguments)
    if verb is None:
        return f"{name} has no {arguments[0]}"
    try:
        verb.make_context(arguments[0], arguments[1:])
    except click.UsageError as error:
        return f"{' '.join(words)}: {error.format_message()}"
    return ""


def mention_fault(words: list[str]) -> str:
    """Why a mentioned command does not exist; empty when it does, with all its options."""
    name, *arguments = words
    if name == "make":
        return "" if set(arguments) <= TARGETS else f"there is no {' '.join(words)}"
    verbs = [word for word in arguments if not word.startswith("-") and word.islower()]
    verb, _ = below(verb_of(name, verbs[0]), verbs) if verbs else (GROUPS[name], [])
    if verb is None:
        return f"{name} has no {verbs[0]}"
    options = {word for word in arguments if word.startswith("-")}
    unknown = options - long_options(verb) - long_options(GROUPS[name]) - EVERYWHERE
    return f"{' '.join(words)}: there is no {', '.join(unknown)}" if unknown else ""


def verb_of(group: str, name: str) -> click.Command | None:
    """The verb of that name; None where the group has none."""
    found: click.Command | None = GROUPS[group].get_command(click.Context(GROUPS[group]), name)
    return found


def commands_of(verb: str) -> list[click.Command]:
    """The commands of a verb of `release`, where it has some."""
    return [*getattr(verb_of("release", verb), "commands", {}).values()]


def below(verb: Any, words: list[str]) -> tuple[Any, list[str]]:
    """The command that words name below a verb that has some, and the words from its name on."""
    deeper = getattr(verb, "commands", {}).get(words[1]) if len(words) > 1 else None
    return (deeper, words[1:]) if deeper else (verb, words)


def long_options(command: click.Command) -> set[str]:
    """The options of a command as `--name`."""
    return {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
