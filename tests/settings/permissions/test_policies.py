"""Who may do what in prod: each line in both directions, with the boundary that every role has."""

import re
from typing import Any

import pytest

from settings.model import Access
from settings.names import Names
from settings.permissions.boundary import boundary
from settings.permissions.calls import TABLE
from settings.permissions.identities import PARTIES, Identities, Party
from settings.permissions.place import place_of
from settings.permissions.policies import MANAGED_LIMIT, policies, statements, subjects, trust
from tests.settings.permissions.evaluator import OPERATORS, compact, may, texts

ANN = "arn:aws:iam::123456789012:user/ann"
NAMES = Names(project="stageline", environment="prod", account="123456789012", region="eu-central-1")
PROD = place_of(NAMES, "staging", protected=True)
IDENTITIES = Identities(names=NAMES)
BOUNDARY = boundary(PROD)
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ATTACHED_POLICIES = 10  # to one role (IAM quotas)

LEDGER = "arn:aws:dynamodb:eu-central-1:123456789012:table/stageline-prod-ledger"
STAGINGS_LEDGER = LEDGER.replace("prod", "staging")
QAS_LEDGER = LEDGER.replace("prod", "qa")
ARTIFACT_BUCKET = "arn:aws:s3:::stageline-prod-artifacts-123456789012-eu-central-1"
ARTIFACT = f"{ARTIFACT_BUCKET}/artifacts/abc"
MANIFEST = f"{ARTIFACT_BUCKET}/releases/1.0.0.json"
VERDICT = f"{ARTIFACT_BUCKET}/verdicts/1.0.0/d-1.json"
BACKUP_BUCKET = ARTIFACT_BUCKET.replace("artifacts", "backups")
BACKUP = f"{BACKUP_BUCKET}/d-1/stack.json"
STATE = "arn:aws:s3:::stageline-state-123456789012-eu-central-1/.pulumi"
LOCK = f"{STATE}/locks/organization/stageline/prod/1.json"
TO_EC2 = {"iam:PassedToService": "ec2.amazonaws.com"}
TO_OTHERS = {"iam:PassedToService": "lambda.amazonaws.com"}
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stageline/prod/deploy-key-AbCdEf"
PARAMETER = "arn:aws:ssm:eu-central-1:123456789012:parameter/stageline/prod/database"
MIGRATION = PARAMETER.replace("database", "migration")
SNAPSHOT = "arn:aws:rds:eu-central-1:123456789012:snapshot:stageline-prod-20261121-084224-c700"
FINAL_SNAPSHOT = "arn:aws:rds:eu-central-1:123456789012:snapshot:stageline-prod-postgres-final-0123456789abcdef0"
QAS_SNAPSHOT = SNAPSHOT.replace("prod", "qa")
DATABASE = "arn:aws:rds:eu-central-1:123456789012:db:env-database-instance-1234567"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234"
LISTENER = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/env-lb/1/2"
SERVER = "arn:aws:ec2:eu-central-1:123456789012:instance/i-1"
SUBNET = "arn:aws:ec2:eu-central-1:123456789012:subnet/subnet-1"
MACHINES_ROLE = "arn:aws:iam::123456789012:role/stageline/prod/machines/env-servers-role-1234567"
MACHINES_PROFILE = "arn:aws:iam::123456789012:instance-profile/stageline/prod/machines/env-servers-profile-1"

THEIR_POLICY = f"arn:aws:iam::123456789012:policy{IDENTITIES.access_path}stageline-prod-ci-1"

GROUP = "arn:aws:ec2:eu-central-1:123456789012:security-group/sg-1"
RULE = "arn:aws:ec2:eu-central-1:123456789012:security-group-rule/sgr-1"
BY_AUTHORIZING = {"ec2:CreateAction": "AuthorizeSecurityGroupIngress"}

