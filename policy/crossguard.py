"""The rules for Pulumi's engine: each becomes a policy of a policy pack, and what it sees becomes plain values.

The environment's name is the stack's, which every URN holds; a demo is judged by what it gets from its base. Settings
are read as `release` reads them; the tracked ones stand beside the pack.
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
from policy.tagging import default_tags
from settings.demos import CREATION, OWNER, derived, is_demo
from settings.model import Demo, Settings
from settings.stackfile import Project, load


def policies(rules: Iterable[Rule], tracked: Path) -> list[Policy]:
    """The rules as policies. `tracked` is the folder of the tracked stack files."""
    return [whole_policy(rule, tracked) if rule.whole else resource_policy(rule, tracked) for rule in rules]


def resource_policy(rule: Rule, tracked: Path) -> ResourceValidationPolicy:
    """A rule that is judged before its resource is made."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        one = resource(args)
        for fault in faults(rule, one, environment(tracked, one)):
            report(f"{one.name} {fault}", one.urn)

    return ResourceValidationPolicy(name=rule.name, description=rule.says, validate=validate)


def whole_policy(rule: Rule, tracked: Path) -> StackValidationPolicy:
    """A rule that is judged when all resources are declared."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        everything = tuple(resource(one) for one in args.resources)
        for one in everything:
            for fault in faults(rule, one, environment(tracked, one, everything)):
                report(f"{one.name} {fault}", one.urn)

    return StackValidationPolicy(name=rule.name, description=rule.says, validate=validate)


def environment(tracked: Path, one: Resource, resources: tuple[Resource, ...] = ()) -> Environment:
    """What a resource is judged by. One of a demo says whose it is and of which creation: the stack's name does not."""
    project, name = Path(os.environ.get("STAGELINE_PROJECT", ".")), stack(one.urn)
    own = default_tags(one.provider) if is_demo(name) else {}
    said = (str(own.get(CREATION, "")), str(own.get(OWNER, "")))
    return Environment(
        settings=settings(project, name, *said), tracked=settings(tracked, name, *said), resources=resources
    )


@cache
def settings(project: Path, name: str, creation: str = "", owner: str = "") -> Settings:
    """The settings of an environment, or those that a demo gets from its base; read once, as each resource asks."""
    if not is_demo(name):
        return load(project, name)
    known = Project(project)
    base = known.load(known.demo_base)
    own = derived(base, base.demo or Demo(), creation=creation, open_to=())
    return own.model_copy(update={"owner": owner})


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
