"""A small reader of JSON Schema: just the words that the schema of stack files uses, and no others."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]

TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
# Each word is asked with what the schema says and the value; words of one kind of value let the others pass.
WORDS: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda said, value: TYPES[said](value),
    "const": lambda said, value: same(said, value),
    "enum": lambda said, value: any(same(one, value) for one in said),
    "pattern": lambda said, value: not isinstance(value, str) or re.search(said, value) is not None,
    "minimum": lambda said, value: not isinstance(value, int | float) or value >= said,
    "maximum": lambda said, value: not isinstance(value, int | float) or value <= said,
    "maxLength": lambda said, value: not isinstance(value, str) or len(value) <= said,
    "minItems": lambda said, value: not isinstance(value, list) or len(value) >= said,
    "maxItems": lambda said, value: not isinstance(value, list) or len(value) <= said,
    "uniqueItems": lambda said, value: not isinstance(value, list) or len({*map(repr, value)}) == len(value),
    "required": lambda said, value: not isinstance(value, dict) or {*said} <= {*value},
}
REMARKS = {"$schema", "title", "description", "default", "definitions"}
INSIDE = {"properties", "propertyNames", "additionalProperties", "items", "anyOf", "$ref"}


def allows(schema: Schema, value: Any, whole: Schema | None = None) -> bool:
    """Whether a value is valid; raises KeyError for a word that this reader does not know."""
    whole = whole or schema
    words = schema.keys() - REMARKS - INSIDE
    return all(WORDS[word](schema[word], value) for word in words) and inside(schema, value, whole)


def inside(schema: Schema, value: Any, whole: Schema) -> bool:
    """Whether what the value consists of is valid, and the value by the schemas that this one names."""
    named = "$ref" not in schema or allows(whole["definitions"][schema["$ref"].rsplit("/", 1)[1]], value, whole)
    some = "anyOf" not in schema or any(allows(one, value, whole) for one in schema["anyOf"])
    return named and some and entries(schema, value, whole) and items(schema, value, whole)


def entries(schema: Schema, value: Any, whole: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    known = schema.get("properties", {})
    names, others = schema.get("propertyNames", {}), schema.get("additionalProperties", {})
    if not all(allows(names, key, whole) for key in value):
        return False
    return all(
        allows(known[key], item, whole) if key in known else others is not False and allows(others or {}, item, whole)
        for key, item in value.items()
    )


def items(schema: Schema, value: Any, whole: Schema) -> bool:
    return not isinstance(value, list) or all(allows(schema.get("items", {}), item, whole) for item in value)


def same(one: Any, other: Any) -> bool:
    """JSON knows that true is not 1."""
    return isinstance(one, bool) is isinstance(other, bool) and one == other
