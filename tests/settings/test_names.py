"""Names: what both sides derive, and what may name an environment."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.names import Names, is_environment_name
from tests.project import CHECKOUT

PROD = Names(project="stageline", environment="prod", account="123456789012", region="eu-central-1")

DERIVED = {
    "label": "stageline-prod",
    "ledger_table": "stageline-prod-ledger",
    "artifact_bucket": "stageline-prod-artifacts-123456789012-eu-central-1",
    "backup_bucket": "stageline-prod-backups-123456789012-eu-central-1",
    "signing_alias": "alias/stageline-prod-signing",
    "state_alias": "alias/stageline-prod-state",
    "database_alias": "alias/stageline-prod-database",
    "deploy_key": "stageline/prod/deploy-key",
    "authorized_keys": "stageline/prod/authorized-keys",
    "host_key": "stageline/prod/host-key",
    "bastion_host_key": "stageline/prod/bastion-host-key",
    "database_parameter": "/stageline/prod/database",
    "migration_parameter": "/stageline/prod/migration",
    "platform_parameter": "/stageline/prod/platform",
    "guard_parameter": "/stageline/prod/guard",
}


@pytest.mark.parametrize(("name", "value"), DERIVED.items())
def test_a_derived_name_is_a_contract_with_what_already_exists(name: str, value: str) -> None:
    assert getattr(PROD, name) == value


def test_environments_of_an_account_and_region_share_the_bucket_of_their_state() -> None:
    assert PROD.state_bucket == "stageline-state-123456789012-eu-central-1"


def test_environments_of_an_account_and_region_share_the_table_of_demos() -> None:
    assert PROD.demos_table == "stageline-demos"


@pytest.mark.parametrize(("name", "may"), [("demo-x", False), ("demo", True), ("x-demo", True)])
def test_no_environment_is_named_like_a_demo(name: str, may: bool) -> None:
    assert is_environment_name(name) is may


environment_names = st.from_regex(r"[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,2}", fullmatch=True)


@given(environment_names, environment_names)
def test_two_environments_share_no_name(one: str, other: str) -> None:
    names = [
        Names(project="p", environment=environment, account="1" * 12, region="eu-central-1")
        for environment in (one, other)
    ]
    shared = [name for name in DERIVED if getattr(names[0], name) == getattr(names[1], name)]
    assert shared == ([] if one != other else list(DERIVED))


@given(environment_names)
def test_lower_case_names_are_allowed(name: str) -> None:
    assert is_environment_name(name)


@given(st.text() | st.text(alphabet="ab1-", max_size=40))
def test_nothing_else_names_an_environment(text: str) -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    expected = (
        0 < len(text) <= 31
        and set(text) <= allowed
        and text[0] not in "-0123456789"
        and "--" not in text
        and not text.endswith("-")
    )
    assert is_environment_name(text) == expected


def test_importing_the_package_loads_neither_pydantic_nor_yaml() -> None:
    program = "import sys, settings, settings.names, settings.errors; print({'pydantic', 'yaml'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
