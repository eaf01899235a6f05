"""Accounts, roles and AWS's errors, as a user is told them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    CredentialRetrievalError,
    EndpointConnectionError,
    InvalidConfigError,
    LoginRefreshRequired,
    NoCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    RefreshWithMFAUnsupportedError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from hypothesis import given
from hypothesis import strategies as st

from release.doors.aws.session import (
    AwsSession,
    advice,
    aws_call,
    aws_code,
    ends_for_good,
    refuse_too_short,
    session_name,
)
from release.process.errors import Broken, Refused

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


NETWORK = EndpointConnectionError(endpoint_url="https://sts")
ADVICE: dict[str, tuple[BotoCoreError, dict[str, str], str]] = {
    "SSO, never logged in": (
        SSOTokenLoadError(error_msg="none"),
        {"AWS_PROFILE": "ops"},
        "aws sso login --profile ops",
    ),
    "SSO, expired": (UnauthorizedSSOTokenError(), {"AWS_DEFAULT_PROFILE": "ops"}, "aws sso login --profile ops"),
    "SSO, by the default profile": (UnauthorizedSSOTokenError(), {}, "log in again: aws sso login"),
    "SSO, not renewed": (TokenRetrievalError(provider="sso", error_msg="gone"), {}, "aws sso login"),
    "aws login, expired": (LoginRefreshRequired(), {"AWS_PROFILE": "ops"}, "aws login --profile ops"),
    "misspelt profile": (ProfileNotFound(profile="osp"), {"AWS_PROFILE": "osp"}, "aws configure list-profiles"),
    "a file that is none": (ConfigParseError(path="x"), {"AWS_CONFIG_FILE": "/etc/aws"}, "mend /etc/aws"),
    "a profile of no profile": (InvalidConfigError(error_msg="no source"), {}, "mend ~/.aws/config"),
    "a process that fails": (CredentialRetrievalError(provider="custom-process", error_msg=""), {}, "gives you"),
    "a second code": (RefreshWithMFAUnsupportedError(), {}, "MFA is good once"),
    "no such bundle": (NETWORK, {"AWS_CA_BUNDLE": "/nowhere.pem"}, "there is no /nowhere.pem: check AWS_CA_BUNDLE"),
    "a bundle that is there": (NETWORK, {"AWS_CA_BUNDLE": __file__}, "check the network and the region"),
    "no network": (NETWORK, {}, "check the network and the region"),
}


@pytest.mark.parametrize(("error", "environ", "said"), ADVICE.values(), ids=ADVICE.keys())
def test_what_to_do_next_depends_on_what_went_wrong(
    error: BotoCoreError, environ: Mapping[str, str], said: str
) -> None:
    assert said in advice(error, environ)


SSO = """
[profile ops]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = operator
[sso-session corp]
sso_start_url = https://corp.example.com/start
sso_region = eu-central-1
"""


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one profile, of SSO, that nobody has logged in with."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text(SSO)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        pytest.param({"AWS_PROFILE": "ops"}, "Token for corp does not exist; log in again: aws sso login", id="sso"),
        pytest.param({"AWS_PROFILE": "osp"}, r"profile \(osp\) could not be found; check AWS_PROFILE", id="misspelt"),
        pytest.param(
            {"AWS_ENDPOINT_URL": "here", "AWS_ACCESS_KEY_ID": "a"},
            "Invalid endpoint: here; check what AWS_ENDPOINT_URL",
            id="endpoint",
        ),
        pytest.param(
            {"AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z", "AWS_ACCESS_KEY_ID": "a"},
            "your credentials have expired; log in again",
            id="expired",
        ),
        pytest.param(
            {"AWS_CREDENTIAL_EXPIRATION": "soon", "AWS_ACCESS_KEY_ID": "a"},
            "Unknown string format: soon; check what AWS_ENDPOINT_URL and AWS_CREDENTIAL_EXPIRATION say",
            id="no-time",
        ),
    ],
)
def test_credentials_that_cannot_be_used_are_told_in_a_line_before_anything_is_sent(
    profiles: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for name, value in {"AWS_SECRET_ACCESS_KEY": "b", **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Broken, match=said):
        AwsSession(account="123456789012", region=REGION, role=None).caller()


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


def remaining() -> timedelta | None:
    return AwsSession(account="123456789012", region=REGION, role=None).expires_in()


def test_credentials_in_variables_end_when_they_say(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    end = datetime.now(UTC) + timedelta(hours=2)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", end.isoformat())
    left = remaining()
    assert left is not None
    assert timedelta(minutes=119) < left <= timedelta(hours=2)


def test_credentials_that_have_expired_have_less_than_nothing_left(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")
    left = remaining()
    assert left is not None
    assert left < timedelta()


def test_static_keys_have_no_end(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CREDENTIAL_EXPIRATION", raising=False)
    assert remaining() is None


def test_a_role_that_is_assumed_again_and_again_lasts_as_long_as_who_assumes_it(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", (datetime.now(UTC) + timedelta(hours=2)).isoformat())
    session = AwsSession(account="222222222222", region=REGION, role=ROLE)
    session.caller()
    left = session.expires_in()
    assert left is not None
    assert left > timedelta(minutes=119)


def test_no_credentials_have_no_end_to_wait_for(profiles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert remaining() is None


@pytest.mark.parametrize(
    ("method", "profile", "ends"),
    [
        pytest.param("env", {}, True, id="variables"),
        pytest.param("assume-role", {"mfa_serial": "arn:aws:iam::1:mfa/ann"}, True, id="role-by-mfa"),
        pytest.param("assume-role", {}, False, id="role"),
        pytest.param("sso", {}, False, id="sso"),
        pytest.param("iam-role", {}, False, id="machine"),
        pytest.param("custom-process", {}, False, id="process"),
    ],
)
def test_botocore_renews_what_needs_no_person(method: str, profile: dict[str, str], ends: bool) -> None:
    assert ends_for_good(method, profile) is ends


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("left", "said"),
    [
        pytest.param(
            timedelta(minutes=12), "your credentials end in 12 minutes, and this may take 60 minutes", id="few"
        ),
        pytest.param(timedelta(seconds=-1), "your credentials have expired, and this may take 60 minutes", id="none"),
    ],
)
def test_work_that_credentials_do_not_outlast_is_refused(left: timedelta, said: str) -> None:
    with pytest.raises(Refused, match=f"{said}; log in again; in a workflow ask for longer ones"):
        refuse_too_short(left, HOUR)


@pytest.mark.parametrize("left", [None, HOUR, timedelta(hours=4)], ids=["no-end", "just-enough", "plenty"])
def test_credentials_that_last_are_no_reason_to_refuse(left: timedelta | None) -> None:
    refuse_too_short(left, HOUR)


def test_a_hasty_client_is_another_one_with_short_limits(aws: None) -> None:
    session = AwsSession(account="123456789012", region=REGION, role=None)
    patient, hasty = session.client("dynamodb").meta.config, session.hasty_client("dynamodb").meta.config
    assert (patient.connect_timeout, patient.read_timeout) == (5, 60)
    assert (hasty.connect_timeout, hasty.read_timeout, hasty.retries["total_max_attempts"]) == (2, 3, 2)


def test_clients_are_made_once(aws: None) -> None:
    session = AwsSession(account="123456789012", region=REGION, role=None)
    assert session.client("sts") is session.client("sts")
    assert session.hasty_client("sts") is session.hasty_client("sts")


def test_who_is_at_work_is_asked_by_a_call_that_gives_up_within_seconds(aws: None) -> None:
    session, asked = AwsSession(account="123456789012", region="eu-central-1", role=None), []
    session.hasty_client("sts").meta.events.register("before-call.sts.*", lambda **_: asked.append("STS"))
    session.caller()
    assert asked == ["STS"]
