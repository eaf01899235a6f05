"""The rules for Pulumi's engine: each becomes a policy of a policy pack, and what it sees becomes plain values.

The environment's name is the stack's, which every URN holds. Its settings are read as `release` reads them; the
tracked ones stand beside the pack.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pulumi_policy import (
    Policy,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policy.resources import UNKNOWN, Environment, Resource
from policy.rules import Rule, faults
from settings.model import Settings
from settings.stackfile import load


def policies(rules: Iterable[Rule], tracked: Path) -> list[Policy]:
    """The rules as policies. `tracked` is the folder of the tracked stack files."""
    return [whole_policy(rule, tracked) if rule.whole else resource_policy(rule, tracked) for rule in rules]


def resource_policy(rule: Rule, tracked: Path) -> ResourceValidationPolicy:
    """A rule that is judged before its resource is made."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        one = resource(args)
        for fault in faults(rule, one, environment(tracked, stack(one.urn))):
            report(f"{one.name} {fault}", one.urn)

    return ResourceValidationPolicy(name=rule.name, description=rule.says, validate=validate)


def whole_policy(rule: Rule, tracked: Path) -> StackValidationPolicy:
    """A rule that is judged when all resources are declared."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        everything = tuple(resource(one) for one in args.resources)
        for one in everything:
            for fault in faults(rule, one, environment(tracked, stack(one.urn), everything)):
                report(f"{one.name} {fault}", one.urn)

    return StackValidationPolicy(name=rule.name, description=rule.says, validate=validate)


def environment(tracked: Path, name: str, resources: tuple[Resource, ...] = ()) -> Environment:
    """What resources of an environment are judged by."""
    project = Path(os.environ.get("STAGELINE_PROJECT", "."))
    return Environment(settings=settings(project, name), tracked=settings(tracked, name), resources=resources)


@cache
def settings(project: Path, name: str) -> Settings:
    """The settings of an environment, read once: each resource asks for them."""
    return load(project, name)


def stack(urn: str) -> str:
    """The stack of a URN, like `urn:pulumi:dev::stageline::aws:s3/bucket:Bucket::env-storage-artifacts`."""
    return urn.split("::")[0].rsplit(":", 1)[1]


def resource(seen: ResourceValidationArgs | PolicyResource) -> Resource:
    """What the engine shows of a resource, as plain values."""
    after = frozenset(one.urn for one in seen.dependencies) if isinstance(seen, PolicyResource) else frozenset()
    return Resource(
        urn=seen.urn,
        type=seen.resource_type,
        name=seen.name,
        inputs=plain(seen.props),
        protect=seen.opts.protect,
        after=after,
        provider=None if seen.provider is None else plain(seen.provider.props),
    )


def plain(value: Any) -> Any:
    """A value without the SDK's wrappers, which raise where something is not known."""
    if isinstance(value, Mapping):
        return {key: plain_item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain_item(value, index) for index in range(len(value))]
    return value


def plain_item(container: Any, key: Any) -> Any:
    """One value of a mapping or a list; UNKNOWN where it is not known yet."""
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN
