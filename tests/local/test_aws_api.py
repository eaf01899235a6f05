"""The AWS API answers at its address, and people act on it as a user with an identity."""

import socket
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.access import AccessKey
from local.aws_api import AwsApi, create_user
from local.errors import CloudError

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def api() -> Iterator[AwsApi]:
    api = AwsApi("127.0.0.1", free_port())
    api.start()
    yield api
    api.close()


def test_the_user_that_people_act_as_is_the_caller(api: AwsApi) -> None:
    caller = client(api, create_user()).get_caller_identity()
    assert (caller["Account"], caller["Arn"]) == ("123456789012", "arn:aws:iam::123456789012:user/ops")


def test_a_taken_port_is_a_one_line_error() -> None:
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        port = taker.getsockname()[1]
        with pytest.raises(CloudError, match=f"port {port} is taken on 127.0.0.1") as taken:
            AwsApi("127.0.0.1", port)
    assert "\n" not in str(taken.value)


def client(api: AwsApi, key: AccessKey) -> Any:
    return boto3.client(
        "sts",
        region_name="eu-central-1",
        endpoint_url=api.url,
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        config=Config(retries={"total_max_attempts": 1}),
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
