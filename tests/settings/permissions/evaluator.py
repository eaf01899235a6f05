"""A small model of how IAM decides: wildcards, conditions, and that a role may do what its policies and its boundary
both allow and none of them denies. Enough for the conditions that are used here; any other one is an error.
"""

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

Document = Mapping[str, Any]
Context = Mapping[str, str]

OPERATORS = {
    "StringEquals": lambda value, wanted: value is not None and value in wanted,
    "StringNotEquals": lambda value, wanted: value is None or value not in wanted,
    "ForAnyValue:StringEquals": lambda value, wanted: value is not None and value in wanted,
    "ForAllValues:StringEquals": lambda value, wanted: value is None or value in wanted,
    "ArnEquals": lambda value, wanted: value is not None and matches(value, wanted),
    "ArnNotEquals": lambda value, wanted: value is None or not matches(value, wanted),
    "Null": lambda value, wanted: str(value is None).lower() in wanted,
}


def may(
    policies: Sequence[Document], boundary: Document, action: str, resource: str, context: Context | None = None
) -> bool:
    """Whether a role with these policies inside this boundary may do `action` on `resource`."""
    known = context or {}
    if decides([*policies, boundary], "Deny", action, resource, known):
        return False
    return all(decides(part, "Allow", action, resource, known) for part in (policies, [boundary]))


def decides(documents: Sequence[Document], effect: str, action: str, resource: str, context: Context) -> bool:
    """Whether a statement with this effect is about that."""
    statements = [statement for document in documents for statement in document["Statement"]]
    return any(is_about(one, action, resource, context) for one in statements if one["Effect"] == effect)


def is_about(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    return (
        matches(action.lower(), [one.lower() for one in texts(statement["Action"])])
        and matches(resource, texts(statement["Resource"]))
        and all(
            OPERATORS[operator](context.get(key), texts(wanted))
            for operator, wants in statement.get("Condition", {}).items()
            for key, wanted in wants.items()
        )
    )


def matches(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(text, pattern.replace("[", "[[]")) for pattern in patterns)


def texts(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def compact(document: Document) -> str:
    """As IAM counts characters: without white space."""
    return json.dumps(document, separators=(",", ":"))
