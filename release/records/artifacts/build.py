"""What a build says of itself: the optional ``release.json`` in an artifact.

The schema is a property of the bytes, so the build is where it is known; options of ``release publish`` are for builds
that cannot say it. Nothing overrules anything: what is said twice has to agree.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from release.doors.git import is_commit
from release.process.errors import Refused
from release.records.artifacts.manifest import checked_version, parse_schema
from release.records.artifacts.schema import Schema

FILE_NAME = "release.json"
KEYS = ("commit", "schema", "version")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Build:
    """Version, whole commit id and schema, each None where the build does not say it."""

    version: str | None = None
    commit: str | None = None
    schema: Schema | None = None


def parse_build(value: Any) -> Build:
    """The content of ``release.json``: ``{"version", "commit", "schema": {"version", "oldest"}}``, each optional."""
    if not isinstance(value, dict) or not value.keys() <= {*KEYS}:
        raise Refused(f"{FILE_NAME} must be an object with no other keys than {', '.join(KEYS)}")
    version, commit, schema = value.get("version"), value.get("commit"), value.get("schema")
    if version is not None and not isinstance(version, str):
        raise Refused(f"{FILE_NAME}: version must be a text such as 1.4.0")
    if commit is not None and not (isinstance(commit, str) and is_commit(commit)):
        raise Refused(f"{FILE_NAME}: commit must be a whole commit id, 40 or 64 hexadecimal digits")
    return Build(
        version=checked_version(version) if version is not None else None,
        commit=commit,
        schema=parse_schema(schema, FILE_NAME) if schema is not None else None,
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
    return f"{value.version} (oldest {value.oldest})" if isinstance(value, Schema) else str(value)
