"""Tagging: everything says whose it is, so that cost can be told apart and nothing is left behind unseen."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from policy.resources import Environment, Resource


def carries_tags(one: Resource, environment: Environment) -> Iterator[str]:
    """By its provider's default tags, which reach every resource that can have any, and nothing takes them back."""
    wanted = environment.settings.tags
    by_default, own = default_tags(one.provider), one.inputs.get("tags") or {}
    missing = sorted(key for key, value in wanted.items() if by_default.get(key) != value)
    if missing:
        yield f"lacks the tags {', '.join(missing)}: make it with the provider of components/environment.py"
    changed = sorted(key for key, value in wanted.items() if own.get(key, value) != value)
    if changed:
        yield f"says something else in the tags {', '.join(changed)}: leave them to the provider"


def default_tags(provider: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A provider's default tags. The engine hands a provider's nested inputs out as JSON texts."""
    defaults = (provider or {}).get("defaultTags") or {}
    nested = json.loads(defaults) if isinstance(defaults, str) else defaults
    tags: Mapping[str, Any] = nested.get("tags") or {}
    return tags


def snapshots_carry_tags(database: Resource, _: Environment) -> Iterator[str]:
    """Snapshots are made by RDS, which knows no default tags."""
    if database.setting("copyTagsToSnapshot") is not True:
        yield "makes snapshots without tags: set copy_tags_to_snapshot=True"