OURS = {"aws:ResourceTag/project": "stageline", "aws:ResourceTag/environment": "prod"}
QAS = {**OURS, "aws:ResourceTag/environment": "qa"}
TAGGED_OURS = {"aws:RequestTag/project": "stageline", "aws:RequestTag/environment": "prod"}
BOUNDED = {"iam:PermissionsBoundary": IDENTITIES.boundary}
HEAD_ONLY = {"dynamodb:LeadingKeys": "HEAD"}
STOPS_ONLY = {"dynamodb:LeadingKeys": "STOPS"}
RELEASE_ONLY = {"dynamodb:LeadingKeys": "RELEASE#abc"}
DATABASES_KEY = {"kms:ResourceAliases": "alias/stageline-prod-database"}
QAS_DATABASES_KEY = {"kms:ResourceAliases": "alias/stageline-qa-database"}
BY_RDS = {"kms:ViaService": "rds.eu-central-1.amazonaws.com"}
SIGNING = {"kms:ResourceAliases": "alias/stageline-prod-signing"}


def can(party: Party, action: str, resource: str, **context: str) -> bool:
    who = {"aws:PrincipalArn": IDENTITIES.role(party), **context}
    return may(policies(party, PROD), BOUNDARY, action, resource, who)


# action, resource, context, and who may do it; nobody else may
CASES: dict[str, tuple[str, str, dict[str, str], set[Party]]] = {
    "read the ledger": ("dynamodb:GetItem", LEDGER, {}, {"approver", "ci", "operator", "pruner"}),
    "read the ledger before": ("dynamodb:GetItem", STAGINGS_LEDGER, {}, {"approver", "ci", "operator", "pruner"}),
    "read another HEAD": ("dynamodb:GetItem", QAS_LEDGER, HEAD_ONLY, {"approver", "ci", "operator", "pruner"}),
    "read its stops": ("dynamodb:GetItem", QAS_LEDGER, STOPS_ONLY, {"approver", "ci", "operator", "pruner"}),
    "write a stop": ("dynamodb:PutItem", LEDGER, STOPS_ONLY, {"ci", "operator", "pruner"}),
    "write another's stop": ("dynamodb:PutItem", QAS_LEDGER, STOPS_ONLY, set()),
    "find a release": ("dynamodb:GetItem", LEDGER, RELEASE_ONLY, {"approver", "ci", "operator", "pruner"}),
    "read another ledger": ("dynamodb:GetItem", QAS_LEDGER, {"dynamodb:LeadingKeys": "EVENT"}, set()),
    "write the ledger": ("dynamodb:PutItem", LEDGER, {}, {"ci", "operator", "pruner"}),
    "write the ledger before": ("dynamodb:PutItem", STAGINGS_LEDGER, {}, set()),
    "read an artifact": ("s3:GetObject", ARTIFACT, {}, {"approver", "ci", "operator", "pruner"}),
    "publish an artifact": ("s3:PutObject", ARTIFACT, {}, {"ci", "operator"}),
    "publish into staging": ("s3:PutObject", ARTIFACT.replace("prod", "staging"), {}, set()),
    "sign": ("kms:Sign", KEY, SIGNING, {"ci", "operator"}),
    "sign with another key": ("kms:Sign", KEY, {"kms:ResourceAliases": "alias/stageline-qa-signing"}, set()),
    "read the deploy key": ("secretsmanager:GetSecretValue", SECRET, {}, {"ci", "operator"}),
    "read qa's deploy key": ("secretsmanager:GetSecretValue", SECRET.replace("prod", "qa"), {}, set()),
    "take a snapshot": ("rds:CreateDBSnapshot", SNAPSHOT, TAGGED_OURS, {"ci", "operator"}),
    "take one without tags": ("rds:CreateDBSnapshot", SNAPSHOT, {}, set()),
    "take one by another name": ("rds:CreateDBSnapshot", QAS_SNAPSHOT, TAGGED_OURS, set()),
    "take it of the database": ("rds:CreateDBSnapshot", DATABASE, {**TAGGED_OURS, **OURS}, {"ci", "operator"}),
    "take it of qa's": ("rds:CreateDBSnapshot", DATABASE, {**TAGGED_OURS, **QAS}, set()),
    "tag it as it is made": ("rds:AddTagsToResource", SNAPSHOT, TAGGED_OURS, {"ci", "operator"}),
    "take over a snapshot": ("rds:AddTagsToResource", SNAPSHOT, {**TAGGED_OURS, **QAS}, set()),
    "hold a snapshot": ("rds:AddTagsToResource", SNAPSHOT, OURS, {"operator"}),
    "count snapshots": ("rds:DescribeDBSnapshots", "*", {}, {"approver", "ci", "operator", "pruner"}),
    "use the database's key by RDS": ("kms:CreateGrant", KEY, {**DATABASES_KEY, **BY_RDS}, {"ci", "operator"}),
    "use it otherwise": ("kms:CreateGrant", KEY, DATABASES_KEY, set()),
    "use qa's by RDS": ("kms:CreateGrant", KEY, {**QAS_DATABASES_KEY, **BY_RDS}, set()),
    "move the listener": ("elasticloadbalancing:ModifyListener", LISTENER, OURS, {"ci", "operator"}),
    "move qa's listener": ("elasticloadbalancing:ModifyListener", LISTENER, QAS, set()),
    "move nobody's listener": ("elasticloadbalancing:ModifyListener", LISTENER, {}, set()),
    "find the balancer": ("elasticloadbalancing:DescribeLoadBalancers", "*", {}, {"ci", "operator"}),
    "find its listeners": ("elasticloadbalancing:DescribeListeners", "*", {}, {"ci", "operator"}),
    "read a listener as the plugin": ("elasticloadbalancing:DescribeListenerAttributes", "*", {}, {"ci", "operator"}),
    "find target groups": ("elasticloadbalancing:DescribeTargetGroups", "*", {}, {"ci", "operator"}),
    "read what they are of": ("elasticloadbalancing:DescribeTags", "*", {}, {"ci", "operator"}),
    "see who is healthy": ("elasticloadbalancing:DescribeTargetHealth", "*", {}, {"ci", "operator"}),
    "let servers migrate": ("ssm:PutParameter", MIGRATION, {}, {"ci", "operator"}),
    "let qa's servers migrate": ("ssm:PutParameter", MIGRATION.replace("prod", "qa"), {}, set()),
    "say where the database is": ("ssm:PutParameter", PARAMETER, {}, {"operator"}),
    "say who you are": ("sts:GetCallerIdentity", "*", {}, {"approver", "ci", "operator", "pruner"}),
    "write the state": ("s3:PutObject", f"{STATE}/stacks/stageline/prod.json", {}, {"ci", "operator"}),
    "write qa's state": ("s3:PutObject", f"{STATE}/stacks/stageline/qa.json", {}, set()),
    "free the stack's lock": ("s3:DeleteObject", LOCK, {}, {"ci", "operator"}),
    "delete the state": ("s3:DeleteObject", f"{STATE}/stacks/stageline/prod.json", {}, set()),
    "look at servers": ("ec2:DescribeInstances", "*", {}, {"ci", "operator"}),
    "look at networks": ("ec2:DescribeVpcs", "*", {}, {"operator"}),
    "start a server": ("ec2:RunInstances", SERVER, TAGGED_OURS, {"operator"}),
    "start one without tags": ("ec2:RunInstances", SERVER, {}, set()),
    "start one in a subnet": ("ec2:RunInstances", SUBNET, OURS, {"operator"}),
    "start one in qa's": ("ec2:RunInstances", SUBNET, QAS, set()),
    "end a server": ("ec2:TerminateInstances", SERVER, OURS, {"operator"}),
    "end qa's server": ("ec2:TerminateInstances", SERVER, QAS, set()),
    "tag what is nobody's": ("ec2:CreateTags", SERVER, TAGGED_OURS, {"operator"}),
    "take over what is qa's": ("ec2:CreateTags", SERVER, {**TAGGED_OURS, **QAS}, set()),
    "change the database": ("rds:ModifyDBInstance", DATABASE, OURS, {"operator"}),
    "make a machine's role": ("iam:CreateRole", MACHINES_ROLE, BOUNDED, {"operator"}),
    "make it without bounds": ("iam:CreateRole", MACHINES_ROLE, {}, set()),
    "give a server its role": ("iam:PassRole", MACHINES_ROLE, TO_EC2, {"operator"}),
    "give it to others": ("iam:PassRole", MACHINES_ROLE, TO_OTHERS, set()),
    "make a profile": ("iam:CreateInstanceProfile", MACHINES_PROFILE, {}, {"operator"}),
    "prune a backup": ("s3:DeleteObject", BACKUP, {}, {"pruner"}),
    "prune its versions": ("s3:DeleteObjectVersion", BACKUP, {}, {"pruner"}),
    "prune a snapshot": ("rds:DeleteDBSnapshot", SNAPSHOT, OURS, {"pruner"}),
    "prune one tagged by qa": ("rds:DeleteDBSnapshot", SNAPSHOT, QAS, set()),
    "prune qa's, tagged": ("rds:DeleteDBSnapshot", QAS_SNAPSHOT, OURS, set()),
    "prune the final one": ("rds:DeleteDBSnapshot", FINAL_SNAPSHOT, OURS, set()),
    "prune an artifact": ("s3:DeleteObject", ARTIFACT, {}, {"pruner"}),
    "prune its versions too": ("s3:DeleteObjectVersion", ARTIFACT, {}, {"pruner"}),
    "see its lock": ("s3:GetObjectRetention", ARTIFACT, {}, {"pruner"}),
    "prune staging's artifact": ("s3:DeleteObjectVersion", ARTIFACT.replace("prod", "staging"), {}, set()),
    "delete a manifest": ("s3:DeleteObjectVersion", MANIFEST, {}, set()),
    "abort an upload": ("s3:AbortMultipartUpload", ARTIFACT, {}, {"ci", "operator"}),
    "find uploads": ("s3:ListBucketMultipartUploads", ARTIFACT_BUCKET, {}, {"ci", "operator"}),
    "delete the ledger": ("dynamodb:DeleteTable", LEDGER, {}, set()),
    "delete the database": ("rds:DeleteDBInstance", DATABASE, OURS, set()),
    "delete a bucket": ("s3:DeleteBucket", BACKUP_BUCKET, {}, set()),
    "delete the key": ("kms:ScheduleKeyDeletion", KEY, {**OURS, **SIGNING}, set()),
}  # fmt: skip


