"""Short ways to write what most entries of the table do: one call to AWS, and where its answer lies."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local.aws_provider.model import Change, Description, Properties, Tagging, Update
from local.aws_provider.session import Api
from local.aws_provider.translation import dig

Pairs = list[dict[str, str]]


def creates(method: str, answer: str) -> Callable[[Api, Description], Description]:
    """Create by one call that takes the request as it is; the description lies at `answer`."""
    return lambda api, request: dict(dig(getattr(api.client, method)(**request), answer))


def describes(method: str, ids: str, answer: str) -> Callable[[Api, str], Description | None]:
    """Read by one call that takes a list of ids and gives a list of descriptions."""
    return lambda api, resource_id: first(getattr(api.client, method)(**{ids: [resource_id]})[answer])


def deletes(method: str, parameter: str) -> Callable[[Api, str, Properties], object]:
    """Delete by one call that takes the id."""
    return lambda api, resource_id, old: getattr(api.client, method)(**{parameter: resource_id})


def sends(method: str, parameter: str, **inputs: str) -> Update:
    """Update by one call with the id and the new values: parameter of the call = input of the program."""

    def run(api: Api, resource_id: str, change: Change) -> object:
        values = {name: change.new[given] for name, given in inputs.items() if change.new.get(given) is not None}
        return getattr(api.client, method)(**{parameter: resource_id}, **values)

    return run


def first(found: Sequence[Description]) -> Description | None:
    """Give a copy of the first description, if there is one."""
    return dict(found[0]) if found else None


def pairs(tags: Mapping[str, str]) -> Pairs:
    """Write tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def from_pairs(tags: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """Read tags as most services tell them."""
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


def tags_by(set_method: str, remove_method: str, parameter: str, *, many: bool = False) -> Tagging:
    """Tag by the usual pair of calls: `Tags` of pairs and `TagKeys`; the description holds the tags, too."""

    def target(resource_id: str) -> Description:
        return {parameter: [resource_id] if many else resource_id}

    return Tagging(
        request=lambda tags: {"Tags": pairs(tags)},
        read=lambda api, description: from_pairs(description.get("Tags")),
        set=lambda api, resource_id, tags: getattr(api.client, set_method)(**target(resource_id), Tags=pairs(tags)),
        remove=lambda api, resource_id, keys: getattr(api.client, remove_method)(
            **target(resource_id), TagKeys=list(keys)
        ),
    )


def same_json(one: Any, other: Any) -> bool:
    """Compare two JSON texts by what they say."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except (TypeError, ValueError):
        return bool(one == other)


def same_members(one: Any, other: Any) -> bool:
    """Compare two lists whose order means nothing."""
    if not isinstance(one, list) or not isinstance(other, list):
        return bool(one == other)
    return sorted(map(repr, one)) == sorted(map(repr, other))


def same_last_part(one: Any, other: Any) -> bool:
    """Compare an ARN with the id or name it ends in, as AWS takes either."""
    return isinstance(one, str) and isinstance(other, str) and last_part(one) == last_part(other)


def last_part(arn: str) -> str:
    """Give the id or name that an ARN ends in."""
    return arn.rsplit("/", 1)[-1]


def as_json(value: Any) -> str:
    """Write as text the policy that boto3 gives either as text or as an object."""
    return value if isinstance(value, str) else json.dumps(value)


def or_nothing(value: Any) -> Any:
    """Take an empty text or list for what it says: that there is none."""
    return value or None
