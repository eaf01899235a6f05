"""Demos on the real engine: up in one command, redeployed, gone when their time is over, and dev never touched."""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bench.scratch import change_settings
from examples.build import WHEELS, build, pack, source, vendor, wheels
from examples.versions import VERSIONS
from local.demo import Cloud, post, project_names
from local.paths import CODE
from release.process.canonical import canonical_json
from tests.e2e.clone import begin, client, ended, eventually, head
from tests.e2e.ready import Ready

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

BRANCH = "feature-demo/map"
TABLE = "stageline-demos"
STATE_KEY = "awskms://alias/stageline-dev-state?region=eu-central-1"
START = (CODE / "examples" / "page" / "bin" / "start").read_bytes()
SEED = b"""#!/usr/bin/env python3
import os, sys
sys.path[:0] = [os.getcwd(), os.path.join(os.getcwd(), "vendor")]
from fieldmap.database import connect
connect(os.environ["DATABASE_URL"]).run("INSERT INTO projects (name) VALUES ('Seeded')")
"""


@pytest.fixture(scope="module")
def cloud(ready: Ready) -> Iterator[Cloud]:
    with ready.dev() as cloud:
        cloud.must("release", "database-login", "dev")
        yield cloud


@pytest.fixture(scope="module", autouse=True)
def before(cloud: Cloud) -> dict[str, Any]:
    """dev's HEAD before any demo."""
    return head(cloud, "dev")


def status(cloud: Cloud) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cloud.must("release", "status", "--json"))["environments"]
    return found


def artifact(cloud: Cloud, text: str) -> str:
    file = cloud.paths.project / f"{text}.tar.gz"
    file.write_bytes(pack({"bin/start": START, "index.html": text.encode()}))
    return str(file)


def demo(cloud: Cloud, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cloud.must("release", "demo", *arguments, "--json"))
    return found


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def left_of(cloud: Cloud, creation: str) -> list[str]:
    """Whatever names the creation, in AWS and in the project."""
    secrets = client(cloud, "secretsmanager").list_secrets()["SecretList"]
    groups = client(cloud, "ec2").describe_security_groups(Filters=[{"Name": "tag:creation", "Values": [creation]}])
    roles = client(cloud, "iam").list_roles(PathPrefix=f"/stageline/demo-{creation}/")["Roles"]
    objects = client(cloud, "s3").list_objects_v2(
        Bucket="stageline-dev-artifacts-123456789012-eu-central-1", Prefix=f"demos/{creation}"
    )
    return [
        *(one["Name"] for one in secrets if creation in one["Name"]),
        *(one["GroupId"] for one in groups["SecurityGroups"]),
        *(one["RoleName"] for one in roles),
        *(one["Key"] for one in objects.get("Contents", [])),
    ]


def expire(cloud: Cloud, stack: str) -> None:
    """Let a demo's time be over, as days would."""
    table, key = client(cloud, "dynamodb"), {"stack": {"S": stack}}
    item = table.get_item(TableName=TABLE, Key=key, ConsistentRead=True)["Item"]
    body = {**json.loads(item["body"]["S"]), "expires": "2026-01-01T00:00:00+00:00"}
    table.put_item(TableName=TABLE, Item={**item, "body": {"S": canonical_json(body).decode()}})


def server_of(cloud: Cloud, creation: str) -> str:
    tagged = [{"Name": "tag:creation", "Values": [creation]}]
    [entry] = client(cloud, "ec2").describe_instances(Filters=tagged)["Reservations"]
    return str(entry["Instances"][0]["InstanceId"])


def protect(cloud: Cloud, server: str, *, on: bool) -> None:
    client(cloud, "ec2").modify_instance_attribute(InstanceId=server, DisableApiTermination={"Value": on})


def branches(cloud: Cloud) -> list[str]:
    return [one["branch"] for one in demo(cloud, "list")["demos"]]