@pytest.mark.parametrize(("action", "resource", "context", "by"), CASES.values(), ids=CASES.keys())
def test_a_role_may_do_what_is_its_work_and_nothing_else(
    action: str, resource: str, context: dict[str, str], by: set[Party]
) -> None:
    roles: tuple[Party, ...] = ("approver", "ci", "operator", "pruner")
    assert {party for party in roles if can(party, action, resource, **context)} == by


# Denied also to a role that somebody gave everything.
KEPT = {
    "the ledger's table": ("dynamodb:DeleteTable", LEDGER),
    "its recovery": ("dynamodb:UpdateContinuousBackups", LEDGER),
    "its deletion protection": ("dynamodb:UpdateTable", LEDGER),
    "its events": ("dynamodb:DeleteItem", LEDGER),
    "its events, by expiry": ("dynamodb:UpdateTimeToLive", LEDGER),
    "its backups": ("dynamodb:DeleteBackup", f"{LEDGER}/backup/1"),
    "manifests": ("s3:DeleteObject", MANIFEST),
    "versions of manifests": ("s3:DeleteObjectVersion", MANIFEST),
    "versions of verdicts": ("s3:DeleteObjectVersion", VERDICT),
    "the lock on artifacts": ("s3:BypassGovernanceRetention", ARTIFACT),
    "artifacts, by expiry": ("s3:PutLifecycleConfiguration", ARTIFACT_BUCKET),
    "the versions of backups": ("s3:PutBucketVersioning", BACKUP_BUCKET),
    "the bucket of artifacts": ("s3:DeleteBucket", ARTIFACT_BUCKET),
    "the bucket of backups": ("s3:DeleteBucket", BACKUP_BUCKET),
    "the database": ("rds:DeleteDBInstance", DATABASE),
    "the signing key": ("kms:ScheduleKeyDeletion", KEY),
    "the use of the key": ("kms:DisableKey", KEY),
    "the deploy key": ("secretsmanager:DeleteSecret", SECRET),
    "their own role": ("iam:AttachRolePolicy", IDENTITIES.role("ci")),
    "their own policies": ("iam:CreatePolicyVersion", THEIR_POLICY),
    "the boundary": ("iam:CreatePolicyVersion", IDENTITIES.boundary),
    "the bounds of a machine": ("iam:DeleteRolePermissionsBoundary", MACHINES_ROLE),
    "roles without bounds": ("iam:CreateRole", "arn:aws:iam::123456789012:role/free"),
    "users": ("iam:CreateUser", "arn:aws:iam::123456789012:user/free"),
    "who vouches for workflows": ("iam:UpdateOpenIDConnectProviderThumbprint", IDENTITIES.github),
}  # fmt: skip
OLD_DATA = {
    "artifacts": ("s3:DeleteObject", ARTIFACT),
    "versions of artifacts": ("s3:DeleteObjectVersion", ARTIFACT),
    "backups": ("s3:DeleteObject", BACKUP),
    "versions of backups": ("s3:DeleteObjectVersion", BACKUP),
    "versions of the state": ("s3:DeleteObjectVersion", f"{STATE}/stacks/stageline/prod.json"),
    "snapshots": ("rds:DeleteDBSnapshot", SNAPSHOT),
    "automatic backups": ("rds:DeleteDBInstanceAutomatedBackup", DATABASE),
}


