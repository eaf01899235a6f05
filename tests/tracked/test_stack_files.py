"""What holds for the stack files of a project, whatever they say."""

import json
from pathlib import Path

import yaml

from settings.errors import InvalidSettings
from settings.model import Settings
from settings.schema import schema_text
from settings.stackfile import Project, environments, load
from tests.components.recording import GREEN_LIVE
from tests.policy.recorded import everything_said, with_resources
from tests.settings.json_schema import allows

SCHEMA = Path("settings") / "stack-schema.json"
NAMED_SCHEMA = "# yaml-language-server: $schema="


def files(project: Path) -> list[Path]:
    return [project / f"Pulumi.{name}.yaml" for name in Project(project).names]


def complaints(project: Path, environment: str) -> list[str]:
    """What is wrong with a stack file: missing and unknown keys, wrong values, addresses of another environment."""
    try:
        load(project, environment)
    except InvalidSettings as refusal:
        return str(refusal).splitlines()
    return []


def test_every_stack_file_is_valid(project: Path) -> None:
    assert [line for name in Project(project).names for line in complaints(project, name)] == []


def test_every_environment_has_its_place_in_the_order_of_promotion(project: Path) -> None:
    assert sorted(environments(project)) == sorted(Project(project).names) != []


def test_what_pulumi_itself_looks_for_are_keys_of_this_project(project: Path) -> None:
    declared = yaml.safe_load((project / "Pulumi.yaml").read_text("utf-8"))["config"]
    own = {f"{Project(project).name}:{name}" for name in Settings.model_fields}
    assert [key for key in declared if not key.startswith("pulumi:") and key not in own] == []


def test_no_policy_has_anything_against_an_environment(project: Path) -> None:
    loaded = [load(project, name) for name in Project(project).names]
    said = {one.environment: everything_said(with_resources(one, GREEN_LIVE)) for one in loaded}
    assert said == {one.environment: [] for one in loaded}


def test_the_schema_for_editors_is_what_the_models_say(project: Path) -> None:
    assert (project / SCHEMA).read_text("utf-8") == schema_text(project), (
        f"write it again: .venv/bin/python -m settings.schema > {SCHEMA}"
    )


def test_editors_find_the_schema_that_a_stack_file_names(project: Path) -> None:
    lines = [line for file in files(project) for line in file.read_text("utf-8").splitlines()]
    named = {line.removeprefix(NAMED_SCHEMA) for line in lines if line.startswith(NAMED_SCHEMA)}
    assert {(project / path).resolve() for path in named} <= {(project / SCHEMA).resolve()}


def test_editors_have_nothing_against_a_stack_file(project: Path) -> None:
    schema = json.loads((project / SCHEMA).read_text("utf-8"))
    refused = [file.name for file in files(project) if not allows(schema, yaml.safe_load(file.read_text("utf-8")))]
    assert refused == []
