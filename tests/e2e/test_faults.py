"""`local-cloud fault` on a real cloud: what is broken shows in AWS's answers, is listed, and is mended."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.e2e.clone import Clone, new_clone

ONCE = Config(retries={"total_max_attempts": 1})
OTHER = "210987654321"

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    clone = new_clone(tmp_path_factory.mktemp("clone") / "a clone")
    started = clone.run("up")
    assert started.returncode == 0, started.stderr
    yield clone
    clone.run("down")


@pytest.fixture(autouse=True)
def mended(cloud: Clone) -> Iterator[None]:
    yield
    cloud.run("fault", "clear")


def test_a_throttled_service_says_so_as_often_as_it_should(cloud: Clone) -> None:
    must(cloud, "fault", "throttle", "sts:GetCallerIdentity", "--times", "2")
    (listed,) = json.loads(must(cloud, "fault", "list", "--json"))
    caller = sts(cloud.environment())
    codes = [code_of(caller), code_of(caller), caller.get_caller_identity()["Account"]]
    assert (listed["kind"], listed["target"], listed["times"]) == ("throttle", "sts:GetCallerIdentity", 2)
    assert codes == ["Throttling", "Throttling", "123456789012"]
    assert must(cloud, "fault", "list") == "nothing is broken\n"


def test_a_clock_that_is_off_refuses_everybody_until_it_is_put_right(cloud: Clone) -> None:
    caller = sts(cloud.environment())
    must(cloud, "fault", "clock", "-10m")
    off = code_of(caller)
    must(cloud, "fault", "clear")
    assert (off, caller.get_caller_identity()["Account"]) == ("SignatureDoesNotMatch", "123456789012")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("throttle dynamo", "local-cloud: there is no AWS service 'dynamo' here: there are acm, cloudwatch, "),
        ("stop web-9", "local-cloud: "),
        ("break nothing", "local-cloud: "),
        ("clear f99", "local-cloud: there is no fault 'f99'"),
    ],
)
def test_what_does_not_exist_is_told_in_one_line(cloud: Clone, line: str, said: str) -> None:
    done = cloud.run("fault", *line.split())
    assert (done.returncode, done.stderr.startswith(said), len(done.stderr.splitlines())) == (1, True, 1)


def test_each_account_has_its_own_user_and_keys_of_elsewhere_are_refused(cloud: Clone) -> None:
    shell = must(cloud, "env", "--account", OTHER)
    exported = dict(line.removeprefix("export ").split("=", 1) for line in shell.splitlines() if "=" in line)
    environment = {**cloud.environment(), **{name: exported[name] for name in exported if name.startswith("AWS_")}}
    assert sts(environment).get_caller_identity()["Arn"] == f"arn:aws:iam::{OTHER}:user/ops"
    assert code_of(sts({**environment, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"})) == "InvalidClientTokenId"


def must(cloud: Clone, *arguments: str) -> str:
    done = cloud.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def code_of(caller: Any) -> str:
    with pytest.raises(ClientError) as refused:
        caller.get_caller_identity()
    return str(refused.value.response["Error"]["Code"])


def sts(environment: dict[str, str]) -> Any:
    return boto3.client(
        "sts",
        region_name="eu-central-1",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=ONCE,
    )
