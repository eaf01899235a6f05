"""Access: the roles of people and workflows, and the boundary that every role of an environment has."""

import json

import pytest

from components.recording import Recording
from settings.permissions.identities import PARTIES
from tests.components.recording import BLUE_LIVE_GREEN_FILLED, record, settings_of

ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/policy:Policy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
BOUNDARY = "arn:of:env-access-boundary"
ANN, BOB = "arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:role/bob"
ENVIRONMENTS = ("dev", "qa", "staging", "prod")


def with_people(environment: str = "prod") -> Recording:
    settings = settings_of(environment)
    access = settings.access.model_copy(
        update={"repository": "octo/shop", "operators": (ANN,), "approvers": (ANN, BOB)}
    )
    return record(settings.model_copy(update={"access": access}))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_role_stands_under_the_environments_path_and_within_its_boundary(environment: str) -> None:
    roles = with_people(environment).of(ROLE)
    assert len(roles) >= 6
    assert {role.inputs["permissionsBoundary"] for role in roles} == {BOUNDARY}
    assert {role.inputs["path"] for role in roles} == {
        f"/stageline/{environment}/access/",
        f"/stageline/{environment}/machines/",
    }


def test_machines_have_no_role_among_those_of_people() -> None:
    peoples = {one.name for one in with_people().of(ROLE) if one.inputs["path"] == "/stageline/prod/access/"}
    assert peoples == {f"env-access-{party}" for party in ("approver", "ci", "operator", "pruner")}


def test_nobody_named_is_no_role_but_the_boundary_is_always_there() -> None:
    nobody = record(settings_of("prod"))
    assert [one.name for one in nobody.of(ROLE) if "access" in one.name] == []
    assert [one.name for one in nobody.of(POLICY)] == ["env-access-boundary"]


def test_each_is_trusted_by_those_that_the_settings_name() -> None:
    roles = {one.name: json.loads(one.inputs["assumeRolePolicy"]) for one in with_people().of(ROLE)}
    principals = {name: document["Statement"][0]["Principal"] for name, document in roles.items() if "access" in name}
    assert principals == {
        "env-access-approver": {"AWS": [ANN, BOB]},
        "env-access-operator": {"AWS": [ANN]},
        "env-access-pruner": {"AWS": [ANN]},
        "env-access-ci": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
    }


def test_workflows_are_of_the_repository_and_of_githubs_environment() -> None:
    trust = json.loads(with_people("qa").one(ROLE, "env-access-ci").inputs["assumeRolePolicy"])
    (conditions,) = trust["Statement"][0]["Condition"].values()
    assert [*conditions.values()] == ["sts.amazonaws.com", ["repo:octo/shop:environment:qa"]]


def test_workflows_that_may_prune_make_the_pruner_where_there_are_no_operators() -> None:
    settings = settings_of("qa")
    access = settings.access.model_copy(update={"repository": "octo/shop", "workflows": ("pruner",)})
    trust = record(settings.model_copy(update={"access": access})).one(ROLE, "env-access-pruner")
    assert "repo:octo/shop:environment:qa_pruner" in trust.inputs["assumeRolePolicy"]


def test_roles_that_deploy_may_be_held_until_a_deployment_is_closed() -> None:
    recording = with_people()
    held = {party: recording.one(ROLE, f"env-access-{party}").inputs["maxSessionDuration"] for party in PARTIES[:-1]}
    assert held == {"approver": 3600, "ci": 14400, "operator": 14400, "pruner": 3600}


def test_the_provider_is_no_resource_because_environments_share_it() -> None:
    assert with_people().of(PROVIDER) == []


def test_every_policy_but_the_boundary_is_attached_to_the_role_that_it_is_named_after() -> None:
    recording = with_people()
    attached = {one.inputs["policyArn"]: one.inputs["role"] for one in recording.of(ATTACHMENT)}
    names = [one.name for one in recording.of(POLICY) if one.name != "env-access-boundary"]
    assert attached == {f"arn:of:{name}": f"stageline-prod-{name.split('-')[2]}" for name in names}


@pytest.mark.parametrize(("environment", "protected"), [("dev", False), ("prod", True)])
def test_the_guard_is_after_everything_and_protected_where_the_environment_is(
    environment: str, protected: bool
) -> None:
    recording = record(settings_of(environment), BLUE_LIVE_GREEN_FILLED)
    guard = recording.one("aws:ssm/parameter:Parameter", "env-guard")
    others = {one.urn for one in recording.declared if one.type.startswith(("aws:", "command:"))} - {guard.urn}
    assert others - guard.after == set()
    assert guard.protect == protected
