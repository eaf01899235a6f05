"""The policy pack on the real engine: what it lets pass, what it refuses before anything is made, and what the engine
refuses because a rule asks for the mark.

One cloud with two environments: dev is empty, prod is up. The components are copies, so that a test can break a rule
where an engineer would.
"""

import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.demo import Cloud, bring_up
from local.paths import CODE
from tests.e2e.clone import Done, client, running_cloud

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

PLANTED = {  # what breaks a rule: the file, what stands there, what shall stand there
    "a public database": ("stage/database.py", "publicly_accessible=False", "publicly_accessible=True"),
    "IMDSv1": ("machine.py", 'http_tokens="required"', 'http_tokens="optional"'),
    "a bucket that answers plain HTTP": (
        "platform/buckets.py",
        '"aws:SecureTransport": "false"',
        '"aws:SecureTransport": "no"',
    ),
    "a database without protect": ("stage/database.py", "protect=args.protected", "protect=False"),
}
REPLACING = {  # a change that makes another resource of one, and that resource
    "the database": ("stage/database.py", 'DATABASE_NAME = "app"', 'DATABASE_NAME = "other"', "env-database-instance"),
    "the buckets": ("platform/storage.py", "bucket=bucket_name,", 'bucket=f"{bucket_name}2",', "env-storage-artifacts"),
    "the signing key": ("platform/storage.py", '"ECC_NIST_P256"', '"ECC_NIST_P384"', "env-storage-signing"),
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("policy") / "clone"
    with running_cloud(folder) as cloud:
        for name in ("components", "policy"):
            (folder / name).unlink(missing_ok=True)
            shutil.copytree(CODE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / ".venv").symlink_to(sys.prefix)
        cloud.must("release", "init", "dev")
        bring_up(cloud, "prod")
        yield cloud


def pulumi(cloud: Cloud, verb: str, environment: str, *more: str) -> Done:
    pack = str(cloud.paths.project / "policy")
    return cloud.run("pulumi", verb, "--stack", environment, "--non-interactive", "--policy-pack", pack, *more)


@contextmanager
def changed(cloud: Cloud, *changes: tuple[str, str, str]) -> Iterator[None]:
    """Components with texts replaced, each of which has to be there."""
    folder = cloud.paths.project / "components"
    before: Mapping[Path, str] = {folder / name: (folder / name).read_text() for name, _, _ in changes}
    try:
        for name, old, new in changes:
            text = (folder / name).read_text()
            assert old in text
            (folder / name).write_text(text.replace(old, new))
        yield
    finally:
        for file, text in before.items():
            file.write_text(text)


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_preview_of_an_environment_keeps_every_rule(cloud: Cloud, environment: str) -> None:
    done = pulumi(cloud, "preview", environment)
    assert done.returncode == 0, done.stdout
    assert re.search(r"Policies:\n.*stageline", done.stdout), done.stdout
    assert "violation" not in done.stdout.lower()


def test_a_preview_names_every_rule_that_is_broken_and_by_which_resource(cloud: Cloud) -> None:
    with changed(cloud, *PLANTED.values()):
        done = pulumi(cloud, "preview", "prod")
    assert done.returncode != 0
    for rule, words in {
        "database-private": "env-database-instance can have a public address: set publicly_accessible=False",
        "imdsv2": "env-servers-1 gives its credentials to any request (IMDSv1)",
        "bucket-tls-only": "env-storage-backups has no policy that denies s3:*",
        "kept": "env-database-instance could be replaced or deleted by a plain `pulumi up`",
    }.items():
        assert re.search(rf"\[mandatory\].* {rule} ", done.stdout), done.stdout
        assert words in done.stdout


def test_what_breaks_a_rule_is_not_made_even_without_a_preview(cloud: Cloud) -> None:
    with changed(cloud, PLANTED["a public database"]):
        done = pulumi(cloud, "up", "dev", "--yes", "--skip-preview")
    assert done.returncode != 0
    assert "database-private" in done.stdout
    databases = client(cloud, "rds").describe_db_instances()["DBInstances"]
    assert [one["DBSubnetGroup"]["DBSubnetGroupName"].startswith("env-") for one in databases] == [True]


@pytest.mark.parametrize("what", REPLACING)
def test_a_preview_refuses_to_replace(cloud: Cloud, what: str) -> None:
    *change, name = REPLACING[what]
    with changed(cloud, (change[0], change[1], change[2])):
        done = pulumi(cloud, "preview", "prod")
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert re.search(rf'unable to replace resource "[^"]*::{name}" as it is currently marked for protection', said), (
        said
    )
