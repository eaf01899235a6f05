"""What the local AWS provider does whatever the type, on the real engine: accounts, names, secrets, drift, failures."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from local.aws_provider.session import client, credentials_from
from tests.e2e.aws_provider_cases import REGION
from tests.e2e.aws_stacks import ACCOUNT, CONFIG, Declared, Stack, clients_of, new_stack, running_aws, serving_provider

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

OTHER_ACCOUNT = "210987654321"
CANARY = "canary-9bd1"
Aws = Mapping[str, str]


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with running_aws() as environ:
        yield environ


@pytest.fixture(scope="module")
def provider_port(aws: Aws) -> Iterator[int]:
    with serving_provider(aws) as port:
        yield port


@pytest.fixture
def stack(tmp_path: Path, provider_port: int, virtualenv: Path) -> Iterator[Stack]:
    """A stack of its own for a test, with nothing left of it in AWS."""
    stack = new_stack(tmp_path, provider_port, virtualenv)
    yield stack
    stack.steps("destroy")


def parameter(value: str = "1", **inputs: Any) -> Declared:
    return Declared(type="aws:ssm/parameter:Parameter", inputs={"type": "String", "value": value, **inputs})


def vpc(**inputs: Any) -> Declared:
    return Declared(type="aws:ec2/vpc:Vpc", inputs={"cidrBlock": "10.0.0.0/16", **inputs})


def vpcs(aws: Aws) -> list[Any]:
    """List the VPCs that somebody made."""
    found = clients_of(aws)("ec2").describe_vpcs()["Vpcs"]
    return [each for each in found if not each["IsDefault"]]


# --- accounts


def acting_in(account: str) -> dict[str, Any]:
    """Configure a provider for another account, by a role there."""
    role = {"roleArn": f"arn:aws:iam::{account}:role/deploy", "sessionName": f"in-{account}"}
    return {"region": REGION, "assumeRoles": json.dumps([role]), "allowedAccountIds": json.dumps([account])}


def assumed(aws: Aws, account: str) -> Aws:
    """Take on the role by hand."""
    answer = clients_of(aws)("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/deploy", RoleSessionName="test")
    given = answer["Credentials"]
    return {
        **aws,
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


def test_two_stacks_at_once_each_stay_in_their_account(aws: Aws, tmp_path: Path, virtualenv: Path) -> None:
    accounts = (ACCOUNT, OTHER_ACCOUNT)
    with ExitStack() as serving, ThreadPoolExecutor(2) as pool:
        ports = [serving.enter_context(serving_provider(aws)) for _ in accounts]
        stacks = [
            new_stack(tmp_path / account, port, virtualenv) for account, port in zip(accounts, ports, strict=True)
        ]
        for account, stack in zip(accounts, stacks, strict=True):
            stack.declare({f"in-{account}": parameter(name="/same/name", value=account)}, acting_in(account))
        made = list(pool.map(lambda stack: stack.up(), stacks))
        found = [clients_of(assumed(aws, account))("ssm").get_parameters_by_path(Path="/same") for account in accounts]
        list(pool.map(lambda stack: stack.steps("destroy"), stacks))

    assert made == [{f"in-{account}": "create"} for account in accounts]
    told = [[(one["Value"], one["ARN"].split(":")[4]) for one in each["Parameters"]] for each in found]
    assert told == [[(account, account)] for account in accounts]


def test_a_wrong_account_is_refused_before_anything_is_made(aws: Aws, stack: Stack) -> None:
    stack.declare({"vpc": vpc()}, {**CONFIG, "allowedAccountIds": json.dumps([OTHER_ACCOUNT])})
    assert f"AWS account {ACCOUNT} is not allowed here" in stack.fails("up", "--yes", "--skip-preview")
    assert vpcs(aws) == []


def test_resources_are_made_in_the_region_of_their_stack(aws: Aws, stack: Stack) -> None:
    stack.declare({"vpc": vpc()}, {**CONFIG, "region": "eu-west-1"})
    stack.up()
    assert stack.state()["vpc"]["region"] == "eu-west-1"
    assert vpcs(aws) == []


# --- names


@pytest.mark.parametrize(
    ("setting", "pattern"),
    [
        (None, r"logical-[0-9a-f]{7}"),
        ({"pattern": "${project}-${name}-${hex(4)}"}, r"conformance-logical-[0-9a-f]{4}"),
        ({"pattern": "${stack}_${name}_${hex(3)}", "enforce": True}, r"conformance_logical_[0-9a-f]{3}"),
        ({"mode": "verbatim"}, r"logical"),
        ({"providers": {"aws": {"mode": "verbatim"}}}, r"logical"),
    ],
    ids=["default", "proposed", "enforced", "verbatim", "for-the-provider"],
)
def test_automatic_names_follow_the_setting(stack: Stack, setting: Any, pattern: str) -> None:
    stack.configure({"pulumi:autonaming": setting} if setting else {})
    stack.declare({"logical": parameter()})
    stack.up()
    assert re.fullmatch(pattern, stack.state()["logical"]["id"])


def test_where_the_setting_turns_automatic_names_off_one_has_to_be_given(stack: Stack) -> None:
    stack.configure({"pulumi:autonaming": {"mode": "disabled"}})
    stack.declare({"logical": parameter()})
    assert "automatic names are turned off (pulumi:autonaming): give one" in stack.fails("preview")


def test_another_setting_leaves_the_names_of_what_exists_alone(stack: Stack) -> None:
    stack.declare({"logical": parameter()})
    stack.up()
    stack.configure({"pulumi:autonaming": {"mode": "verbatim"}})
    assert stack.up() == {}


# --- inputs


@pytest.mark.parametrize(
    ("declared", "refusal"),
    [
        (
            Declared(type="aws:sqs/queue:Queue"),
            "aws:sqs/queue:Queue 'it': the local AWS provider does not know this type",
        ),
        (vpc(colour="red"), "unknown input 'colour' of aws:ec2/vpc:Vpc"),
        (Declared(type="aws:ec2/vpc:Vpc"), "missing required input 'cidrBlock' of aws:ec2/vpc:Vpc"),
    ],
    ids=["type", "input", "missing"],
)
def test_what_the_table_does_not_know_is_refused_by_name(stack: Stack, declared: Declared, refusal: str) -> None:
    stack.declare({"it": declared})
    assert refusal in stack.fails("preview")


def test_a_preview_goes_on_with_what_is_not_known_yet(stack: Stack) -> None:
    gateway = Declared(type="aws:ec2/internetGateway:InternetGateway", inputs={"vpcId": "${vpc.id}"})
    stack.declare({"vpc": vpc(), "gateway": gateway})
    assert stack.preview() == {"vpc": "create", "gateway": "create"}
    stack.up()
    stack.declare({"vpc": vpc(cidrBlock="10.1.0.0/16"), "gateway": gateway})
    assert stack.preview() == {"vpc": "delete-replaced", "gateway": "update"}


# --- secrets


def test_a_secret_is_nowhere_in_plain(stack: Stack) -> None:
    stack.declare({"parameter": parameter(CANARY)})
    said = stack.run("up", "--yes", "--diff")
    stack.refresh()
    told = [json.dumps(stack.exported()), said.stdout, said.stderr, *(text(file) for file in checkpoints(stack))]
    assert said.returncode == 0
    assert [each for each in told if CANARY in each] == []


def checkpoints(stack: Stack) -> list[Path]:
    return [file for file in (stack.folder / ".pulumi").rglob("*.json*") if file.is_file()]


def text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def test_a_secret_that_aws_repeats_in_an_error_is_taken_out(stack: Stack) -> None:
    stack.declare({"parameter": parameter(CANARY, type=CANARY)})
    said = stack.fails("up", "--yes", "--skip-preview")
    assert "aws:ssm/parameter:Parameter 'parameter': " in said
    assert "[secret]" in said
    assert CANARY not in said


# --- what was changed by hand, what is not to be changed, what was there before


def test_what_was_changed_or_deleted_by_hand_is_seen_and_repaired(aws: Aws, stack: Stack) -> None:
    ssm = clients_of(aws)("ssm")
    stack.declare({"changed": parameter(name="/changed"), "deleted": parameter(name="/deleted")})
    stack.up()
    ssm.put_parameter(Name="/changed", Value="by hand", Overwrite=True)
    ssm.delete_parameter(Name="/deleted")

    assert stack.preview() == {}
    assert stack.preview("--refresh") == {"changed": "update", "deleted": "create"}
    assert stack.up("--refresh") == {"changed": "update", "deleted": "create"}
    found = ssm.get_parameters(Names=["/changed", "/deleted"])["Parameters"]
    assert [each["Value"] for each in found] == ["1", "1"]


def test_a_refresh_tells_what_was_changed_or_deleted_by_hand(aws: Aws, stack: Stack) -> None:
    ssm = clients_of(aws)("ssm")
    stack.declare({"changed": parameter(name="/changed"), "deleted": parameter(name="/deleted")})
    stack.up()
    ssm.put_parameter(Name="/changed", Value="by hand", Overwrite=True)
    ssm.delete_parameter(Name="/deleted")
    stack.refresh()
    there = stack.state()
    assert there["changed"]["inputs"]["value"] == "by hand"
    assert "deleted" not in there
    assert stack.preview() == {"changed": "update", "deleted": "create"}


def test_an_ignored_change_is_not_brought_about(aws: Aws, stack: Stack) -> None:
    stack.declare({"it": parameter(name="/it")})
    stack.up()
    ignoring = Declared(type=parameter().type, inputs={**parameter("2").inputs, "name": "/it"},
                        options={"ignore_changes": ["value"]})  # fmt: skip
    stack.declare({"it": ignoring})
    assert stack.up() == {}
    assert clients_of(aws)("ssm").get_parameter(Name="/it")["Parameter"]["Value"] == "1"


def test_what_exists_is_imported_by_the_program(aws: Aws, stack: Stack) -> None:
    there = clients_of(aws)("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    stack.declare({"vpc": Declared(type=vpc().type, inputs=vpc().inputs, options={"import_": there})})
    assert stack.up() == {"vpc": "import"}
    assert stack.state()["vpc"]["id"] == there
    stack.declare({"vpc": vpc()})
    assert stack.up() == {}


def test_what_does_not_exist_is_not_imported(stack: Stack) -> None:
    stack.declare({"vpc": Declared(type=vpc().type, inputs=vpc().inputs, options={"import_": "vpc-0123456789abcdef0"})})
    assert "'vpc-0123456789abcdef0' does not exist" in stack.fails("up", "--yes", "--skip-preview")


def test_what_exists_is_imported_by_the_command(aws: Aws, stack: Stack) -> None:
    there = clients_of(aws)("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    stack.declare({})
    stack.up()
    (provider,) = [each["urn"] for each in stack.exported() if each["type"] == "pulumi:providers:aws"]
    options = ("--provider", f"aws={provider}", "--yes", "--protect=false")
    imported = stack.run("import", vpc().type, "vpc", there, *options)
    assert imported.returncode == 0, imported.stdout + imported.stderr
    assert "cidr_block" in imported.stdout
    assert stack.state()["vpc"]["inputs"]["cidrBlock"] == "10.0.0.0/16"


# --- failures


def test_an_error_of_aws_is_told_with_its_code_its_message_and_the_resource(stack: Stack) -> None:
    stack.declare({"main": vpc(cidrBlock="not a block")})
    said = stack.fails("up", "--yes", "--skip-preview")
    assert "aws:ec2/vpc:Vpc 'main': InvalidParameterValue: " in said
    assert "not a block" in said


def test_what_was_half_created_is_remembered_and_finished(stack: Stack) -> None:
    gateway = "aws:ec2/internetGateway:InternetGateway"
    stack.declare({"gateway": Declared(type=gateway, inputs={"vpcId": "vpc-0123456789abcdef0"})})
    said = stack.fails("up", "--yes", "--skip-preview")
    remembered = stack.state()["gateway"]["id"]
    stack.declare({"vpc": vpc(), "gateway": Declared(type=gateway, inputs={"vpcId": "${vpc.id}"})})
    finished = stack.up()
    there = stack.state()["gateway"]

    assert f"{gateway} 'gateway': InvalidVpcID.NotFound" in said
    assert finished == {"vpc": "create", "gateway": "update"}
    assert (there["id"], there["vpcId"]) == (remembered, there["inputs"]["vpcId"])


@contextmanager
def interfering(aws: Aws, service: str, operation: str, act: Callable[..., Any]) -> Iterator[None]:
    """Have `act` stand between the provider and AWS for one operation."""
    events = client(credentials_from(aws), service, REGION).meta.events
    events.register_first(f"before-send.{service}.{operation}", act)
    yield
    events.unregister(f"before-send.{service}.{operation}", act)


THROTTLED = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()


class Throttling:
    """Answers that there are too many calls, some times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, **_: Any) -> AWSResponse | None:
        if not self.left:
            return None
        self.left -= 1
        return Throttled()


