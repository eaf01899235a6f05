"""The application's own role in the database, on the real engine: who is what there, who may read what, and no leak.

One cloud for all: dev is up and 1.0.0 is live in it. Tests look into the real PostgreSQL as its master user.
"""

import fnmatch
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.demo import Cloud, post, version_at
from tests.e2e.clone import client, live_url
from tests.e2e.ready import Ready

SECRET = "stageline/dev/database-login"
UP = ("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")
OWNERS = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@dataclass(frozen=True, kw_only=True)
class Dev:
    """A user's shell, dev's live URL, every command line until the first release is live, and what `release` said."""

    cloud: Cloud
    url: str
    command_lines: set[str]
    said: str


@pytest.fixture(scope="module")
def dev(ready: Ready) -> Iterator[Dev]:
    with ready.live_dev() as cloud:
        made = ready.made
        yield Dev(cloud=cloud, url=live_url(cloud, "dev"), command_lines=made.command_lines, said=made.said)


def test_the_first_deployment_makes_the_role_and_the_application_works_as_it(dev: Dev) -> None:
    assert json.loads(dev.said[: dev.said.rindex("}") + 1])["evidence"]["preflight"]["role"] == "made"
    assert post(f"{dev.url}/api/projects", {"name": "Orchard survey"}) == 201
    assert asked(dev, "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'fieldmap'") == [
        ("application",)
    ]
    assert asked(dev, OWNERS) == [("application",)]


def test_the_role_owns_its_database_and_has_no_other_power(dev: Dev) -> None:
    powers = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
    assert asked(dev, f"SELECT {powers} FROM pg_roles WHERE rolname = 'application'") == [(False,) * 5]
    owned = "SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE rolname = 'application'"
    assert asked(dev, owned) == [("app",)]
    assert asked(dev, "SELECT 1 FROM pg_auth_members JOIN pg_roles m ON m.oid = member WHERE m.rolname = %s",
                 "application") == []  # fmt: skip


def test_servers_may_read_the_applications_secret_and_not_the_masters(dev: Dev) -> None:
    secrets = client(dev.cloud, "secretsmanager")
    readable = readable_secrets(dev.cloud)
    own = secrets.describe_secret(SecretId=SECRET)["ARN"]
    assert any(fnmatch.fnmatchcase(own, pattern) for pattern in readable)
    assert [pattern for pattern in readable if fnmatch.fnmatchcase(master_secret(dev.cloud), pattern)] == []


def test_no_password_leaves_its_place(dev: Dev) -> None:
    passwords = {login(dev.cloud, SECRET)["password"], login(dev.cloud, master_secret(dev.cloud))["password"]}
    state = dev.cloud.must("pulumi", "stack", "export", "--stack", "dev", "--show-secrets")
    assert any("-W" in line for line in dev.command_lines), "the way to the database was not seen"
    for text in (state, dev.said, *dev.command_lines):
        assert [password for password in passwords if password in text] == []
    assert files_with(dev.cloud, passwords) == []


def test_an_environment_of_before_moves_over_with_its_rows_and_the_master_user_stays_able(dev: Dev) -> None:
    asked(dev, "CREATE TABLE legacy (name text); INSERT INTO legacy VALUES ('kept')")
    asked(dev, "ALTER ROLE application PASSWORD NULL")
    client(dev.cloud, "secretsmanager").delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
    refused = dev.cloud.run(*UP)
    assert (refused.returncode != 0, f"the secret {SECRET} is missing; run: release init dev" in refused.stdout) == (
        True,
        True,
    )
    dev.cloud.must("release", "init", "dev")
    assert dev.cloud.run(*UP, "--expect-no-changes").returncode == 0
    assert asked(dev, OWNERS) == [("application",)]
    assert asked(dev, "SELECT name FROM legacy") == [("kept",)]
    assert asked(dev, "SELECT name FROM legacy", secret=SECRET) == [("kept",)]


def test_a_new_password_replaces_the_old_one_and_what_runs_goes_on(dev: Dev) -> None:
    old = login(dev.cloud, SECRET)
    dev.cloud.must("release", "database-login", "dev", "--new-password")
    assert login(dev.cloud, SECRET)["password"] != old["password"]
    assert asked(dev, "SELECT 1", secret=SECRET) == [(1,)]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(dev.cloud, old).close()
    assert version_at(dev.url) == "1.0.0"
    assert post(f"{dev.url}/api/projects", {"name": "River mapping"}) == 201


def test_a_database_that_is_not_reached_stops_the_deployment_before_anything_changes(dev: Dev) -> None:
    text = client(dev.cloud, "ssm").get_parameter(Name="/stageline/dev/database")["Parameter"]["Value"]
    elsewhere = json.dumps({**json.loads(text), "port": 1})
    put = client(dev.cloud, "ssm").put_parameter
    put(Name="/stageline/dev/database", Value=elsewhere, Overwrite=True)
    try:
        done = dev.cloud.run("release", "database-login", "dev")
    finally:
        put(Name="/stageline/dev/database", Value=text, Overwrite=True)
    assert done.returncode == 1
    assert "the database is not reached through 127." in done.stderr


def asked(dev: Dev, statement: str, *values: str, secret: str = "") -> list[tuple[Any, ...]]:
    """The rows that the database answers its master user, or whose login is in `secret`."""
    with connect(dev.cloud, login(dev.cloud, secret or master_secret(dev.cloud))) as connection:
        cursor = connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def connect(cloud: Cloud, user: dict[str, str]) -> psycopg.Connection[tuple[Any, ...]]:
    (database,) = client(cloud, "rds").describe_db_instances()["DBInstances"]
    return psycopg.connect(
        host=database["Endpoint"]["Address"],
        port=database["Endpoint"]["Port"],
        dbname="app",
        user=user["username"],
        password=user["password"],
        connect_timeout=10,
    )


def login(cloud: Cloud, secret: str) -> dict[str, str]:
    value: dict[str, str] = json.loads(
        client(cloud, "secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    )
    return value


def master_secret(cloud: Cloud) -> str:
    (database,) = client(cloud, "rds").describe_db_instances()["DBInstances"]
    return str(database["MasterUserSecret"]["SecretArn"])


def readable_secrets(cloud: Cloud) -> list[str]:
    """The secrets that the role of the servers may read, as its policies say it."""
    iam = client(cloud, "iam")
    (server, *_) = client(cloud, "ec2").describe_instances()["Reservations"][0]["Instances"]
    profile = server["IamInstanceProfile"]["Arn"].rpartition("/")[2]
    (role,) = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]
    policies = [
        iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    ]
    statements = [one for policy in policies for one in policy["Statement"]]
    return [
        resource
        for one in statements
        if any(fnmatch.fnmatchcase("secretsmanager:GetSecretValue", action) for action in listed(one["Action"]))
        for resource in listed(one["Resource"])
    ]


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def files_with(cloud: Cloud, secrets: set[str]) -> list[Path]:
    """The files of the clone (state, logs, servers, temporary files, the database) that hold one of them."""
    wanted = [secret.encode() for secret in secrets]
    files = (file for file in cloud.paths.project.rglob("*") if file.is_file() and not file.is_symlink())
    return [file for file in files if any(secret in file.read_bytes() for secret in wanted)]
