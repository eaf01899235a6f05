"""Who calls what: one environment's whole life on the real engine, and every call of it in the table of permissions.

It lives with roles for workflows, operators and approvers, becomes protected, refuses to be destroyed, and goes.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from local.control import ask
from local.demo import Cloud, bring_up
from settings.permissions.calls import TABLE
from settings.permissions.identities import Party
from settings.permissions.policies import is_for
from tests.e2e.clone import client, publish, resources, running_cloud

UP = ("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")
DESTROY = ("pulumi", "destroy", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")
LOOKS = (("status",), ("history", "dev"), ("verify", "dev"), ("show", "1.0.0"))
GITHUB = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
OPS = "arn:aws:iam::123456789012:user/ops"
ACCESS = {"repository": "octo/shop", "operators": [OPS], "approvers": [OPS]}
PROTECTION: Mapping[str, Mapping[str, Any]] = {
    "database": {"multi_az": True, "backup_days": 7, "deletion_protection": True, "final_snapshot": True},
    "load_balancer": {"deletion_protection": True},
    "storage": {"object_lock": "governance", "force_destroy": False},
}
# Servers do this at any time, with their own role.
BY_SERVERS = {"s3:GetObject", "secretsmanager:GetSecretValue", "ssm:GetParameter", "sts:AssumeRole"}

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket, pytest.mark.xdist_group("permissions")]


@dataclass(frozen=True, kw_only=True)
class Life:
    """The calls by what was done, what a refused destroy said, and what was there before and after it."""

    calls: Mapping[str, set[str]]
    refusal: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    roles: Mapping[str, Mapping[str, Any]]
    providers: list[str]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with running_cloud(tmp_path_factory.mktemp("permissions") / "clone") as cloud:
        yield live(cloud)


def live(cloud: Cloud) -> Life:
    """Protected before anything is published: moto takes no lock for a bucket that holds something, as AWS does."""
    calls: dict[str, set[str]] = {}
    change(cloud, {"access": ACCESS})
    bring_up(cloud, "dev")
    calls["found"] = taken(cloud)
    roles, providers = roles_of(cloud), providers_of(cloud)
    taken(cloud)  # what this test has asked by itself
    unprotected = change(cloud, PROTECTION, protected=True)
    cloud.must(*UP, "--refresh")
    before = resources(cloud)
    refused = cloud.run(*DESTROY)
    assert refused.returncode != 0
    after = resources(cloud)
    stack_file(cloud).write_text(unprotected)
    cloud.must(*UP)
    calls["protect"] = taken(cloud)
    publish(cloud, "1.0.0", "1.1.0")
    calls["publish"] = taken(cloud)
    for version in ("1.0.0", "1.1.0"):
        cloud.must("release", "promote", version, "--to", "dev")
    cloud.must("release", "rollback", "dev")
    cloud.must(*UP, "--expect-no-changes")
    calls["deploy"] = taken(cloud)
    for look in LOOKS:
        cloud.must("release", *look)
    calls["look"] = taken(cloud)
    cloud.must(*DESTROY)
    calls["destroy"] = taken(cloud)
    return Life(
        calls=calls,
        refusal=refused.stdout + refused.stderr,
        before=before,
        after=after,
        roles=roles,
        providers=providers,
    )


def stack_file(cloud: Cloud) -> Any:
    return cloud.paths.work / "Pulumi.dev.yaml"


def change(cloud: Cloud, sections: Mapping[str, Mapping[str, Any]], **values: Any) -> str:
    """Change settings of dev; the file as it was."""
    file = stack_file(cloud)
    old: str = file.read_text()
    content = yaml.safe_load(old)
    config = content["config"]
    for section, changes in sections.items():
        config[f"stageline:{section}"] = {**config[f"stageline:{section}"], **changes}
    content["config"] = {**config, **{f"stageline:{key}": value for key, value in values.items()}}
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return old


def taken(cloud: Cloud) -> set[str]:
    """What was called since the last time."""
    return set(ask(cloud.paths.control, {"do": "calls", "reset": True})["calls"])


def roles_of(cloud: Cloud) -> dict[str, dict[str, Any]]:
    """The roles of people, by name."""
    iam = client(cloud, "iam")
    found = iam.list_roles(PathPrefix="/stageline/dev/access/")["Roles"]
    return {role["RoleName"]: iam.get_role(RoleName=role["RoleName"])["Role"] for role in found}


def providers_of(cloud: Cloud) -> list[str]:
    found = client(cloud, "iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    return [provider["Arn"] for provider in found]


def allowed(party: Party) -> set[str]:
    """The calls that the table has for a party."""
    return {call for line in TABLE if is_for(line, party) for call in line.calls}


MADE_BY: dict[str, Party] = {
    "found": "administrator",
    "publish": "ci",
    "deploy": "ci",
    "look": "approver",
    "protect": "administrator",
    "destroy": "administrator",
}


@pytest.mark.parametrize(("done", "party"), MADE_BY.items())
def test_every_call_is_in_the_table_for_who_makes_it(life: Life, done: str, party: Party) -> None:
    assert sorted(life.calls[done] - allowed(party) - BY_SERVERS) == []


def test_the_calls_were_counted(life: Life) -> None:
    assert [name for name, calls in life.calls.items() if not calls] == []
    assert {"rds:CreateDBInstance", "dynamodb:CreateTable", "iam:CreateOpenIDConnectProvider"} <= life.calls["found"]
    assert {"elbv2:ModifyListener", "rds:CreateDBSnapshot"} <= life.calls["deploy"]


def test_each_party_has_its_role_within_the_boundary(life: Life) -> None:
    boundary = "arn:aws:iam::123456789012:policy/stageline/dev/access/stageline-dev-boundary"
    assert {name: role["PermissionsBoundary"]["PermissionsBoundaryArn"] for name, role in life.roles.items()} == {
        f"stageline-dev-{party}": boundary for party in ("approver", "ci", "operator", "pruner")
    }


def test_the_account_has_one_provider_that_workflows_are_trusted_by(life: Life) -> None:
    assert life.providers == [GITHUB]
    assert GITHUB in json.dumps(life.roles["stageline-dev-ci"]["AssumeRolePolicyDocument"])


def test_a_protected_environment_refuses_its_destruction_and_loses_nothing(life: Life) -> None:
    assert "env-guard" in life.refusal
    assert "because it is protected" in life.refusal
    assert life.after == life.before
