"""The AWS API answers at its address, people act on it as users with identities, and it can be made to fail.

Proved with boto3's own clients: what they make of a reply is what Stageline gets to see.
"""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from moto.core.base_backend import BackendDict

from local.access import AccessKey
from local.aws_api import AwsApi, create_user
from local.errors import CloudError
from local.faults import Faults

pytestmark = pytest.mark.enable_socket

OTHER = "210987654321"
FOREIGN = AccessKey(id="AKIAIOSFODNN7EXAMPLE", secret="canary")
HOUR = 3600.0

# A call of every service in use, and what its client is told: too many calls, an unknown key, a signature from
# before and from after the cloud's time.
JSON = ("ThrottlingException", "UnrecognizedClientException", "InvalidSignatureException", "InvalidSignatureException")
QUERY = ("Throttling", "InvalidClientTokenId", "SignatureDoesNotMatch", "SignatureDoesNotMatch")
CALLS = {
    "s3:ListBuckets": ("SlowDown", "InvalidAccessKeyId", "RequestTimeTooSkewed", "RequestTimeTooSkewed"),
    "ec2:DescribeInstances": ("RequestLimitExceeded", "AuthFailure", "RequestExpired", "AuthFailure"),
    "dynamodb:ListTables": JSON,
    "kms:ListKeys": JSON,
    "logs:DescribeLogGroups": JSON,
    "secretsmanager:ListSecrets": JSON,
    "ssm:DescribeParameters": JSON,
    "cloudwatch:ListMetrics": QUERY,
    "elbv2:DescribeLoadBalancers": QUERY,
    "iam:ListUsers": QUERY,
    "rds:DescribeDBInstances": QUERY,
    "sns:ListTopics": QUERY,
    "sts:GetCallerIdentity": QUERY,
}


@pytest.fixture
def api() -> Iterator[AwsApi]:
    BackendDict.reset()  # other tests of this process leave users and buckets
    api = AwsApi("127.0.0.1", free_port())
    api.start()
    yield api
    api.close()


@pytest.fixture
def faults(api: AwsApi) -> Faults:
    faults = Faults({**dict.fromkeys(("delay", "drop", "throttle", "lose"), api.call_faults), "clock": api.clock})
    api.call_faults.tell(faults.spent)
    return faults


def test_a_taken_port_is_a_one_line_error() -> None:
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        port = taker.getsockname()[1]
        with pytest.raises(CloudError, match=f"port {port} is taken on 127.0.0.1") as taken:
            AwsApi("127.0.0.1", port)
    assert "\n" not in str(taken.value)


def test_its_status_says_whether_it_serves() -> None:
    api = AwsApi("127.0.0.1", free_port())
    api.start()
    serving = api.status()
    api.close()
    ended = api.status()
    running = {"name": "AWS API", "address": api.url, "state": "running"}
    assert (serving, ended) == ([running], [{**running, "state": "crashed"}])


def test_the_user_that_people_act_as_is_the_caller(api: AwsApi) -> None:
    caller = client(api, "sts", create_user()).get_caller_identity()
    assert (caller["Account"], caller["Arn"]) == ("123456789012", "arn:aws:iam::123456789012:user/ops")


def test_every_account_has_its_own_ops_user_whose_key_stays_the_same(api: AwsApi) -> None:
    key = create_user(OTHER)
    caller = client(api, "sts", key).get_caller_identity()
    assert (caller["Account"], caller["Arn"]) == (OTHER, f"arn:aws:iam::{OTHER}:user/ops")
    assert (create_user(OTHER), create_user().id == key.id) == (key, False)


@pytest.mark.parametrize("account", ["prod", "1234", "1234567890123"])
def test_an_account_that_is_none_is_a_one_line_error(account: str) -> None:
    with pytest.raises(CloudError, match=f"an AWS account has 12 digits, not '{account}': give one like 123456789012"):
        create_user(account)