class Throttled(AWSResponse):
    """AWS's answer where there are too many calls."""

    def __init__(self) -> None:
        super().__init__("", 400, HTTPHeaders(), None)

    @property
    def content(self) -> bytes:
        return THROTTLED


def test_a_throttled_call_is_tried_again(aws: Aws, stack: Stack) -> None:
    throttling = Throttling(times=2)
    stack.declare({"it": parameter()})
    with interfering(aws, "ssm", "PutParameter", throttling):
        assert stack.up() == {"it": "create"}
    assert throttling.left == 0


def test_a_call_that_stays_throttled_is_told(aws: Aws, stack: Stack) -> None:
    stack.declare({"it": parameter()})
    with interfering(aws, "ssm", "PutParameter", Throttling(times=100)):
        said = stack.fails("up", "--yes", "--skip-preview")
    assert "aws:ssm/parameter:Parameter 'it': ThrottlingException: Rate exceeded" in said


def lose_reply(request: Any, **_: Any) -> None:
    """Have AWS do what it is asked, and close the connection before it answers."""
    URLLib3Session().send(request)
    raise ConnectionClosedError(endpoint_url=request.url)


def test_a_lost_reply_is_told_and_nothing_is_made_twice(aws: Aws, stack: Stack) -> None:
    before = {each["VpcId"] for each in vpcs(aws)}
    stack.declare({"main": vpc()})
    with interfering(aws, "ec2", "CreateVpc", lose_reply):
        said = stack.fails("up", "--yes", "--skip-preview")
    (made,) = {each["VpcId"] for each in vpcs(aws)} - before
    clients_of(aws)("ec2").delete_vpc(VpcId=made)
    assert "aws:ec2/vpc:Vpc 'main': LostReply: AWS was sent CreateVpc, and its answer got lost" in said
