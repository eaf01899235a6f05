"""The schema for editors: it is what the models say, and sees what is wrong with a value by itself."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from settings.model import Settings
from settings.schema import schema_text
from settings.stackfile import DERIVED_KEYS
from tests.project import PROJECT, copy_project
from tests.settings.json_schema import allows
from tests.settings.mistakes import REMOVED, WRONG, change

SCHEMA = json.loads(schema_text(PROJECT))
ENVIRONMENTS = ["dev", "qa", "staging", "prod"]

# No pattern knows which bits an address may have, which blocks are private, and how much values are together.
UNSEEN = {"host bits", "public block", "variables of 100 kB"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project, to make mistakes in."""
    return copy_project(tmp_path)


def stack(project: Path, environment: str) -> Any:
    return yaml.safe_load((project / f"Pulumi.{environment}.yaml").read_text())


def models_allow(content: Any) -> bool:
    """Whether each value is right by itself, and no key says what is known from elsewhere."""
    values = {key.removeprefix("stageline:"): value for key, value in content["config"].items()}
    if values.keys() & DERIVED_KEYS:
        return False
    try:
        Settings.model_validate({**values, "project": "stageline", "environment": "dev"})
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_environment_is_allowed(environment: str) -> None:
    assert allows(SCHEMA, stack(PROJECT, environment))


@pytest.mark.parametrize("mistake", sorted(WRONG.keys() - UNSEEN))
def test_it_refuses_what_the_models_refuse_and_leaves_the_rest_to_the_rules(project: Path, mistake: str) -> None:
    changes, *_ = WRONG[mistake]
    change(project, "dev", **changes)
    assert allows(SCHEMA, stack(project, "dev")) is models_allow(stack(project, "dev"))


@pytest.mark.parametrize("mistake", sorted(UNSEEN))
def test_what_numbers_and_sums_mean_is_left_to_the_models(project: Path, mistake: str) -> None:
    changes, *_ = WRONG[mistake]
    change(project, "dev", **changes)
    assert allows(SCHEMA, stack(project, "dev")) and not models_allow(stack(project, "dev"))


def test_both_kinds_of_mistakes_are_tried(project: Path) -> None:
    kinds = set()
    for changes, *_ in WRONG.values():
        copy_project(project)
        change(project, "dev", **changes)
        kinds.add(models_allow(stack(project, "dev")))
    assert kinds == {True, False}


def test_every_key_that_has_no_default_is_missed(project: Path) -> None:
    whole = stack(project, "dev")["config"]
    optional = {f"stageline:{name}" for name in ("role", "promotes_from", "watch", "access", "demo")}
    for key in whole.keys() - optional:
        rest = {name: value for name, value in whole.items() if name != key}
        assert not allows(SCHEMA, {"config": rest}), key


UNKNOWN: dict[str, dict[str, Any]] = {
    "a key": {"server": {}},
    "a key in a section": {"network__cird": "10.0.0.0/16"},
    "a key in a section of a section": {"load_balancer__health__path": "/"},
    "what is derived": {"environment": "dev"},
}


@pytest.mark.parametrize("changes", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_keys_are_not_allowed(project: Path, changes: dict[str, Any]) -> None:
    change(project, "dev", **changes)
    assert not allows(SCHEMA, stack(project, "dev"))


def test_what_pulumi_writes_back_is_allowed(project: Path) -> None:
    change(project, "dev", protected="false", promotes_from="", role="")
    assert allows(SCHEMA, {"secretsprovider": "awskms://alias/x", "encryptedkey": "a", **stack(project, "dev")})


def test_a_key_with_a_default_may_be_left_out(project: Path) -> None:
    change(project, "dev", servers__settle=REMOVED)
    assert allows(SCHEMA, stack(project, "dev"))


def test_every_key_tells_what_it_allows() -> None:
    config = SCHEMA["properties"]["config"]["properties"]
    sections = [section["properties"] for section in SCHEMA["definitions"].values()]
    assert [name for keys in (config, *sections) for name, field in keys.items() if not field.get("description")] == []
