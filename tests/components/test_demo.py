"""A demo: the stage of an environment on that one's platform, without a database, and with nobody to wake."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pulumi import FileAsset

from components.environment import declare_demo
from components.machine import Keys
from components.outputs import PlatformOutputs
from components.platform.platform import Platform, PlatformArgs
from components.recording import Recording, recorded
from components.slots import Slots
from components.stage.shared_database import Shared
from components.stage.stage import DemoStage
from contract.database import Address, parse_address
from settings import demos
from settings.demos import KEYS as KEYS_OF_DEMO
from settings.model import Demo, DemoDatabase
from settings.prices import amounts
from tests.components.recording import BLUE_LIVE, HOST_KEY, PRIVATE_KEY, record, settings_of

KEYS = Keys(deploy_private=PRIVATE_KEY, host_public=HOST_KEY)
BASE = settings_of("dev")
CREATION = "0a1b2c3d"
SETTINGS = demos.derived(BASE, Demo(), creation=CREATION, open_to=("203.0.113.7/32",))
TAGS = demos.tags(SETTINGS, creation=CREATION, owner="arn:aws:iam::123456789012:user/ana")


@pytest.fixture(scope="module")
def exported() -> dict[str, Any]:
    """What the base's program writes into its parameter."""
    base = recorded(lambda: Platform("env", PlatformArgs(settings=BASE, keys=KEYS)))
    written = base.one("aws:ssm/parameter:Parameter", "env-outputs")
    assert written.inputs["name"] == "/stageline/dev/platform"
    found: dict[str, Any] = json.loads(written.inputs["value"])
    return found


@pytest.fixture(scope="module")
def demo(exported: dict[str, Any]) -> Recording:
    def program() -> None:
        declare_demo(
            SETTINGS, PlatformOutputs.of(exported), BLUE_LIVE, KEYS, DemoStage(creation=CREATION, migrates="d-1"), TAGS
        )

    return recorded(program)


def test_the_parameter_fits_into_what_ssm_takes(exported: dict[str, Any]) -> None:
    assert len(json.dumps(exported)) <= 4096


def test_it_is_the_stage_of_its_base_but_for_database_and_alarms(demo: Recording) -> None:
    of_base = {one.urn for one in record(SETTINGS, BLUE_LIVE).declared if ":stage:Stage" in one.urn}
    own = {one.urn for one in demo.declared if "stageline:" in one.urn}
    assert own < of_base
    left_out = ("-database", "-monitoring", "env-firewall-data")
    assert [urn for urn in of_base - own if not any(part in urn for part in left_out)] == []


