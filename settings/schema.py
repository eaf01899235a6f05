"""Schema: what the models allow in a stack file, as JSON Schema, so that editors complete and complain.

    python -m settings.schema > settings/stack-schema.json

It sees each value by itself. What must hold between keys and between files is known only to `rules.py` and
`stackfile.py`, so a file that an editor is content with may still be refused.
"""

import json
import sys
from pathlib import Path
from typing import Any

from settings.model import Settings
from settings.stackfile import DERIVED_KEYS, PULUMI_KEYS, Project

SCHEMA_FILE = "settings/stack-schema.json"  # in a checkout; the first line of each stack file names it
# The draft that every editor knows.
DRAFT = "http://json-schema.org/draft-07/schema#"
SAVED_FLAGS = [True, False, "true", "false"]


def stack_schema(project: str) -> dict[str, Any]:
    """The schema of a whole stack file of `project`."""
    model = Settings.model_json_schema(ref_template="#/definitions/{model}")
    keys = {name: field for name, field in model["properties"].items() if name not in DERIVED_KEYS}
    config = {
        "type": "object",
        "properties": {f"{project}:{name}": as_saved(field) for name, field in keys.items()},
        "required": [f"{project}:{name}" for name in model["required"] if name in keys],
        "additionalProperties": False,
    }
    return {
        "$schema": DRAFT,
        "title": "Stack file",
        "type": "object",
        "properties": {"config": config, **{key: {"type": "string"} for key in sorted(PULUMI_KEYS)}},
        "required": ["config"],
        "additionalProperties": False,
        "definitions": model["$defs"],
    }


def as_saved(field: dict[str, Any]) -> dict[str, Any]:
    """A key right below `config`, where `pulumi` saves false as `"false"` and null as `""`."""
    if field.get("type") == "boolean":
        return {key: value for key, value in field.items() if key != "type"} | {"enum": SAVED_FLAGS}
    if {"type": "null"} in field.get("anyOf", ()):
        return {**field, "anyOf": [*field["anyOf"], {"const": ""}]}
    return field


def schema_text(project_dir: Path) -> str:
    """The text of `settings/stack-schema.json`."""
    return json.dumps(stack_schema(Project(project_dir).name), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text(Path.cwd()))
