"""A no-change `up` against the same resources declared flat, in one bare program, on the same provider.

What components, settings and the ledger cost each day is the difference. The flat program is written from the state
of a real environment: one call of the SDK per resource, every value a literal. It takes over a copy of that state as
a stack of its own, so both programs look at the same AWS resources, and neither may find a change.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from bench.engine import UP, fill_both_slots
from bench.figure import Figure
from bench.scratch import scratch_cloud, timed
from local.demo import Cloud
from local.paths import PROJECT_FILE

PAIRS = 7
STACK = "flat"
ENVIRONMENT = "dev"
ROOT_TYPE = "pulumi:pulumi:Stack"
PROVIDER_TYPE = "pulumi:providers:"
SECRETS = "awskms://alias/stageline-dev-state?region=eu-central-1"  # the one of the environment

Resource = dict[str, Any]


def against_flat() -> Iterator[Figure]:
    """Medians of alternating runs, each of which has to find nothing to do."""
    with scratch_cloud([ENVIRONMENT]) as cloud:
        cloud.must(*UP, ENVIRONMENT)
        fill_both_slots(cloud)
        flat = _flat_project(cloud)
        pairs = [(_no_change(cloud, ENVIRONMENT), _no_change(flat, STACK)) for _ in range(PAIRS)]
    ours, bare = (median(column) for column in zip(*pairs, strict=True))
    detail = f"    this project {ours:.2f} s, flat {bare:.2f} s"
    yield Figure(what="up without a change, against a flat program", value=ours / bare, unit="x", bound=1.15,
                 detail=detail)  # fmt: skip


def _no_change(cloud: Cloud, stack: str) -> float:
    return timed(cloud, *UP, stack, "--expect-no-changes")


def _flat_project(cloud: Cloud) -> Cloud:
    """The shell of a project that holds the flat program and its stack."""
    folder = cloud.paths.project / "flat"
    folder.mkdir()
    (folder / "build").symlink_to(cloud.paths.project / "build")  # the installer that is copied to servers
    exported = json.loads(cloud.must("pulumi", "stack", "export", "--stack", ENVIRONMENT, "--show-secrets"))
    _write_project(cloud, folder)
    flat = _shell(cloud, folder)
    flat.must("pulumi", "stack", "init", STACK, "--secrets-provider", SECRETS)
    empty = json.loads(flat.must("pulumi", "stack", "export", "--stack", STACK))
    (folder / "state.json").write_text(json.dumps(flattened(exported, empty)))
    flat.must("pulumi", "stack", "import", "--stack", STACK, "--file", str(folder / "state.json"))
    (folder / "__main__.py").write_text(program(exported["deployment"]["resources"]))
    flat.must(*UP, STACK)  # the first one writes the inputs as this program gives them
    return flat


def _write_project(cloud: Cloud, folder: Path) -> None:
    project = yaml.safe_load((cloud.paths.work / PROJECT_FILE).read_text())
    (folder / PROJECT_FILE).write_text(yaml.safe_dump({key: project[key] for key in ("name", "runtime")}))


def _shell(cloud: Cloud, folder: Path) -> Cloud:
    """`pulumi` on PATH leads to the cloud's own project, so the engine itself goes first."""
    wrapper = (cloud.paths.bin / "pulumi").read_text()
    (engine,) = re.findall(r"^exec (\S+)/pulumi ", wrapper, re.MULTILINE)
    paths = replace(cloud.paths, project=folder)
    path = f"{engine}:{cloud.variables['PATH']}"
    return Cloud(paths, {**cloud.variables, "PATH": path})


def flattened(exported: Mapping[str, Any], empty: Mapping[str, Any]) -> dict[str, Any]:
    """The exported resources, without components and under the flat stack's own URNs, in its empty state."""
    kept = [one for one in exported["deployment"]["resources"] if one["custom"] or one["type"] == ROOT_TYPE]
    return {**empty, "deployment": {**empty["deployment"], "resources": [_flat_resource(one) for one in kept]}}