def test_a_user_made_over_the_api_is_somebody_else_until_its_key_is_taken_away(api: AwsApi) -> None:
    iam = client(api, "iam", create_user())
    iam.create_user(UserName="lead")
    made = iam.create_access_key(UserName="lead")["AccessKey"]
    lead = client(api, "sts", AccessKey(id=made["AccessKeyId"], secret=made["SecretAccessKey"]))
    assert lead.get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/lead"
    iam.update_access_key(UserName="lead", AccessKeyId=made["AccessKeyId"], Status="Inactive")
    assert code_of(lead.get_caller_identity) == "InvalidClientTokenId"
    iam.update_access_key(UserName="lead", AccessKeyId=made["AccessKeyId"], Status="Active")
    lead.get_caller_identity()
    iam.delete_access_key(UserName="lead", AccessKeyId=made["AccessKeyId"])
    assert code_of(lead.get_caller_identity) == "InvalidClientTokenId"


def test_an_assumed_role_acts_in_its_own_account(api: AwsApi) -> None:
    role = client(api, "iam", create_user(OTHER)).create_role(RoleName="deploy", AssumeRolePolicyDocument="{}")["Role"]
    given = client(api, "sts", create_user()).assume_role(RoleArn=role["Arn"], RoleSessionName="me")["Credentials"]
    session = client(
        api,
        "sts",
        AccessKey(id=given["AccessKeyId"], secret=given["SecretAccessKey"]),
        aws_session_token=given["SessionToken"],
    )
    caller = session.get_caller_identity()
    assert (caller["Account"], caller["Arn"]) == (OTHER, f"arn:aws:sts::{OTHER}:assumed-role/deploy/me")


@pytest.mark.parametrize("call", CALLS)
def test_boto3_understands_every_refusal_of_every_service(api: AwsApi, faults: Faults, call: str) -> None:
    faults.add("throttle", call, times=1)
    throttled = code_of(caller(api, call))
    unknown = code_of(caller(api, call, FOREIGN))
    faults.add("clock", seconds=HOUR)
    early = code_of(caller(api, call))
    faults.clear()
    faults.add("clock", seconds=-HOUR)
    late = code_of(caller(api, call))
    faults.clear()
    assert (throttled, unknown, early, late) == CALLS[call]
    assert caller(api, call)()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("call", [call for call in CALLS if call.startswith(("s3", "ec2", "dyn", "cloudw", "sts"))])
def test_boto3_tries_a_throttled_call_again(api: AwsApi, faults: Faults, call: str) -> None:
    faults.add("throttle", call, times=1)
    answer = caller(api, call, attempts=2)()
    assert (answer["ResponseMetadata"]["RetryAttempts"], faults.list()) == (1, ())
    assert api.counts.take(reset=False) == {call: 2}


@pytest.mark.parametrize(("kind", "done"), [("drop", False), ("lose", True)])
def test_a_connection_that_is_closed_on_a_call_of_any_size(api: AwsApi, faults: Faults, kind: str, done: bool) -> None:
    s3 = client(api, "s3", create_user())
    bucket = f"bucket-{kind}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    faults.add(kind, "s3:PutObject", times=2)
    for size in (1, 5_000_000):
        with pytest.raises(ConnectionClosedError):
            s3.put_object(Bucket=bucket, Key=str(size), Body=b"x" * size)
    kept = {found["Key"]: found["Size"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}
    assert kept == ({"1": 1, "5000000": 5_000_000} if done else {})


def test_a_reply_bears_the_time_of_the_cloud(api: AwsApi, faults: Faults) -> None:
    faults.add("clock", seconds=120)
    headers = caller(api, "sts:GetCallerIdentity")()["ResponseMetadata"]["HTTPHeaders"]
    ahead = parsedate_to_datetime(headers["date"]) - datetime.now(UTC)
    assert timedelta(seconds=90) < ahead <= timedelta(seconds=120)


def caller(api: AwsApi, call: str, key: AccessKey | None = None, attempts: int = 1) -> Any:
    service, _, operation = call.partition(":")
    return getattr(client(api, service, key or create_user(), attempts), xform_name(operation))


def code_of(call: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Code"])


def client(api: AwsApi, service: Any, key: AccessKey, attempts: int = 1, **more: Any) -> Any:
    return boto3.client(
        service,
        region_name="eu-central-1",
        endpoint_url=api.url,
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
        **more,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