def plain(inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs that can be compared: a file by its path."""
    return {key: str(value.path) if isinstance(value, FileAsset) else value for key, value in inputs.items()}


def test_it_differs_from_its_base_by_settings_and_by_what_its_server_may_read(demo: Recording) -> None:
    """Whatever else an environment with a demo's settings would declare of a resource, a demo declares too."""
    of_base = {(one.type, one.name): plain(one.inputs) for one in record(SETTINGS, BLUE_LIVE).declared}
    differing = {
        (one.name, key)
        for one in demo.declared
        for key, value in plain(one.inputs).items()
        if of_base[one.type, one.name].get(key) != value
    }
    assert differing == {("aws", "defaultTags"), ("env-servers-run", "policy"), ("env-servers-1", "userData")}


def test_everything_carries_its_kind_its_creation_and_its_owner(demo: Recording) -> None:
    [provider] = demo.of("pulumi:providers:aws")
    assert json.loads(provider.inputs["defaultTags"]) == {"tags": TAGS}
    assert {one.provider for one in demo.declared if one.type.startswith("aws:")} == {f"{provider.urn}::aws-id"}


def test_its_server_reads_its_own_artifacts_and_no_database(demo: Recording) -> None:
    policy = demo.one("aws:iam/rolePolicy:RolePolicy", "env-servers-run")
    may = {one["Action"]: one["Resource"] for one in json.loads(policy.inputs["policy"])["Statement"]}
    bucket = "arn:aws:s3:::stageline-dev-artifacts-123456789012-eu-central-1"
    assert may == {
        "s3:GetObject": [f"{bucket}/demos/{CREATION}/*"],
        "elasticloadbalancing:DescribeTargetHealth": ["*"],
    }
    scope: dict[str, str] = {}
    exec(demo.one("aws:ec2/instance:Instance", "env-servers-1").inputs["userData"].splitlines()[1], scope)
    told = json.loads(scope["SETTINGS"])
    assert (told["artifact_folder"], told["database_parameter"], told["migration_parameter"]) == (
        f"demos/{CREATION}",
        "",
        "",
    )


def test_its_roles_stand_under_a_path_of_its_own_within_its_bases_boundary(
    demo: Recording, exported: dict[str, Any]
) -> None:
    [role] = demo.of("aws:iam/role:Role")
    assert role.inputs["path"] == f"/stageline/demo-{CREATION}/machines/"
    assert role.inputs["permissionsBoundary"] == exported["bounds"]["boundary"]


def test_those_see_it_to_whom_it_is_open(demo: Recording) -> None:
    rules = [one for one in demo.declared if one.name.startswith("env-firewall-live")]
    assert [one.inputs["cidrIpv4"] for one in rules] == ["203.0.113.7/32"]


def test_nothing_of_it_is_protected(demo: Recording) -> None:
    assert [one.name for one in demo.declared if one.protect] == []


ADDRESS = Address(
    identifier="dev-1", engine="postgres", host="db.example", port=5432, name="app", secret="of dev", tls=True
)
ITS_OWN = f"stageline/demo-{CREATION}"


def declared(exported: dict[str, Any], stage: DemoStage, slots: Slots = BLUE_LIVE) -> Recording:
    return recorded(lambda: declare_demo(SETTINGS, PlatformOutputs.of(exported), slots, KEYS, stage, TAGS) and None)


@pytest.fixture(scope="module")
def sharing(exported: dict[str, Any]) -> Recording:
    shared = Shared(address=ADDRESS, group_id="sg-of-dev")
    return declared(exported, DemoStage(creation=CREATION, migrates="d-1", shared=shared))


@pytest.fixture(scope="module")
def owning(exported: dict[str, Any]) -> Recording:
    return declared(exported, DemoStage(creation=CREATION, migrates="d-1", has_own_database=True))


def test_one_that_shares_a_database_is_led_to_its_own_in_there(sharing: Recording) -> None:
    parameter = sharing.one("aws:ssm/parameter:Parameter", "env-shared-parameter")
    assert parameter.inputs["name"] == f"/{ITS_OWN}/database"
    assert parse_address(parameter.inputs["value"]) == replace(
        ADDRESS, name=f"demo_{CREATION}", secret=f"{ITS_OWN}/database-login"
    )
    assert sharing.of("aws:rds/instance:Instance") == []


def test_its_servers_are_let_into_the_bases_group_by_a_rule_of_its_own(sharing: Recording) -> None:
    rule = sharing.one("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "env-shared-in")
    servers = sharing.one("aws:ec2/securityGroup:SecurityGroup", "env-firewall-servers")
    assert (rule.inputs["securityGroupId"], rule.inputs["fromPort"]) == ("sg-of-dev", 5432)
    assert rule.inputs["referencedSecurityGroupId"] == f"{servers.name}-id"


@pytest.mark.parametrize("kind", ["sharing", "owning"])
def test_its_servers_read_where_their_database_is_and_nothing_of_another(
    kind: str, request: pytest.FixtureRequest
) -> None:
    demo: Recording = request.getfixturevalue(kind)
    policy = demo.one("aws:iam/rolePolicy:RolePolicy", "env-servers-run")
    may = {one["Action"]: one["Resource"] for one in json.loads(policy.inputs["policy"])["Statement"]}
    [secret] = may["secretsmanager:GetSecretValue"]
    assert f":secret:{ITS_OWN}/database-login-" in secret
    assert len(may["ssm:GetParameter"]) == 2


@pytest.mark.parametrize("kind", ["sharing", "owning"])
def test_whatever_it_shows_may_migrate_and_waits_for_what_it_needs(kind: str, request: pytest.FixtureRequest) -> None:
    demo: Recording = request.getfixturevalue(kind)
    [migration] = [
        one for one in demo.of("aws:ssm/parameter:Parameter") if one.inputs["name"] == f"/{ITS_OWN}/migration"
    ]
    assert (migration.inputs["value"], migration.ignore_changes) == ("d-1", ())
    install = demo.one("command:remote:Command", "env-servers-1-blue")
    assert migration.urn in install.after


def test_an_instance_of_its_own_is_small_and_keeps_nothing(owning: Recording) -> None:
    [instance] = owning.of("aws:rds/instance:Instance")
    told = {name: instance.inputs[name] for name in ("instanceClass", "backupRetentionPeriod", "skipFinalSnapshot")}
    assert told == {"instanceClass": "db.t4g.micro", "backupRetentionPeriod": 0, "skipFinalSnapshot": True}
    assert (instance.inputs["deletionProtection"], instance.inputs["multiAz"], instance.protect) == (
        False,
        False,
        False,
    )
    assert instance.inputs["engineVersion"] == BASE.database.version
    assert [one.urn for one in owning.declared if one.retain_on_delete] == []


@pytest.mark.parametrize(
    ("kind", "database", "logins"),
    [("demo", "none", 0), ("sharing", "shared", 1), ("owning", "own", 1)],
    ids=["none", "shared", "own"],
)
def test_what_it_is_said_to_cost_is_what_it_is_made_of(
    kind: str, database: DemoDatabase, logins: int, request: pytest.FixtureRequest
) -> None:
    demo: Recording = request.getfixturevalue(kind)
    made = [{"type": one.type, "inputs": one.inputs} for one in demo.declared]
    by_release = [{"type": "aws:secretsmanager/secret:Secret", "inputs": {}}] * (len(KEYS_OF_DEMO) + logins)
    assert amounts([*made, *by_release]) == amounts(demos.charged(SETTINGS, database))


def test_it_comes_up_with_nothing_on_it_before_it_has_a_release(exported: dict[str, Any]) -> None:
    empty = declared(exported, DemoStage(creation=CREATION, migrates="none", has_own_database=True), Slots())
    assert [one.name for one in empty.of("command:remote:Command") if one.name.endswith("-blue")] == []