def _flat_resource(resource: Resource) -> Resource:
    moved: Resource = _mapped(resource, _flat_text)
    if resource["type"] == ROOT_TYPE:
        return {**moved, "outputs": {}}
    return {**moved, "parent": _root_urn(moved["urn"])}


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """The same structure with every text changed."""
    if isinstance(value, dict):
        return {key: _mapped(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [_mapped(each, change) for each in value]
    return change(value) if isinstance(value, str) else value


def _flat_text(text: str) -> str:
    """A URN (perhaps with an id behind it) as it is when no component stands above the resource."""
    if not text.startswith("urn:pulumi:"):
        return text
    _, project, types, *rest = text.split("::")
    kind = types.rsplit("$", 1)[-1]
    name = f"{project}-{STACK}" if kind == ROOT_TYPE else rest[0]
    return "::".join([f"urn:pulumi:{STACK}", project, kind, name, *rest[1:]])


def _root_urn(urn: str) -> str:
    project = urn.split("::")[1]
    return f"urn:pulumi:{STACK}::{project}::{ROOT_TYPE}::{project}-{STACK}"


def program(resources: list[Resource]) -> str:
    """The flat program's text: providers first, then each resource in the order of the state."""
    custom = [one for one in resources if one["custom"]]
    classes = {one["type"]: _class_of(one["type"]) for one in custom}
    imports = sorted({f"from {cls.__module__} import {cls.__name__} as {_alias(cls)}" for cls in classes.values()})
    calls = [_call(one, classes[one["type"]]) for one in custom]
    return "\n".join(["import pulumi", *imports, "", *calls]) + "\n"


def _class_of(token: str) -> Any:
    """The SDK's class of a type: `aws:ec2/vpc:Vpc` stands in `pulumi_aws.ec2.vpc`."""
    if token.startswith(PROVIDER_TYPE):
        return import_module(f"pulumi_{token.removeprefix(PROVIDER_TYPE)}.provider").Provider
    package, module, name = token.split(":")
    folder = module.split("/")[0]
    return getattr(import_module(f"pulumi_{package}.{folder}"), name)


def _alias(cls: Any) -> str:
    return f"{cls.__module__}_{cls.__name__}".replace(".", "_")


def _call(resource: Resource, cls: Any) -> str:
    arguments = ", ".join(f"{name}={value}" for name, value in _arguments(resource, cls))
    options = f"pulumi.ResourceOptions({_options(resource)})"
    name = resource["urn"].split("::")[3]
    target = f"{name}_provider = " if resource["type"].startswith(PROVIDER_TYPE) else ""
    return f"{target}{_alias(cls)}({name!r}, {arguments}{', ' if arguments else ''}opts={options})"


def _options(resource: Resource) -> str:
    if resource["type"].startswith(PROVIDER_TYPE):
        return ""
    provider = resource["provider"].split("::")[3]
    return f"provider={provider}_provider, protect={bool(resource.get('protect'))}"


def _arguments(resource: Resource, cls: Any) -> Iterator[tuple[str, str]]:
    """What the SDK's class takes of the inputs; `tagsAll`, which the provider adds, it does not."""
    names = {_camel(name): name for name in inspect.signature(cls._internal_init).parameters}
    is_provider = resource["type"].startswith(PROVIDER_TYPE)
    for key, value in resource.get("inputs", {}).items():
        if key in names:
            yield names[key], _literal(json.loads(value) if is_provider and _is_json(value) else value)


def _is_json(value: Any) -> bool:
    """Nested arguments of a provider arrive as JSON texts."""
    return isinstance(value, str) and value[:1] in ("[", "{")


def _camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part.capitalize() for part in rest)


def _literal(value: Any) -> str:
    """Python text of a value of the state."""
    if isinstance(value, dict) and "plaintext" in value:
        return f"pulumi.Output.secret({_literal(json.loads(value['plaintext']))})"
    if isinstance(value, dict) and "path" in value and "hash" in value:
        return f"pulumi.FileAsset({value['path']!r})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_literal(each)}" for key, each in value.items() if key != "__defaults") + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_literal(each) for each in value) + "]"
    return repr(value)
