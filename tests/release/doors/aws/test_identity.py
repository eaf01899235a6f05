"""GitHub's OIDC provider: an account has one, made by whichever environment comes first."""

from typing import Any

import pytest

from release.doors.aws.identity import GithubProvider
from release.doors.aws.session import AwsSession

GITHUB = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"


@pytest.fixture
def session(aws: None) -> AwsSession:
    return AwsSession(account="123456789012", region="eu-central-1", role=None)


def audiences(session: AwsSession) -> list[str]:
    found: Any = session.client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=GITHUB)
    return list(found["ClientIDList"])


def test_it_is_made_once(session: AwsSession) -> None:
    assert [GithubProvider(session).ensure() for _ in range(2)] == [True, False]
    assert audiences(session) == ["sts.amazonaws.com"]


class TheirProvider:
    """IAM with a provider that another project made; moto cannot add an audience."""

    account = "123456789012"

    def __init__(self) -> None:
        self.audiences = ["theirs"]

    def client(self, service: str) -> "TheirProvider":
        return self

    def get_open_id_connect_provider(self, OpenIDConnectProviderArn: str) -> dict[str, Any]:
        return {"ClientIDList": self.audiences}

    def add_client_id_to_open_id_connect_provider(self, OpenIDConnectProviderArn: str, ClientID: str) -> None:
        assert OpenIDConnectProviderArn == GITHUB
        self.audiences.append(ClientID)


def test_one_of_somebody_else_is_kept_and_accepts_tokens_for_aws_from_now_on() -> None:
    theirs: Any = TheirProvider()
    assert [GithubProvider(theirs).ensure() for _ in range(2)] == [False, False]
    assert theirs.audiences == ["theirs", "sts.amazonaws.com"]
