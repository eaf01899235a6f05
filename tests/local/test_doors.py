"""Things are found by the names that people gave them, and their doors are opened by the keys that the cloud holds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from local import doors, inventory, models
from local.answers import Looks, Stopping, labelled, status_handler, stop_handler
from local.control import Connection
from local.errors import CloudError
from local.paths import Paths
from tests.aws_clients import aws_client

TAGS = {"project": "stageline", "environment": "dev"}
NOBODY: Any = None  # the asker's connection, which these handlers do not use


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(project=tmp_path)


def instance(name: str, **tags: str) -> str:
    tagged = [{"Key": key, "Value": value} for key, value in {"Name": name, **tags}.items()]
    launched = aws_client("ec2").run_instances(
        ImageId="ami-12345678",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tagged}],
    )
    return str(launched["Instances"][0]["InstanceId"])


def database(identifier: str, address: str, **tags: str) -> None:
    aws_client("rds").create_db_instance(
        DBInstanceIdentifier=identifier,
        Engine="postgres",
        DBInstanceClass="db.t4g.small",
        AllocatedStorage=20,
        MasterUsername="master",
        MasterUserPassword="canary-canary",
        DBName="fieldmap",
        Port=5432,
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    (made,) = [one for one in models.backends("rds") if identifier in one.databases]
    made.databases[identifier].local_address = address


def secrets() -> None:
    for name in ("deploy-key", "host-key", "bastion-host-key"):
        pair = json.dumps({"private": f"{name} private", "public": f"{name} public"})
        aws_client("secretsmanager").create_secret(Name=f"stageline/dev/{name}", SecretString=pair)


def test_a_server_is_known_by_its_id_its_name_and_its_address() -> None:
    server = instance("dev-1", **TAGS)
    (known,) = inventory.servers()
    assert known.words == (server, "dev-1", known.address)
    assert all(inventory.find("server", word, [known]) is known for word in known.words)


def test_a_terminated_server_is_known_no_more() -> None:
    aws_client("ec2").terminate_instances(InstanceIds=[instance("dev-1")])
    assert inventory.servers() == []


def test_a_name_that_two_have_is_refused() -> None:
    instance("twin")
    instance("twin")
    with pytest.raises(CloudError, match="'twin' names 2 of the servers"):
        inventory.find("server", "twin", inventory.servers())


def test_servers_without_a_name_are_not_found_by_an_empty_one() -> None:
    instance("")
    with pytest.raises(CloudError, match="there is no server ''"):
        inventory.find("server", "", inventory.servers())


def test_the_door_of_a_server_is_opened_by_the_keys_of_its_environment() -> None:
    secrets()
    server = instance("dev-1", **TAGS)
    door = doors.ssh_door(server, 2022)
    assert (door["port"], door["environment"]) == (2022, "dev")
    assert (door["private"], door["host_key"]) == ("deploy-key private", "host-key public")


def test_the_bastion_is_known_by_its_own_host_key() -> None:
    secrets()
    door = doors.ssh_door(instance("stageline-dev-bastion", **TAGS), 2022)
    assert (door["private"], door["host_key"]) == ("deploy-key private", "bastion-host-key public")


def test_a_server_of_no_environment_has_no_door() -> None:
    with pytest.raises(CloudError, match="belongs to no environment"):
        doors.ssh_door(instance("mine"), 2222)


def test_keys_that_are_not_there_are_named_with_what_makes_them() -> None:
    with pytest.raises(CloudError, match="no secret stageline/dev/deploy-key: `release init dev`"):
        doors.ssh_door(instance("dev-1", **TAGS), 2222)


@pytest.mark.parametrize("word", ["a-database", "127.9.2.1", "dev"])
def test_a_database_is_known_by_its_identifier_its_address_and_its_environment(word: str) -> None:
    database("a-database", "127.9.2.1", **TAGS)
    door = doors.psql_door(word)
    assert (door["address"], door["port"], door["name"]) == ("127.9.2.1", 5432, "fieldmap")
    assert (door["user"], door["password"]) == ("master", "canary-canary")


def test_the_log_of_a_database_is_its_newest(paths: Paths) -> None:
    database("a-database", "127.9.2.1", **TAGS)
    with pytest.raises(CloudError, match="has no log"):
        doors.log_of(paths, "a-database", None)
    paths.databases.mkdir(parents=True)
    log = paths.databases / "db-127.9.2.1.log"
    log.touch()
    (paths.databases / "db-127.9.2.11.log").touch()
    assert doors.log_of(paths, "dev", None) == log


def test_the_logs_of_a_server_are_its_boot_and_its_units(paths: Paths) -> None:
    server = instance("dev-1", **TAGS)
    with pytest.raises(CloudError, match="no boot log"):
        doors.log_of(paths, "dev-1", None)
    journal = paths.servers / server / "var/log/journal"
    journal.mkdir(parents=True)
    (journal / "blue.service").touch()
    (journal.parent / "cloud-init-output.log").touch()
    assert doors.log_of(paths, "dev-1", None).name == "cloud-init-output.log"
    assert doors.log_of(paths, "dev-1", "blue") == doors.log_of(paths, "dev-1", "blue.service")
    with pytest.raises(CloudError, match=r"there are blue\.service"):
        doors.log_of(paths, "dev-1", "../../../etc/passwd")


def test_status_shows_parts_by_the_names_that_people_gave() -> None:
    instance("dev-1", **TAGS)
    (server,) = inventory.servers()
    parts: dict[str, list[dict[str, Any]]] = {"servers": [{"id": server.id, "address": server.address}]}
    looks = Looks(
        services=list,
        load_balancers=list,
        databases=list,
        servers=lambda: parts["servers"],
        faults=list,
    )
    status = status_handler({"url": "here"}, looks)({}, NOBODY)
    assert status["servers"] == [{**parts["servers"][0], "name": "dev-1", "environment": "dev"}]
    assert status["url"] == "here"


def test_a_part_that_the_api_does_not_know_is_shown_as_it_is() -> None:
    assert labelled([{"address": "127.9.3.1"}], {"127.9.3.2": {"name": "x"}}) == [{"address": "127.9.3.1"}]


def test_a_cloud_whose_state_cannot_be_kept_goes_on() -> None:
    server = instance("dev-1")
    (made,) = inventory.instances()
    made.unfit = (number for number in range(3))
    stopping = Stopping()
    with pytest.raises(CloudError, match="the state cannot be kept"):
        stop_handler(stopping)({"keep": True}, Connection(NOBODY))
    assert not stopping.wanted.is_set()
    stop_handler(stopping)({"keep": False}, Connection(NOBODY))
    assert (stopping.wanted.is_set(), stopping.keep, made.id) == (True, False, server)
