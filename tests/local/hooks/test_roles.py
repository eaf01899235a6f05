"""A role can be assumed when it exists, in its own account too."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.iam.models import iam_backends

from local.hooks.roles import install_roles
from tests.aws_clients import aws_client

OTHER = "210987654321"


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws(), ExitStack() as installed:
        install_roles(installed)
        yield aws_client("sts")


def test_the_session_of_a_role_of_another_account_is_of_that_account(sts: Any) -> None:
    role = iam_backends[OTHER]["aws"].create_role("deploy", "{}", "/", None, "", [], 3600)
    assumed = sts.assume_role(RoleArn=role.arn, RoleSessionName="me")["AssumedRoleUser"]["Arn"]
    assert assumed == f"arn:aws:sts::{OTHER}:assumed-role/deploy/me"


@pytest.mark.parametrize(
    "arn",
    [
        pytest.param("arn:aws:iam::123456789012:role/missing", id="no such role"),
        pytest.param(f"arn:aws:iam::{OTHER}:role/missing", id="no such role there"),
        pytest.param("role/missing-of-no-account", id="no ARN"),
    ],
)
def test_a_role_that_does_not_exist_cannot_be_assumed(sts: Any, arn: str) -> None:
    with pytest.raises(
        ClientError, match=f"User: arn:aws:.* is not authorized to perform: sts:AssumeRole on resource: {arn}"
    ) as refused:
        sts.assume_role(RoleArn=arn, RoleSessionName="me")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