def could(party: Party, action: str, resource: str) -> bool:
    """What a role could do if somebody gave it everything."""
    return may([EVERYTHING], BOUNDARY, action, resource, {"aws:PrincipalArn": IDENTITIES.role(party)})


@pytest.mark.parametrize(("action", "resource"), KEPT.values(), ids=KEPT.keys())
def test_the_boundary_keeps_it_from_every_role(action: str, resource: str) -> None:
    assert [party for party in PARTIES if could(party, action, resource)] == []


@pytest.mark.parametrize(("action", "resource"), OLD_DATA.values(), ids=OLD_DATA.keys())
def test_the_boundary_keeps_old_data_from_every_role_but_the_pruner(action: str, resource: str) -> None:
    assert [party for party in PARTIES if could(party, action, resource)] == ["pruner"]


DEV = Names(project="stageline", environment="dev", account="123456789012", region="eu-central-1")
DEVS = {"aws:ResourceTag/project": "stageline", "aws:ResourceTag/environment": "dev"}
DEVS_SNAPSHOT = SNAPSHOT.replace("prod", "dev")
IN_DEV = {
    "of a deployment": (DEVS_SNAPSHOT, DEVS, {"ci", "operator", "pruner"}),
    "of a deployment to prod": (SNAPSHOT, OURS, set()),
    "of prod, by dev's tags": (SNAPSHOT, DEVS, set()),
    "of dev, by prod's tags": (DEVS_SNAPSHOT, OURS, set()),
    "the final one": (FINAL_SNAPSHOT.replace("prod", "dev"), DEVS, set()),
    "without tags": (DEVS_SNAPSHOT, {}, set()),
}  # fmt: skip


