"""Accounts, roles and AWS's errors, as a user is told them."""

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from release.aws.session import AwsSession, aws_call, aws_code, session_name
from release.errors import Broken, Refused

REGION = "eu-central-1"
ROLE = "arn:aws:iam::222222222222:role/deploy"


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "it said so"}}, "GetThing")


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        pytest.param(NoCredentialsError(), "cannot look: no AWS credentials were found; set AWS_PROFILE", id="none"),
        pytest.param(client_error("Boom"), "cannot look: Boom: it said so", id="aws-code"),
        pytest.param(client_error("ExpiredToken"), "your credentials have expired: log in again", id="expired"),
        pytest.param(client_error("NoSuchBucket"), "has not come up yet", id="no-bucket"),
        pytest.param(ReadTimeoutError(endpoint_url="x"), "check the network and the region", id="network"),
    ],
)
def test_what_boto3_raises_is_told_in_a_line(raised: Exception, said: str) -> None:
    with pytest.raises(Broken) as caught, aws_call("look"):
        raise raised
    assert said in str(caught.value)


def test_the_aws_code_of_a_translated_error_can_be_asked() -> None:
    with pytest.raises(Broken) as caught, aws_call("look"):
        raise client_error("Boom")
    assert aws_code(caught.value) == "Boom"
    assert aws_code(Broken("no answer")) == ""


def test_credentials_of_another_account_are_refused(aws: None) -> None:
    with pytest.raises(Refused, match="your credentials are of account 123456789012, this environment is in 2222"):
        AwsSession(account="222222222222", region=REGION, role=None).caller()


def test_a_role_is_assumed_under_the_name_of_who_assumes_it(aws: None) -> None:
    session = AwsSession(account="222222222222", region=REGION, role=ROLE)
    assert session.caller() == "arn:aws:sts::222222222222:assumed-role/deploy/moto"


@given(st.text())
def test_any_caller_gives_a_session_name_that_sts_allows(name: str) -> None:
    found = session_name(f"arn:aws:iam::123456789012:user/{name}")
    assert 2 <= len(found) <= 64
    assert all(character.isascii() and (character.isalnum() or character in "_+=,.@-") for character in found)
