"""Which releases work with which database: numbers that a build gives to the schema its migrations lead to.

A migration only ever adds, and nothing takes it back: once a release was installed, the database has its schema,
whatever became of the deployment. So what counts is the newest schema that was ever brought, which HEAD keeps.
"""

from dataclasses import dataclass

from pydantic import ConfigDict, StrictInt

UNSTATED = 0  # what a release that states no schema counts as: older than any that does


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The schema that a release brings: its number, and the oldest one with which a release must have been made to
    still work with it. ``oldest`` 0 lets in releases that state none.
    """

    version: StrictInt
    oldest: StrictInt
    __pydantic_config__ = ConfigDict(extra="forbid")


def schema_faults(schema: Schema) -> str:
    """What is wrong with these numbers; empty when nothing is."""
    if schema.version < 1:
        return f"a schema's version is a whole number from 1 on, not {schema.version}"
    if not UNSTATED <= schema.oldest <= schema.version:
        return f"the oldest schema is a number from 0 to {schema.version}, not {schema.oldest}"
    return ""


def made_with(schema: Schema | None) -> int:
    """The number of the schema that a release was made with."""
    return schema.version if schema else UNSTATED


def newest(one: Schema | None, other: Schema | None) -> Schema | None:
    """The schema of a database that both were brought to; of two with one number, the stricter."""
    stated = [schema for schema in (one, other) if schema is not None]
    return max(stated, key=lambda schema: (schema.version, schema.oldest), default=None)


def works_with(schema: Schema | None, database: Schema | None) -> bool:
    """Whether a release made with ``schema`` works with a database that was brought to ``database``."""
    return database is None or made_with(schema) >= database.oldest
