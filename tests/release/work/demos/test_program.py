"""What the program is told of a demo's stack: only what is recorded, and nothing of what may not be made."""

import json
from dataclasses import asdict

import pytest

from contract.database import address_facts
from contract.up import FENCE
from release.process.errors import Broken, Refused
from release.process.form import Unreadable
from release.work.demos.database import Shared
from release.work.demos.program import RecordedDemo, recorded_demo
from settings.demos import stack_of
from tests.aws_clients import aws_client
from tests.release.demos import ADDRESS, BRANCH, Demos

pytestmark = pytest.mark.moto
PLATFORM = {"vpc_id": "vpc-1", "bastion": None}


@pytest.fixture
def up(demos: Demos) -> Demos:
    aws_client("ssm").put_parameter(Name="/stageline/dev/platform", Type="String", Value=json.dumps(PLATFORM))
    facts = address_facts(**asdict(ADDRESS))
    aws_client("ssm").put_parameter(Name="/stageline/dev/database", Type="String", Value=json.dumps(facts))
    aws_client("rds").create_db_instance(
        DBInstanceIdentifier=ADDRESS.identifier, Engine="postgres", DBInstanceClass="db.t4g.small",
        AllocatedStorage=20, MasterUsername="stageline", ManageMasterUserPassword=True, VpcSecurityGroupIds=["sg-1"],
    )  # fmt: skip
    demos.up()
    return demos


def asked(demos: Demos) -> RecordedDemo:
    return recorded_demo(demos.base.environment.project, stack_of(BRANCH))


def test_it_is_told_settings_content_keys_and_the_platform(up: Demos) -> None:
    known, demo = asked(up), up.entry().demo
    assert known.settings.environment == f"demo-{demo.creation}"
    assert known.content == demo.content
    assert known.platform == PLATFORM
    assert known.shared == Shared(address=ADDRESS, group_id="sg-1")
    assert (known.tags["creation"], known.tags["owner"]) == (demo.creation, demo.owner)
    assert known.deploy_private_key.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert known.host_public_key.startswith("ssh-ed25519 ")
    assert known.deploy_private_key not in repr(known)


def test_a_stack_without_an_item_declares_nothing(demos: Demos) -> None:
    with pytest.raises(Refused, match="there is no demo of the stack demo-map-f4492d"):
        asked(demos)


@pytest.mark.parametrize(("database", "may"), [("own", True), ("shared", False), ("none", False)])
def test_only_a_server_that_leads_to_a_database_of_its_own_comes_up_with_nothing_on_it(
    up: Demos, database: str, may: bool
) -> None:
    up.registry.change(up.entry(), database=database, content=None)
    if may:
        assert (asked(up).content, asked(up).has_own_database) == (None, True)
    else:
        with pytest.raises(Refused):
            asked(up)


@pytest.mark.parametrize("state", ["failed", "dying"])
def test_one_that_may_not_be_made_now_declares_nothing(up: Demos, state: str) -> None:
    up.registry.change(up.entry(), state=state)
    with pytest.raises(Refused, match=f"the demo of feature-demo/map is {state}"):
        asked(up)


def test_one_whose_item_is_spoilt_declares_nothing(up: Demos) -> None:
    key = {"stack": {"S": stack_of(BRANCH)}}
    item = aws_client("dynamodb").get_item(TableName="stageline-demos", Key=key)["Item"]
    aws_client("dynamodb").put_item(TableName="stageline-demos", Item={**item, "body": {"S": "{}"}})
    with pytest.raises(Unreadable):
        asked(up)


def test_a_command_that_was_overtaken_declares_nothing(up: Demos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FENCE, str(up.entry().version))
    assert asked(up).creation == up.entry().demo.creation
    up.registry.change(up.entry(), why="")
    with pytest.raises(Refused, match="was changed by another command meanwhile"):
        asked(up)


def test_without_a_platform_nothing_can_stand(demos: Demos) -> None:
    demos.up()
    with pytest.raises(Broken, match="dev has not come up yet; run: pulumi up --stack dev"):
        asked(demos)


def test_without_its_keys_its_server_could_not_be_reached(up: Demos) -> None:
    up.base.secrets.remove(f"stageline/demo-{up.entry().demo.creation}/host-key")
    with pytest.raises(Broken, match=r"host-key is missing"):
        asked(up)


@pytest.mark.parametrize(("seed", "behind"), [("", ""), ("seed", " seed"), ("again-1", " again-1")])
def test_what_is_shown_may_migrate_and_brings_the_data_that_were_asked_for(up: Demos, seed: str, behind: str) -> None:
    content = up.registry.change(up.entry(), seed=seed).demo.content
    assert content is not None
    assert asked(up).migrates == f"{content.deployment}{behind}"
