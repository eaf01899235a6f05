"""Who calls what: one environment's whole life on the real engine, and every call of it in the table of permissions.

It lives with roles for workflows, operators and approvers, becomes protected, refuses to be destroyed, and goes. While
releases go live AWS asks for permissions: what the roles have is enough, and what one lacks is named.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from examples.build import build
from local.control import ask
from local.demo import Cloud, bring_up
from settings.permissions.calls import TABLE
from settings.permissions.identities import Party
from settings.permissions.policies import is_for
from tests.e2e.clone import Done, client, live_url, one_line, publish, resources, running_cloud
from tests.e2e.leftovers import STAYS, Left, sweep
from tests.e2e.missing_permissions import MISSING, Met, acting_as, enforced, meet

UP = ("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")
DESTROY = ("pulumi", "destroy", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")
PREVIEW = ("pulumi", "preview", "--stack", "dev", "--non-interactive")
LOOKS = (
    *(("status",), ("history", "dev"), ("audit", "dev"), ("audit", "dev", "--file", "dev.jsonl")),
    ("config", "list", "dev"),
)
GITHUB = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
OPS = "arn:aws:iam::123456789012:user/ops"
ACCESS = {"repository": "octo/shop", "operators": [OPS], "approvers": [OPS], "open_door": True}
PROTECTION: Mapping[str, Mapping[str, Any]] = {
    "database": {"multi_az": True, "backup_days": 7, "deletion_protection": True, "final_snapshot": True},
    "load_balancer": {"deletion_protection": True},
    "storage": {"object_lock": "governance", "force_destroy": False},
}
# Servers do this at any time, with their own role.
BY_SERVERS = {"s3:GetObject", "secretsmanager:GetSecretValue", "ssm:GetParameter", "sts:AssumeRole"}

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@dataclass(frozen=True, kw_only=True)
class Life:
    """The calls by what was done, what a refused destroy said, and what was there before and after it."""

    calls: Mapping[str, set[str]]
    refusal: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    roles: Mapping[str, Mapping[str, Any]]
    providers: list[str]
    met: Mapping[str, Met]
    left: Left
    lost: Done


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
    unprotected = change(cloud, PROTECTION, protected=True, demo=None)
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
    with enforced(cloud):
        ci, operator, approver, pruner = (acting_as(cloud, party) for party in ("ci", "operator", "approver", "pruner"))
        taken(cloud)  # how this test became somebody else
        for version in ("1.0.0", "1.1.0"):
            ci.must("release", "promote", version, "--to", "dev", "--open-door", "198.51.100.7")
        ci.must("release", "rollback", "dev")
        for stops in (("hold", "dev"), ("mark-out", "dev", "env-servers-2")):
            ci.must("release", *stops, "--reason", "an incident")
            ci.must("release", *stops, "--lift", "--reason", "it is over")
        ci.must("release", "history", "dev", "--export", "dev.jsonl")
        operator.must(*UP, "--expect-no-changes")
        calls["deploy"] = taken(cloud)
        pruner.must("release", "prune", "dev", "--yes")
        pruner.must("release", "tick", "dev")
        calls["prune"] = taken(cloud)
        for look in LOOKS:
            approver.must("release", *look)
        cloud.must("release", "show", "1.0.0")  # it asks every environment's bucket, and a role is for one
        calls["look"] = taken(cloud)
        for party in (operator, approver):  # who may not read something is told so, and the rest all the same
            assert party.run("release", "doctor", "dev", "--from", "203.0.113.7").returncode in (3, 4)
        calls["doctor"] = taken(cloud)
        met = meet_what_is_missing(cloud)
    taken(cloud)
    cloud.must(*DESTROY)
    calls["destroy"] = taken(cloud)
    left = sweep(cloud)
    lost = cloud.run(*PREVIEW)
    cloud.must("release", "init", "dev")
    cloud.must(*PREVIEW)
    return Life(
        calls=calls,
        refusal=refused.stdout + refused.stderr,
        before=before,
        after=after,
        roles=roles,
        providers=providers,
        met=met,
        left=left,
        lost=lost,
    )


def meet_what_is_missing(cloud: Cloud) -> dict[str, Met]:
    """How each command ends for somebody who lacks a permission. An operator has something to change meanwhile."""
    build(cloud.paths.project / "dist", ("1.3.0",))
    url = live_url(cloud, "dev")
    met = {case: meet(cloud, url, missing) for case, missing in MISSING.items() if missing.party != "operator"}
    whole = change(cloud, {"load_balancer": {"drain": 20}})
    operated = {case: meet(cloud, url, missing) for case, missing in MISSING.items() if case not in met}
    stack_file(cloud).write_text(whole)
    return {**met, **operated}


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
    "prune": "pruner",
    "look": "approver",
    "doctor": "operator",
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


@pytest.mark.parametrize("case", MISSING)
def test_a_missing_permission_is_named_and_nothing_is_half_made(life: Life, case: str) -> None:
    met = life.met[case]
    said = met.done.stderr + met.done.stdout if MISSING[case].command[0] == "pulumi" else one_line(met.done)
    assert met.done.returncode != 0
    assert [name for name in MISSING[case].named if name not in said] == []
    assert met.after == met.before


def test_a_protected_environment_refuses_its_destruction_and_loses_nothing(life: Life) -> None:
    assert "env-guard" in life.refusal
    assert "because it is protected" in life.refusal
    assert life.after == life.before


def test_a_destroyed_environment_leaves_nothing_but_what_shall_stay(life: Life) -> None:
    tagged = "\n".join(life.left.tagged)
    assert [arn for arn in life.left.tagged if not any(re.search(pattern, arn) for pattern in STAYS.values())] == []
    assert [what for what, pattern in STAYS.items() if not re.search(pattern, tagged, re.MULTILINE)] == []
    assert life.left.untagged == {"roles": [], "instance profiles": [], "dashboards": [], "buckets": []}


def test_of_what_is_still_shown_servers_are_terminated_and_keys_but_those_of_state_and_database_go(life: Life) -> None:
    assert set(life.left.servers) == {"terminated"}
    assert sorted(life.left.keys) == ["Enabled", "Enabled", "PendingDeletion", "PendingDeletion"]


def test_what_was_destroyed_comes_up_again_once_its_ledger_is_told(life: Life) -> None:
    said = " ".join((life.lost.stderr + life.lost.stdout).split())
    assert life.lost.returncode != 0
    assert "the ledger says that 1.0.0 and 1.1.0 are in dev, but it was destroyed" in said
    assert "run: release init dev" in said
