"""The door to AWS."""

from threading import Event
from types import SimpleNamespace

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)

from local.aws_provider.session import (
    TRIES,
    Api,
    LostReply,
    NoCredentials,
    client,
    credentials_from,
    refuse_to_repeat,
)
from local.aws_provider.waiting import WaitedInVain

KEYS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "canary-secret", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}


def test_the_same_caller_shares_one_client_and_another_does_not() -> None:
    mine = client(credentials_from(KEYS), "sts", "eu-central-1")
    assert client(credentials_from(KEYS), "sts", "eu-central-1") is mine
    assert client(credentials_from({**KEYS, "AWS_ACCESS_KEY_ID": "AKIB"}), "sts", "eu-central-1") is not mine


def test_the_endpoint_is_the_one_of_the_given_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:2")
    given = client(credentials_from(KEYS), "ssm", "eu-central-1")
    without = client(credentials_from({**KEYS, "AWS_ENDPOINT_URL": ""}), "ssm", "eu-central-1")
    assert given.meta.endpoint_url == "http://127.0.0.1:1"
    assert without.meta.endpoint_url == "https://ssm.eu-central-1.amazonaws.com"


def test_credentials_never_show_their_secret() -> None:
    assert "canary-secret" not in repr(credentials_from({**KEYS, "AWS_SESSION_TOKEN": "canary-secret"}))


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_half_of_the_credentials_are_none(missing: str) -> None:
    with pytest.raises(NoCredentials, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        credentials_from({name: value for name, value in KEYS.items() if name != missing})


URL = "http://127.0.0.1:1"


@pytest.mark.parametrize("error", [ConnectionClosedError, ReadTimeoutError])
@pytest.mark.parametrize("operation", ["CreateVpc", "RunInstances", "AllocateAddress", "AuthorizeSecurityGroupIngress"])
def test_a_call_that_makes_something_is_not_sent_again_after_a_lost_reply(
    operation: str, error: type[HTTPClientError]
) -> None:
    with pytest.raises(LostReply, match=f"AWS was sent {operation}, and its answer got lost: what it made may exist"):
        refuse_to_repeat(SimpleNamespace(name=operation), error(endpoint_url=URL))


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("CreateVpc", None),
        ("CreateVpc", ConnectTimeoutError(endpoint_url=URL)),
        ("CreateVpc", EndpointConnectionError(endpoint_url=URL)),
        ("DescribeVpcs", ConnectionClosedError(endpoint_url=URL)),
        ("DeleteVpc", ReadTimeoutError(endpoint_url=URL)),
    ],
    ids=["answered", "no-connection-in-time", "no-connection", "reads", "deletes"],
)
def test_other_calls_are_tried_again(operation: str, error: Exception | None) -> None:
    refuse_to_repeat(SimpleNamespace(name=operation), error)


def lose(request: object, **_: object) -> None:
    """Have the connection close."""
    raise ConnectionClosedError(endpoint_url=URL)


def test_every_client_refuses_to_make_something_twice() -> None:
    ec2 = client(credentials_from({**KEYS, "AWS_ACCESS_KEY_ID": "AKIC"}), "ec2", "eu-central-1")
    ec2.meta.events.register_first("before-send.ec2.CreateVpc", lose)
    with pytest.raises(LostReply):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")


def test_calls_are_tried_a_limited_number_of_times() -> None:
    retries = client(credentials_from(KEYS), "sts", "eu-central-1").meta.config.retries
    assert retries == {"total_max_attempts": TRIES, "mode": "standard"}


def test_waiting_ends_when_the_engine_wants_to_end() -> None:
    api = Api(client=None, region="eu-central-1", account="1", cancelled=Event())
    api.cancelled.set()
    with pytest.raises(WaitedInVain, match="cancelled while waiting for it"):
        api.wait_until(lambda: False, "it")
