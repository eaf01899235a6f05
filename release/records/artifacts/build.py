"""What a build says of itself: the optional ``release.json`` in an artifact.

The schema is a property of the bytes, so the build is where it is known; options of ``release publish`` are for builds
that cannot say it. Nothing overrules anything: what is said twice has to agree.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from contract.commands import BY_NAME, Commands, parse_command
from release.doors.git import is_commit
from release.process.errors import Refused
from release.process.text import bounded
from release.records.artifacts.manifest import checked_version, parse_schema
from release.records.artifacts.schema import Schema

FILE_NAME = "release.json"
KEYS = ("commit", "format", "migrate", "schema", "start", "version")
FORMAT = 1
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Build:
    """Version, whole commit id and schema, each None where the build does not say it; and how it is run."""

    version: str | None = None
    commit: str | None = None
    schema: Schema | None = None
    commands: Commands = BY_NAME


def parse_build(value: Any) -> Build:
    """The content of ``release.json``, every key of which is optional:

    ``{"format": 1, "version", "commit", "schema": {"version", "oldest"}, "start", "migrate"}``
    """
    if not isinstance(value, dict) or not value.keys() <= {*KEYS}:
        raise Refused(f"{FILE_NAME} must be an object with no other keys than {', '.join(KEYS)}")
    if value.get("format", FORMAT) != FORMAT or isinstance(value.get("format"), bool):
        raise Refused(f"{FILE_NAME} is of another format than {FORMAT}, which this version of Stageline reads")
    version, commit, schema = value.get("version"), value.get("commit"), value.get("schema")
    if version is not None and not isinstance(version, str):
        raise Refused(f"{FILE_NAME}: version must be a text such as 1.4.0")
    if commit is not None and not (isinstance(commit, str) and is_commit(commit)):
        raise Refused(f"{FILE_NAME}: commit must be a whole commit id, 40 or 64 hexadecimal digits")
    return Build(
        version=checked_version(version) if version is not None else None,
        commit=commit,
        schema=parse_schema(schema, FILE_NAME) if schema is not None else None,
        commands=Commands(start=_command(value, "start"), migrate=_command(value, "migrate")),
    )


def _command(value: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return checked_command(f"{FILE_NAME}: {name}", value[name]) if name in value else ()


def checked_command(what: str, value: Any) -> tuple[str, ...]:
    """A command as the build or an option states it; Refused, with the reason, where no server could run it."""
    try:
        return parse_command(value)
    except ValueError as error:
        raise Refused(f"{what} {bounded(str(error))}", hint="see docs/reference.md, how it is run") from None


def stated_commands(start: str | None, migrate: str | None) -> Commands:
    """Commands as the options --start and --migrate state them."""
    return Commands(
        start=checked_command("--start", start) if start is not None else (),
        migrate=checked_command("--migrate", migrate) if migrate is not None else (),
    )


def agreed(what: str, built: T | None, given: T | None) -> T | None:
    """The one word on something; Refused when the build says another than whoever publishes."""
    if built is not None and given is not None and built != given:
        raise Refused(
            f"{FILE_NAME} in the artifact says {what} {_shown(built)}, and it is published with {_shown(given)}",
            hint="publish what was built, or build it again",
        )
    return built if built is not None else given


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return shlex.join(value)
    return f"{value.version} (oldest {value.oldest})" if isinstance(value, Schema) else str(value)