@pytest.mark.parametrize(("resource", "context", "by"), IN_DEV.values(), ids=IN_DEV.keys())
def test_where_nothing_is_protected_whoever_deploys_deletes_the_snapshots_of_deployments(
    resource: str, context: dict[str, str], by: set[Party]
) -> None:
    place, identities = place_of(DEV, None, protected=False), Identities(names=DEV)

    def may_delete(party: Party) -> bool:
        who = {"aws:PrincipalArn": identities.role(party), **context}
        return may(policies(party, place), boundary(place), "rds:DeleteDBSnapshot", resource, who)

    roles: tuple[Party, ...] = ("approver", "ci", "operator", "pruner")
    assert {party for party in roles if may_delete(party)} == by


def test_the_same_environment_protected_leaves_that_to_the_pruner() -> None:
    place, identities = place_of(DEV, None, protected=True), Identities(names=DEV)
    everybody = {party: {"aws:PrincipalArn": identities.role(party), **DEVS} for party in PARTIES}
    deletes = ("rds:DeleteDBSnapshot", DEVS_SNAPSHOT)
    assert [one for one in PARTIES if may([EVERYTHING], boundary(place), *deletes, everybody[one])] == ["pruner"]


def test_the_boundary_keeps_the_database_as_it_is_from_workflows_only() -> None:
    assert not could("ci", "rds:ModifyDBInstance", DATABASE)
    assert could("operator", "rds:ModifyDBInstance", DATABASE)