def test_a_branch_is_shown_redeployed_listed_and_taken_down(cloud: Cloud) -> None:
    made = demo(cloud, "up", BRANCH, "--artifact", artifact(cloud, "first"), "--open-to", "world")["demo"]
    assert fetched(made["url"]) == "first"

    again = demo(cloud, "up", BRANCH, "--artifact", artifact(cloud, "second"))["demo"]
    assert (again["url"], again["creation"]) == (made["url"], made["creation"])
    assert fetched(made["url"]) == "second"

    [listed] = demo(cloud, "list")["demos"]
    assert (listed["branch"], listed["state"], listed["owner"]) == (BRANCH, "up", made["owner"])
    assert {one["environment"] for one in status(cloud)} == {"dev", "qa", "staging", "prod"}

    stack = made["stack"]
    preview = cloud.must("pulumi", "preview", "--stack", stack, "--non-interactive")
    assert "unchanged" in preview and "to update" not in preview

    demo(cloud, "down", BRANCH)
    assert branches(cloud) == []
    assert left_of(cloud, made["creation"]) == []
    assert stack not in cloud.must("pulumi", "stack", "ls")
    assert not Path(cloud.paths.work / f"Pulumi.{stack}.yaml").exists()


def test_a_demo_whose_time_is_over_is_reaped_also_from_another_checkout(cloud: Cloud) -> None:
    made = demo(cloud, "up", BRANCH, "--artifact", artifact(cloud, "third"))["demo"]
    assert demo(cloud, "reap")["reaped"] == []
    (cloud.paths.work / f"Pulumi.{made['stack']}.yaml").unlink()
    expire(cloud, made["stack"])
    cloud.must("release", "tick", "dev")
    assert branches(cloud) == []
    assert left_of(cloud, made["creation"]) == []


def test_one_that_aws_keeps_is_reported_kept_and_gone_once_that_is_mended(cloud: Cloud) -> None:
    made = demo(cloud, "up", BRANCH, "--artifact", artifact(cloud, "fourth"))["demo"]
    server = server_of(cloud, made["creation"])
    protect(cloud, server, on=True)
    failed = cloud.run("release", "demo", "down", BRANCH)
    assert failed.returncode == 1
    [kept] = demo(cloud, "list")["demos"]
    assert kept["state"] == "dying" and "disableApiTermination" in kept["why"]

    protect(cloud, server, on=False)
    [reaped] = demo(cloud, "reap")["reaped"]
    assert (reaped["branch"], reaped["how"]) == (BRANCH, "gone")
    assert branches(cloud) == []
    assert left_of(cloud, made["creation"]) == []


def test_one_whose_command_was_killed_is_gone_on_with(cloud: Cloud) -> None:
    killed = begin(cloud, "release", "demo", "up", BRANCH, "--artifact", artifact(cloud, "fifth"))
    eventually(lambda: [one["content"] is not None for one in demo(cloud, "list")["demos"]] == [True], limit=60)
    killed.kill()
    ended(killed)
    made = demo(cloud, "up", BRANCH, "--artifact", artifact(cloud, "sixth"))["demo"]
    assert fetched(made["url"]) == "sixth"
    demo(cloud, "down", BRANCH)
    assert left_of(cloud, made["creation"]) == []


