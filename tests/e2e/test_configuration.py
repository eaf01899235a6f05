"""Configuration on the real engine: set, given to the application by a deployment, and rolled back with it."""

import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from local.demo import Cloud
from tests.e2e.clone import client, eventually, head, live_url
from tests.e2e.ready import Ready

FIRST, SECOND = "canary-first-2f6d1c\nsecond line of it", "canary-second-8a41e0"
NAME = "MAIL_PASSWORD"

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def cloud(ready: Ready) -> Iterator[Cloud]:
    with ready.live_dev() as cloud:
        yield cloud


def test_a_rollback_brings_back_the_configuration_that_was_live_before(cloud: Cloud, tmp_path: Path) -> None:
    """Set, redeploy, set another one, redeploy, roll back; the stack file's values go the same way."""
    state_open_to_all(cloud, {"FIELDMAP_NOTICE": "open-to-all-41c"})
    set_secret(cloud, tmp_path, FIRST)
    assert given(cloud) == [{}, {}], "nothing that runs changes by setting it"
    cloud.must("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--expect-no-changes")
    cloud.must("release", "redeploy", "dev")
    first = {NAME: FIRST, "FIELDMAP_NOTICE": "open-to-all-41c"}
    assert given(cloud) == [first, first]
    with urllib.request.urlopen(live_url(cloud, "dev"), timeout=10) as page:
        assert b"open-to-all-41c" in page.read()

    state_open_to_all(cloud, {"FIELDMAP_NOTICE": "goodbye"})
    set_secret(cloud, tmp_path, SECOND)
    cloud.must("release", "redeploy", "dev")
    second = {NAME: SECOND, "FIELDMAP_NOTICE": "goodbye"}
    assert given(cloud) == [second, second]

    cloud.must("release", "rollback", "dev")
    assert given(cloud) == [first, first]
    assert cloud.run("release", "drift", "dev").returncode == 0
    cloud.must("release", "audit", "dev")
    assert found_in_files(cloud, "open-to-all-41c"), "what all may read lies in the slots, so that files are looked at"
    assert found_in_files(cloud, "canary-first-2f6d1c", "second line of it", SECOND) == []
    assert found_in_aws(cloud, NAME) != []
    assert found_in_aws(cloud, "canary-first-2f6d1c", "second line of it", SECOND) == []
    assert "MAIL_PASSWORD set anew (version 2)" in cloud.must("release", "history", "dev", "--json")


def set_secret(cloud: Cloud, folder: Path, value: str) -> None:
    file = folder / "value"
    file.write_text(f"{value}\n")
    cloud.must("release", "config", "set", "dev", NAME, "--file", str(file))


def state_open_to_all(cloud: Cloud, values: dict[str, str]) -> None:
    """Change the stack file that the cloud works with."""
    file = cloud.paths.work / "Pulumi.dev.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"]["stageline:app"] = {"environment": values}
    file.write_text(yaml.safe_dump(document))


def given(cloud: Cloud) -> list[dict[str, str]]:
    """What the processes of the live slot have of these names in their environments, server by server."""
    slot = str(head(cloud, "dev")["state"]["declared"])
    names = (NAME, "FIELDMAP_NOTICE")
    eventually(lambda: len(environments(cloud, slot)) == 2)
    return [{name: one[name] for name in names if name in one} for one in environments(cloud, slot)]


def environments(cloud: Cloud, slot: str) -> list[dict[str, str]]:
    """Of the applications in a slot, as the kernel has them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        variables = dict(entry.split("=", 1) for entry in said if "=" in entry)
        ours = variables.get("HOME", "").startswith(str(cloud.paths.project))
        if ours and variables.get("SLOT") == slot and "RELEASE_VERSION" in variables:
            found.append(variables)
    return found


def found_in_aws(cloud: Cloud, *words: str) -> list[str]:
    """The items of tables and the objects of buckets that hold one of these."""
    tables, buckets = client(cloud, "dynamodb"), client(cloud, "s3")
    names = tables.list_tables()["TableNames"]
    found = {f"{name}/{item['kind']}": str(item) for name in names for item in tables.scan(TableName=name)["Items"]}
    for bucket in (one["Name"] for one in buckets.list_buckets()["Buckets"]):
        for one in buckets.list_objects_v2(Bucket=bucket).get("Contents", []):
            body = buckets.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            found[f"{bucket}/{one['Key']}"] = body.decode(errors="replace")
    return [place for place, text in found.items() if any(word in text for word in words)]


def found_in_files(cloud: Cloud, *secrets: str) -> list[str]:
    """The files of the cloud, of logs, state and servers, that hold one of these."""
    words = [part for secret in secrets for part in ("-e", secret)]
    done = subprocess.run(
        ["grep", "-rlaF", *words, str(cloud.paths.project), "--exclude-dir=proc"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    return done.stdout.splitlines()