def test_the_boundary_of_a_machine_leaves_its_own_work() -> None:
    machine = {"aws:PrincipalArn": MACHINES_ROLE}
    work = {
        "s3:GetObject": ARTIFACT,
        "secretsmanager:GetSecretValue": SECRET,
        "ssm:GetParameter": PARAMETER,
        "cloudwatch:PutMetricData": "*",
        "logs:PutLogEvents": "*",
    }
    assert [one for one, on in work.items() if not may([EVERYTHING], BOUNDARY, one, on, machine)] == []


@pytest.mark.parametrize("party", PARTIES)
def test_policies_fit_into_what_iam_takes(party: Party) -> None:
    sizes = [len(compact(document)) for document in policies(party, PROD)]
    assert 0 < len(sizes) <= ATTACHED_POLICIES
    assert max(sizes) <= MANAGED_LIMIT


def test_the_boundary_fits_into_one_managed_policy_also_with_the_longest_names() -> None:
    names = Names(project="p" * 13, environment="e" * 13, account="1" * 12, region="ap-southeast-1")
    sizes = [len(compact(boundary(place_of(names, "staging", protected=protected)))) for protected in (True, False)]
    assert max(sizes) <= MANAGED_LIMIT


@pytest.mark.parametrize("party", PARTIES)
def test_no_word_in_braces_is_left(party: Party) -> None:
    texts = [str(one["Resource"]) + compact(one.get("Condition", {})) for one in statements(party, PROD)]
    assert [text for text in texts if re.search(r"\{[a-z_]+\}", text)] == []


def test_the_first_environment_reads_no_other_one() -> None:
    lines = "".join(compact(document) for document in policies("ci", place_of(DEV, None, protected=False)))
    assert "stageline-dev-ledger" in lines
    assert "_before" not in lines


def trusted_by(party: Party, **access: Any) -> list[dict[str, Any]]:
    """The statements of a role's trust in prod, where the stack file says no more than this of access."""
    nobody: dict[str, Any] = {"repository": None, "operators": (), "approvers": ()}
    document = trust(party, PROD, Access(**nobody | access))
    return [] if document is None else list(document["Statement"])


def test_workflows_become_ci_only_from_their_repository_and_githubs_environment() -> None:
    (statement,) = trusted_by("ci", repository="octo/shop")
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Principal"] == {
        "Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    }
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": ["repo:octo/shop:environment:prod"],
        }
    }


# What a stack file says, and the subjects of tokens that are trusted by it in prod: no other one is.
TRUSTED = {
    "by name": ("octo/shop", ["repo:octo/shop:environment:prod"]),
    "with ids": ("octo@1/shop@22", ["repo:octo/shop:environment:prod", "repo:octo@1/shop@22:environment:prod"]),
    "with its case": ("Octo-Org/Shop.js", ["repo:Octo-Org/Shop.js:environment:prod"]),
}
TOKENS = {
    "of before": "repo:octo/shop:environment:prod",
    "with ids": "repo:octo@1/shop@22:environment:prod",
    "of another owner of the name": "repo:octo@3/shop@22:environment:prod",
    "of another repository of the name": "repo:octo@1/shop@4:environment:prod",
    "with one id": "repo:octo@1/shop:environment:prod",
    "in another case": "repo:Octo/shop:environment:prod",
    "of another environment": "repo:octo@1/shop@22:environment:dev",
    "of a branch": "repo:octo@1/shop@22:ref:refs/heads/main",
    "of a pull request": "repo:octo/shop:pull_request",
}


