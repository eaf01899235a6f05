"""Calls to RDS do the real thing: databases hold rows, their snapshots too, and what moto gets wrong is mended."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.databases import Declared, Master
from local.errors import CloudError
from local.faults import Fault
from local.hooks.database_states import STATES, DatabaseStates
from local.hooks.databases import install_databases
from tests.aws_clients import aws_client

REGION = "eu-central-1"


@dataclass
class Databases:
    """Clusters that are only names."""

    made: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    snapshots: dict[str, str] = field(default_factory=dict)
    declared: dict[str, Declared] = field(default_factory=dict)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    broken: bool = False

    def create(self, declared: Declared, *, port: int, master: Master, name: str | None) -> str:
        return self._add(declared, ("empty", port, master, name))

    def restore(self, snapshot: str, declared: Declared, *, port: int, master: Master) -> str:
        return self._add(declared, (snapshot, port, master, None))

    def declare(self, address: str, declared: Declared) -> None:
        self.declared[address] = declared

    def check_parameters(self, parameters: Mapping[str, str]) -> None:
        if "shared_buffers" in parameters:
            raise CloudError("cannot set shared_buffers")

    def reload(self, address: str) -> None:
        self.asked.append(("reload", dict(self.declared[address].parameters)))

    def reboot(self, address: str) -> None:
        self.refuse_if_broken()
        self.asked.append(("reboot", dict(self.declared[address].parameters)))

    def snapshot(self, address: str) -> str:
        name = f"copy-{len(self.snapshots)}"
        self.snapshots[name] = address
        return name

    def copy_snapshot(self, snapshot: str) -> str:
        return self.snapshot(self.snapshots[snapshot])

    def delete_snapshot(self, snapshot: str) -> None:
        del self.snapshots[snapshot]

    def set_password(self, address: str, master: Master) -> None:
        self.refuse_if_broken()
        content, port, _, name = self.made[address]
        self.made[address] = (content, port, master, name)

    def stop(self, address: str) -> None:
        self.made[address] = ("stopped", *self.made[address][1:])

    def start(self, address: str) -> None:
        self.refuse_if_broken()
        self.made[address] = ("started", *self.made[address][1:])

    def delete(self, address: str) -> None:
        del self.made[address]

    def refuse_if_broken(self) -> None:
        if self.broken:
            raise CloudError("the database did not start: no memory")

    def _add(self, declared: Declared, made: tuple[Any, ...]) -> str:
        self.refuse_if_broken()
        address = f"127.9.2.{len(self.made) + 1}"
        self.made[address], self.declared[address] = made, declared
        return address


@dataclass
class Cloud:
    """The hooked moto with its fake."""

    databases: Databases

    def client(self, service: str) -> Any:
        return aws_client(service, REGION)

    def database(self, name: str = "dev", **more: Any) -> dict[str, Any]:
        made = self.client("rds").create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.t4g.small",
            AllocatedStorage=20,
            **{
                "Engine": "postgres",
                "Port": 5432,
                "MasterUsername": "master",
                "ManageMasterUserPassword": True,
                "DBName": "fieldmap",
                **more,
            },
        )
        return dict(made["DBInstance"])

    def snapshots(self, kind: str) -> list[str]:
        found = self.client("rds").describe_db_snapshots(SnapshotType=kind)["DBSnapshots"]
        return [each["DBSnapshotIdentifier"] for each in found]

    def group(self) -> str:
        self.client("rds").create_db_parameter_group(
            DBParameterGroupName="slow", DBParameterGroupFamily="postgres17", Description="queries"
        )
        return "slow"

    def set_parameter(self, name: str, value: str) -> None:
        parameter = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
        self.client("rds").modify_db_parameter_group(DBParameterGroupName="slow", Parameters=[parameter])

    def secret(self, database: dict[str, Any]) -> Master:
        found = self.client("secretsmanager").get_secret_value(SecretId=database["MasterUserSecret"]["SecretArn"])
        content = json.loads(found["SecretString"])
        return Master(user=content["username"], password=content["password"])


@dataclass
class Parts:
    """All that these hooks are given."""

    databases: Databases


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    parts: Any = Parts(Databases())
    with mock_aws(), ExitStack() as installed:
        install_databases(installed, parts)
        yield Cloud(parts.databases)


def test_a_database_is_made_with_the_password_of_its_secret(cloud: Cloud) -> None:
    database = cloud.database()
    assert database["Endpoint"] == {"Address": "127.9.2.1", "Port": 5432}
    master = cloud.secret(database)
    assert master.user == "master"
    assert cloud.databases.made["127.9.2.1"] == ("empty", 5432, master, "fieldmap")


def test_two_databases_have_different_passwords(cloud: Cloud) -> None:
    passwords = {cloud.secret(cloud.database(name)).password for name in ("one", "two")}
    assert len(passwords) == 2


def test_a_given_password_is_used_and_a_changed_one_too(cloud: Cloud) -> None:
    cloud.database(ManageMasterUserPassword=False, MasterUserPassword="first-pass")
    first = cloud.databases.made["127.9.2.1"][2]
    cloud.client("rds").modify_db_instance(
        DBInstanceIdentifier="dev", MasterUserPassword="second-pass", ApplyImmediately=True
    )
    second = cloud.databases.made["127.9.2.1"][2]
    assert (first.password, second.password) == ("first-pass", "second-pass")


def test_a_change_without_a_new_password_leaves_the_database_alone(cloud: Cloud) -> None:
    cloud.database()
    before = dict(cloud.databases.made)
    cloud.client("rds").modify_db_instance(DBInstanceIdentifier="dev", BackupRetentionPeriod=7, ApplyImmediately=True)
    assert cloud.databases.made == before


@pytest.mark.parametrize("engine", ["mysql", "mariadb"])
def test_another_engine_is_refused_and_nothing_is_made(cloud: Cloud, engine: str) -> None:
    with pytest.raises(ClientError, match="runs PostgreSQL only"):
        cloud.database(Engine=engine)
    assert cloud.client("rds").describe_db_instances()["DBInstances"] == []


def test_a_database_that_does_not_start_is_an_error_and_is_forgotten(cloud: Cloud) -> None:
    cloud.databases.broken = True
    with pytest.raises(ClientError, match="no memory"):
        cloud.database()
    assert cloud.client("rds").describe_db_instances()["DBInstances"] == []


def test_a_restored_database_has_the_content_of_the_snapshot_and_a_secret_of_its_own(cloud: Cloud) -> None:
    original = cloud.database()
    rds = cloud.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier="dev", DBSnapshotIdentifier="before")
    restored = rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="beside", DBSnapshotIdentifier="before")[
        "DBInstance"
    ]
    content, _, master, _ = cloud.databases.made[restored["Endpoint"]["Address"]]
    assert cloud.databases.snapshots[content] == original["Endpoint"]["Address"]
    assert master == cloud.secret(restored) != cloud.secret(original)


def test_a_new_database_after_a_restore_is_empty(cloud: Cloud) -> None:
    cloud.database()
    rds = cloud.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier="dev", DBSnapshotIdentifier="before")
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="beside", DBSnapshotIdentifier="before")
    new = cloud.database("new")
    assert cloud.databases.made[new["Endpoint"]["Address"]][0] == "empty"


def test_deleting_a_database_takes_the_final_snapshot_first(cloud: Cloud) -> None:
    address = cloud.database()["Endpoint"]["Address"]
    cloud.client("rds").delete_db_instance(
        DBInstanceIdentifier="dev", FinalDBSnapshotIdentifier="final", SkipFinalSnapshot=False
    )
    assert (list(cloud.databases.snapshots.values()), cloud.databases.made) == ([address], {})


def test_a_protected_database_is_not_deleted(cloud: Cloud) -> None:
    cloud.database(DeletionProtection=True)
    with pytest.raises(ClientError, match="protected"):
        cloud.client("rds").delete_db_instance(DBInstanceIdentifier="dev", SkipFinalSnapshot=True)
    assert list(cloud.databases.made) == ["127.9.2.1"]


def test_a_copied_snapshot_outlives_the_original(cloud: Cloud) -> None:
    cloud.database()
    rds = cloud.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier="dev", DBSnapshotIdentifier="before")
    rds.copy_db_snapshot(SourceDBSnapshotIdentifier="before", TargetDBSnapshotIdentifier="kept")
    rds.delete_db_snapshot(DBSnapshotIdentifier="before")
    assert cloud.snapshots("manual") == ["kept"]
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="beside", DBSnapshotIdentifier="kept")


def test_a_database_is_really_stopped_and_started(cloud: Cloud) -> None:
    address = cloud.database()["Endpoint"]["Address"]
    rds = cloud.client("rds")
    rds.stop_db_instance(DBInstanceIdentifier="dev")
    stopped = cloud.databases.made[address][0]
    rds.start_db_instance(DBInstanceIdentifier="dev")
    assert (stopped, cloud.databases.made[address][0]) == ("stopped", "started")


def test_what_has_nothing_real_behind_it_is_refused(cloud: Cloud) -> None:
    cloud.database()
    rds = cloud.client("rds")
    with pytest.raises(ClientError, match=re.escape("no restoring to a point in time (it keeps no transaction log)")):
        rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier="dev", TargetDBInstanceIdentifier="then", UseLatestRestorableTime=True
        )


def test_the_automated_snapshot_of_a_restored_database_has_its_content(cloud: Cloud) -> None:
    cloud.database()
    rds = cloud.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier="dev", DBSnapshotIdentifier="before")
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="beside", DBSnapshotIdentifier="before")
    address = rds.describe_db_instances(DBInstanceIdentifier="beside")["DBInstances"][0]["Endpoint"]["Address"]
    automated = [name for name in cloud.snapshots("automated") if name.startswith("rds:beside-")]
    again = rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="again", DBSnapshotIdentifier=automated[0])
    content = cloud.databases.made[again["DBInstance"]["Endpoint"]["Address"]][0]
    assert cloud.databases.snapshots[content] == address


def test_a_database_that_keeps_no_backups_has_no_automated_snapshot(cloud: Cloud) -> None:
    cloud.database(BackupRetentionPeriod=0)
    assert (cloud.snapshots("automated"), cloud.databases.snapshots) == ([], {})


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        pytest.param({}, "is required unless SkipFinalSnapshot", id="neither"),
        pytest.param({"SkipFinalSnapshot": True, "FinalDBSnapshotIdentifier": "final"}, "can not be", id="both"),
    ],
)
def test_a_database_is_not_deleted_without_saying_what_becomes_of_its_rows(
    cloud: Cloud, asked: dict[str, Any], problem: str
) -> None:
    cloud.database()
    with pytest.raises(ClientError, match=problem):
        cloud.client("rds").delete_db_instance(DBInstanceIdentifier="dev", **asked)
    assert list(cloud.databases.made) == ["127.9.2.1"]


def test_a_renamed_database_is_the_same_one_under_its_new_name(cloud: Cloud) -> None:
    address = cloud.database()["Endpoint"]["Address"]
    rds = cloud.client("rds")
    rds.modify_db_instance(DBInstanceIdentifier="dev", NewDBInstanceIdentifier="dev-old", ApplyImmediately=True)
    found = rds.describe_db_instances()["DBInstances"]
    assert [(each["DBInstanceIdentifier"], each["Endpoint"]["Address"]) for each in found] == [("dev-old", address)]
    assert cloud.databases.declared[address].identifier == "dev-old"


def test_a_rename_never_takes_the_name_of_another_database(cloud: Cloud) -> None:
    cloud.database("one")
    cloud.database("two")
    with pytest.raises(ClientError, match="already exists"):
        cloud.client("rds").modify_db_instance(DBInstanceIdentifier="one", NewDBInstanceIdentifier="two")
    found = cloud.client("rds").describe_db_instances()["DBInstances"]
    assert sorted(each["DBInstanceIdentifier"] for each in found) == ["one", "two"]


def test_a_larger_storage_is_declared_to_the_database(cloud: Cloud) -> None:
    address = cloud.database()["Endpoint"]["Address"]
    cloud.client("rds").modify_db_instance(DBInstanceIdentifier="dev", AllocatedStorage=50, ApplyImmediately=True)
    assert cloud.databases.declared[address].storage_gib == 50


def test_each_database_has_a_resource_id_of_its_own(cloud: Cloud) -> None:
    ids = {cloud.database(name)["DbiResourceId"] for name in ("one", "two")}
    assert len(ids) == 2
    assert all(re.fullmatch("db-[A-Z0-9]{26}", each) for each in ids)


def test_a_rotated_password_is_a_new_one_in_the_secret_and_in_the_database(cloud: Cloud) -> None:
    database = cloud.database()
    before = cloud.secret(database)
    cloud.client("rds").modify_db_instance(
        DBInstanceIdentifier="dev", RotateMasterUserPassword=True, ApplyImmediately=True
    )
    after = cloud.secret(database)
    assert after != before
    assert cloud.databases.made[database["Endpoint"]["Address"]][2] == after


def test_a_password_that_cannot_be_set_is_not_the_instances_password(cloud: Cloud) -> None:
    cloud.database(ManageMasterUserPassword=False, MasterUserPassword="first-pass")
    cloud.databases.broken = True
    rds = cloud.client("rds")
    with pytest.raises(ClientError, match="no memory"):
        rds.modify_db_instance(DBInstanceIdentifier="dev", MasterUserPassword="second-pass", ApplyImmediately=True)
    cloud.databases.broken = False
    rds.modify_db_instance(DBInstanceIdentifier="dev", MasterUserPassword="second-pass", ApplyImmediately=True)
    assert cloud.databases.made["127.9.2.1"][2].password == "second-pass"


def test_a_parameter_is_taken_over_by_the_databases_of_its_group_only(cloud: Cloud) -> None:
    cloud.database("grouped", DBParameterGroupName=cloud.group())
    cloud.database("other")
    cloud.set_parameter("work_mem", "8192")
    assert cloud.databases.asked == [("reload", {"work_mem": "8192"})]


def test_a_parameter_that_cannot_be_set_is_refused_and_not_kept(cloud: Cloud) -> None:
    cloud.group()
    with pytest.raises(ClientError, match="cannot set shared_buffers"):
        cloud.set_parameter("shared_buffers", "1")
    cloud.database(DBParameterGroupName="slow")
    assert cloud.databases.declared["127.9.2.1"].parameters == {}


def test_a_rebooted_database_has_the_parameters_of_its_new_group(cloud: Cloud) -> None:
    cloud.database()
    cloud.group()
    cloud.set_parameter("max_connections", "100")
    rds = cloud.client("rds")
    rds.modify_db_instance(DBInstanceIdentifier="dev", DBParameterGroupName="slow")
    rds.reboot_db_instance(DBInstanceIdentifier="dev")
    assert cloud.databases.asked == [("reboot", {"max_connections": "100"})]


def test_a_stopped_database_cannot_be_rebooted(cloud: Cloud) -> None:
    cloud.database()
    rds = cloud.client("rds")
    rds.stop_db_instance(DBInstanceIdentifier="dev")
    with pytest.raises(ClientError, match="is stopped, not available"):
        rds.reboot_db_instance(DBInstanceIdentifier="dev")


def test_a_database_that_cannot_be_started_stays_stopped(cloud: Cloud) -> None:
    cloud.database()
    rds = cloud.client("rds")
    rds.stop_db_instance(DBInstanceIdentifier="dev")
    cloud.databases.broken = True
    with pytest.raises(ClientError, match="no memory"):
        rds.start_db_instance(DBInstanceIdentifier="dev")
    assert rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "stopped"


def snapshot(cloud: Cloud, name: str) -> None:
    cloud.client("rds").create_db_snapshot(DBInstanceIdentifier="dev", DBSnapshotIdentifier=name)


def test_the_quota_counts_manual_snapshots_and_no_automated_ones(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_RDS_SNAPSHOT_LIMIT", "2")
    cloud.database(BackupRetentionPeriod=7)
    assert len(cloud.snapshots("automated")) == 1
    snapshot(cloud, "one")
    snapshot(cloud, "two")
    with pytest.raises(ClientError, match="SnapshotQuotaExceeded"):
        snapshot(cloud, "three")
    with pytest.raises(ClientError, match="SnapshotQuotaExceeded"):
        cloud.client("rds").copy_db_snapshot(SourceDBSnapshotIdentifier="one", TargetDBSnapshotIdentifier="three")
    with pytest.raises(ClientError, match="DBSnapshotAlreadyExists"):
        snapshot(cloud, "two")
    cloud.client("rds").delete_db_snapshot(DBSnapshotIdentifier="one")
    snapshot(cloud, "three")
    assert cloud.snapshots("manual") == ["two", "three"]


def test_an_account_has_a_hundred_manual_snapshots(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTO_RDS_SNAPSHOT_LIMIT", raising=False)
    cloud.database()
    for number in range(100):
        snapshot(cloud, f"s{number}")
    with pytest.raises(ClientError, match="SnapshotQuotaExceeded"):
        snapshot(cloud, "one-more")


@pytest.mark.parametrize(("kind", "status"), STATES.items())
def test_no_snapshot_is_taken_while_rds_says_that_the_database_is_not_available(
    cloud: Cloud, kind: str, status: str
) -> None:
    cloud.database()
    states, fault = DatabaseStates(), Fault(id="f1", kind=kind, target="dev")
    states.inject(fault)
    assert cloud.client("rds").describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == status
    with pytest.raises(ClientError, match="InvalidDBInstanceState"):
        snapshot(cloud, "before")
    states.lift(fault)
    snapshot(cloud, "before")
    assert cloud.snapshots("manual") == ["before"]


def test_no_snapshot_is_taken_of_a_database_that_was_stopped(cloud: Cloud) -> None:
    cloud.database()
    cloud.client("rds").stop_db_instance(DBInstanceIdentifier="dev")
    with pytest.raises(ClientError, match="InvalidDBInstanceState"):
        snapshot(cloud, "before")


def test_a_cloud_that_ends_leaves_no_database_in_a_state_of_a_fault(cloud: Cloud) -> None:
    cloud.database()
    states = DatabaseStates()
    states.inject(Fault(id="f1", kind="busy", target="dev"))
    with pytest.raises(CloudError, match="database dev is backing-up already"):
        states.inject(Fault(id="f2", kind="full", target="dev"))
    states.close()
    assert cloud.client("rds").describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "available"


def test_the_state_of_a_database_that_is_not_there_cannot_be_changed(cloud: Cloud) -> None:
    cloud.database()
    with pytest.raises(CloudError, match="there is no database 'qa': there are dev"):
        DatabaseStates().inject(Fault(id="f1", kind="busy", target="qa"))
