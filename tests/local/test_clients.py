"""Clients of one cloud, made by somebody whose shell is set up for another account."""

from pathlib import Path
from typing import Any

import pytest

from local.clients import cloud_client
from local.demo import Cloud
from local.paths import Paths

URL = "http://127.9.1.1:4566"
ELSEWHERE: dict[str, str] = {
    "a profile that is not there": "AWS_PROFILE=nonsense",
    "another one": "AWS_DEFAULT_PROFILE=nonsense",
    "a file that is none": f"AWS_CONFIG_FILE={__file__}",
    "no number of attempts": "AWS_MAX_ATTEMPTS=many",
    "another way of retrying": "AWS_RETRY_MODE=never",
    "FIPS": "AWS_USE_FIPS_ENDPOINT=true",
    "endpoints of services": "AWS_ENDPOINT_URL_STS=http://elsewhere",
    "a proxy": "HTTP_PROXY=http://elsewhere:3128",
    "another session": "AWS_SESSION_TOKEN=theirs",
}


def made() -> Any:
    return cloud_client("sts", url=URL, region="eu-central-1", key="AKIA1", secret="canary")


@pytest.mark.parametrize("variable", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_a_client_is_of_the_cloud_that_it_was_made_for(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(*variable.split("=", 1))
    client = made()
    credentials = client._request_signer._credentials
    assert (client.meta.endpoint_url, client.meta.region_name) == (URL, "eu-central-1")
    assert (credentials.access_key, credentials.secret_key, credentials.token) == ("AKIA1", "canary", None)
    assert client._endpoint.http_session._proxy_config.proxy_url_for(URL) is None


def test_the_files_of_a_home_are_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("this is no configuration")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert made().meta.endpoint_url == URL


def test_the_demo_looks_at_its_own_cloud_whatever_profile_its_caller_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nonsense")
    names = {"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "canary"}
    cloud = Cloud(Paths(project=tmp_path), {**names, "AWS_ENDPOINT_URL": URL})
    assert cloud.client("ec2").meta.endpoint_url == URL