# What `--open-door` takes, and who may do it in an environment that opens doors; without, ci and the pruner may not.
OPENING: dict[str, tuple[str, str, dict[str, str], set[Party]]] = {
    "see who is let in": ("ec2:DescribeSecurityGroupRules", "*", {}, {"ci", "operator", "pruner"}),
    "let somebody into a group": ("ec2:AuthorizeSecurityGroupIngress", GROUP, OURS, {"ci", "operator"}),
    "into qa's group": ("ec2:AuthorizeSecurityGroupIngress", GROUP, QAS, set()),
    "by a rule with tags": ("ec2:AuthorizeSecurityGroupIngress", RULE, TAGGED_OURS, {"ci", "operator"}),
    "by one without": ("ec2:AuthorizeSecurityGroupIngress", RULE, {}, set()),
    "tag it as it is made": ("ec2:CreateTags", RULE, {**TAGGED_OURS, **BY_AUTHORIZING}, {"ci", "operator"}),
    "let a group out": ("ec2:AuthorizeSecurityGroupEgress", GROUP, OURS, {"operator"}),
    "take it back": ("ec2:RevokeSecurityGroupIngress", GROUP, OURS, {"ci", "operator", "pruner"}),
    "take back what qa lets in": ("ec2:RevokeSecurityGroupIngress", GROUP, QAS, set()),
}


@pytest.mark.parametrize("doors", [True, False], ids=["with-doors", "without"])
@pytest.mark.parametrize("what", OPENING)
def test_who_deploys_changes_what_is_let_in_only_where_doors_are_opened(what: str, doors: bool) -> None:
    action, resource, context, allowed = OPENING[what]
    place = place_of(NAMES, "staging", protected=True, doors=doors)
    able = {
        party
        for party in PARTIES[:-1]
        if may(
            policies(party, place),
            boundary(place),
            action,
            resource,
            {"aws:PrincipalArn": IDENTITIES.role(party), **context},
        )
    }
    assert able == (allowed if doors else allowed & {"operator"})


@pytest.mark.parametrize("workflows", [(), ("operator",), ("operator", "pruner")], ids=["none", "one", "both"])
def test_workflows_become_more_than_ci_where_that_is_said_and_in_an_environment_of_its_own(
    workflows: tuple[str, ...],
) -> None:
    trusts = {party: trusted_by(party, repository="octo/shop", workflows=workflows) for party in PARTIES}
    subjects = {party: compact(one[0]["Condition"]) for party, one in trusts.items() if one and party != "ci"}
    assert set(subjects) == set(workflows)
    assert all(f"repo:octo/shop:environment:prod_{party}" in subjects[party] for party in subjects)


def test_workflows_and_people_become_an_operator_each_by_their_own_way() -> None:
    people, workflows = trusted_by("operator", repository="octo/shop", operators=(ANN,), workflows=("operator",))
    assert people["Principal"] == {"AWS": [ANN]} and people["Action"] == "sts:AssumeRole"
    assert workflows["Action"] == "sts:AssumeRoleWithWebIdentity"


def test_without_a_repository_no_workflow_becomes_anybody() -> None:
    assert [trusted_by(party, workflows=("operator", "pruner")) for party in PARTIES] == [[]] * len(PARTIES)


@pytest.mark.parametrize(("repository", "trusted"), TRUSTED.values(), ids=TRUSTED.keys())
def test_a_repository_is_known_by_its_subjects(repository: str, trusted: list[str]) -> None:
    assert subjects(repository, "prod") == trusted


@pytest.mark.parametrize(
    ("repository", "let_in"),
    [
        pytest.param("octo/shop", {"of before"}, id="without-ids"),
        pytest.param("octo@1/shop@22", {"of before", "with ids"}, id="with-ids"),
    ],
)
def test_a_token_is_trusted_only_by_its_whole_subject(repository: str, let_in: set[str]) -> None:
    (statement,) = trusted_by("ci", repository=repository)
    audience = {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}

    def trusts(subject: str) -> bool:
        claims = {**audience, "token.actions.githubusercontent.com:sub": subject}
        return all(
            OPERATORS[operator](claims.get(key), texts(wanted))
            for operator, wants in statement["Condition"].items()
            for key, wanted in wants.items()
        )

    assert {name for name, subject in TOKENS.items() if trusts(subject)} == let_in


def test_people_become_a_party_only_by_name() -> None:
    (statement,) = trusted_by("operator", operators=(ANN,))
    assert statement["Principal"] == {"AWS": [ANN]}


def test_an_administrator_is_given_whatever_anybody_but_the_pruner_calls() -> None:
    lines = [line for line in TABLE if line.who != "pruner" and not line.unprotected and not line.doors]
    needed = {action for line in lines for action in line.actions}
    given = {action for one in statements("administrator", PROD) for action in one["Action"]}
    assert given == needed
