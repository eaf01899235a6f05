"""The door to AWS."""

import pytest

from local.aws_provider.session import NoCredentials, client, credentials_from

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