def secret_of(cloud: Cloud, creation: str) -> dict[str, str]:
    name = f"stageline/demo-{creation}/database-login"
    text = client(cloud, "secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    found: dict[str, str] = json.loads(text)
    return found


def rows(cloud: Cloud, login: dict[str, str], database: str, statement: str) -> list[tuple[Any, ...]]:
    [instance] = [one for one in instances(cloud) if "-demo-" not in one["DBInstanceIdentifier"]]
    with psycopg.connect(
        host=instance["Endpoint"]["Address"],
        port=instance["Endpoint"]["Port"],
        dbname=database,
        user=login["username"],
        password=login["password"],
    ) as connection:
        return connection.execute(statement.encode()).fetchall()


def instances(cloud: Cloud) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client(cloud, "rds").describe_db_instances()["DBInstances"]
    return found


def rules_of(cloud: Cloud, creation: str) -> list[str]:
    """The rules that let this demo reach what belongs to its base."""
    tagged = [{"Name": "tag:creation", "Values": [creation]}]
    found = client(cloud, "ec2").describe_security_group_rules(Filters=tagged)["SecurityGroupRules"]
    own = client(cloud, "ec2").describe_security_groups(Filters=tagged)["SecurityGroups"]
    return [one["GroupId"] for one in found if one["GroupId"] not in [group["GroupId"] for group in own]]


def seeding(cloud: Cloud) -> str:
    """The example with a bin/seed that brings one row."""
    content = {**source(VERSIONS["1.0.0"]), **vendor(wheels(WHEELS)), "bin/seed": SEED}
    file = cloud.paths.project / "seeding.tar.gz"
    file.write_bytes(pack(content))
    return str(file)


def test_a_demo_has_rows_of_its_own_in_its_bases_database_and_they_go_with_it(cloud: Cloud) -> None:
    file = seeding(cloud)
    one = demo(cloud, "up", "feature-demo/one", "--artifact", file, "--version", "1.0.0")["demo"]
    other = demo(cloud, "up", "feature-demo/other", "--artifact", file, "--version", "1.0.0", "--data", "seed")["demo"]
    assert post(f"{one['url']}/api/projects", {"name": "Orchard survey"}) == 201
    assert (project_names(one["url"]), project_names(other["url"])) == (["Orchard survey"], ["Seeded"])

    logins = [secret_of(cloud, made["creation"]) for made in (one, other)]
    names = [f"demo_{made['creation']}" for made in (one, other)]
    assert [login["username"] for login in logins] == names
    assert rows(cloud, logins[0], names[0], "SELECT name FROM projects") == [("Orchard survey",)]
    for database in ("app", names[0]):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            rows(cloud, logins[1], database, "SELECT 1")
    assert [len(rules_of(cloud, made["creation"])) for made in (one, other)] == [1, 1]

    again = demo(cloud, "up", "feature-demo/one", "--artifact", file, "--version", "1.0.0")["demo"]
    assert project_names(again["url"]) == ["Orchard survey"]

    demo(cloud, "down", "feature-demo/one")
    there = "SELECT rolname, datname FROM pg_roles LEFT JOIN pg_database ON datname = rolname WHERE rolname ~ '^demo_'"
    assert rows(cloud, logins[1], names[1], there) == [(names[1], names[1])]
    assert left_of(cloud, one["creation"]) == rules_of(cloud, one["creation"]) == []
    assert project_names(other["url"]) == ["Seeded"]
    demo(cloud, "down", "feature-demo/other")


def test_a_demo_with_an_instance_of_its_own_takes_that_along(cloud: Cloud) -> None:
    change_settings(cloud, "dev", "demo", database="own")
    [file] = build(cloud.paths.project / "dist", ["1.0.0"])
    made = demo(cloud, "up", BRANCH, "--artifact", str(file), "--version", "1.0.0")["demo"]
    assert post(f"{made['url']}/api/projects", {"name": "Orchard survey"}) == 201
    [own] = [one for one in instances(cloud) if made["creation"] in one["DBInstanceIdentifier"]]
    assert (own["DBInstanceClass"], own["BackupRetentionPeriod"], own["DeletionProtection"]) == (
        "db.t4g.micro",
        0,
        False,
    )
    again = demo(cloud, "up", BRANCH, "--artifact", str(file), "--version", "1.0.0")["demo"]
    assert project_names(again["url"]) == ["Orchard survey"]

    demo(cloud, "down", BRANCH)
    assert len(instances(cloud)) == 1
    assert left_of(cloud, made["creation"]) == []
    snapshots = client(cloud, "rds").describe_db_snapshots()["DBSnapshots"]
    assert [one for one in snapshots if made["creation"] in one["DBInstanceIdentifier"]] == []


def test_a_stack_that_is_in_no_registry_declares_nothing(cloud: Cloud) -> None:
    stack = "demo-forged-000000"
    cloud.must("pulumi", "stack", "init", stack, "--secrets-provider", STATE_KEY)
    shutil.copy(cloud.paths.work / "Pulumi.dev.yaml", file := cloud.paths.work / f"Pulumi.{stack}.yaml")
    refused = cloud.run("pulumi", "up", "--stack", stack, "--yes", "--skip-preview", "--non-interactive")
    assert refused.returncode != 0
    assert f"there is no demo of the stack {stack}" in refused.stdout + refused.stderr
    cloud.must("pulumi", "stack", "rm", stack, "--yes")
    assert not file.exists()


def test_the_base_was_never_touched(cloud: Cloud, before: dict[str, Any]) -> None:
    assert head(cloud, "dev") == before
    assert cloud.run("release", "audit", "dev").returncode == 0
