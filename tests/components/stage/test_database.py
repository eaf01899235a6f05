"""Database: private, encrypted, and without a password anywhere."""

import json
from typing import Any

import pytest

from components.recording import Declared
from components.stage.database import family
from tests.components.recording import record, settings_of


def instance(environment: str) -> dict[str, Any]:
    [declared] = record(settings_of(environment)).of("aws:rds/instance:Instance")
    return declared.inputs


def parameters(group: Declared) -> dict[str, str]:
    return {one["name"]: one["value"] for one in group.inputs["parameters"]}


@pytest.mark.parametrize("environment", ["dev", "qa", "staging", "prod"])
def test_every_database_is_private_encrypted_and_has_a_managed_password(environment: str) -> None:
    inputs = instance(environment)
    assert inputs["publiclyAccessible"] is False
    assert inputs["storageEncrypted"] is True
    assert inputs["manageMasterUserPassword"] is True


def test_the_database_is_encrypted_with_a_key_of_the_environment_that_is_rotated_and_outlives_it() -> None:
    recording = record(settings_of("prod"))
    [database] = recording.of("aws:rds/instance:Instance")
    key = recording.one("aws:kms/key:Key", "env-database-key")
    assert database.inputs["kmsKeyId"] == key.outputs["arn"]
    assert (key.inputs["enableKeyRotation"], key.inputs["deletionWindowInDays"]) == (True, 30)
    assert [one.name for one in recording.declared if one.retain_on_delete] == ["env-database-key"]
    [statement] = json.loads(key.inputs["policy"])["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}


def test_the_databases_key_has_its_alias_before_the_database_because_permissions_go_by_that() -> None:
    recording = record(settings_of("prod"))
    [database] = recording.of("aws:rds/instance:Instance")
    alias = recording.one("aws:kms/alias:Alias", "env-database-key")
    assert alias.inputs == {"name": "alias/stageline-prod-database", "targetKeyId": "env-database-key-key"}
    assert alias.urn in database.after


def test_another_key_replaces_no_database() -> None:
    [database] = record(settings_of("prod")).of("aws:rds/instance:Instance")
    assert database.ignore_changes == ("kmsKeyId",)


def test_no_deployment_may_migrate_until_somebody_says_so_and_no_up_takes_that_back() -> None:
    parameter = record(settings_of("dev")).one("aws:ssm/parameter:Parameter", "env-database-migration")
    assert parameter.inputs == {"name": "/stageline/dev/migration", "type": "String", "value": "none"}
    assert parameter.ignore_changes == ("value",)


def test_the_database_stands_in_the_private_subnets() -> None:
    [group] = record(settings_of("dev")).of("aws:rds/subnetGroup:SubnetGroup")
    assert group.inputs["subnetIds"] == ["env-network-private-a-id", "env-network-private-b-id"]


def test_prod_keeps_a_final_snapshot_with_a_name_of_this_incarnation() -> None:
    inputs = instance("prod")
    assert inputs["skipFinalSnapshot"] is False
    assert inputs["finalSnapshotIdentifier"] == "stageline-prod-postgres-final-env-network-vpc-id"


def test_dev_goes_without_a_final_snapshot() -> None:
    inputs = instance("dev")
    assert inputs["skipFinalSnapshot"] is True
    assert "finalSnapshotIdentifier" not in inputs


def test_the_parameter_tells_servers_where_the_database_is_and_the_applications_secret() -> None:
    parameter = record(settings_of("dev")).one("aws:ssm/parameter:Parameter", "env-database-parameter")
    assert (parameter.inputs["name"], parameter.inputs["type"]) == ("/stageline/dev/database", "String")
    assert json.loads(parameter.inputs["value"]) == {
        "identifier": "stageline-dev-postgres-env-network-vpc-id",
        "engine": "postgres",
        "host": "env-database-instance.example",
        "port": 5432,
        "name": "app",
        "secret": "stageline/dev/database-login",
        "tls": "required",
    }


@pytest.mark.parametrize(
    ("engine", "version", "tls", "expected"),
    [
        pytest.param("postgres", "17.4", True, ("postgres17", "rds.force_ssl", "1"), id="postgres"),
        pytest.param("postgres", "17.4", False, ("postgres17", "rds.force_ssl", "0"), id="postgres without TLS"),
        pytest.param("mysql", "8.4.3", True, ("mysql8.4", "require_secure_transport", "1"), id="mysql"),
        pytest.param("mysql", "8.4.3", False, ("mysql8.4", "require_secure_transport", "0"), id="mysql without TLS"),
    ],
)
def test_each_engine_refuses_plain_connections_by_its_parameter(
    engine: str, version: str, tls: bool, expected: tuple[str, str, str]
) -> None:
    database = settings_of("dev").database.model_copy(update={"engine": engine, "version": version, "tls": tls})
    recording = record(settings_of("dev", database=database))
    [group] = recording.of("aws:rds/parameterGroup:ParameterGroup")
    assert (group.inputs["family"], parameters(group).get(expected[1])) == (expected[0], expected[2])
    [declared] = recording.of("aws:rds/instance:Instance")
    assert declared.inputs["parameterGroupName"] == group.outputs["name"]


def test_a_mysql_database_has_its_port_and_tells_it() -> None:
    database = settings_of("dev").database.model_copy(update={"engine": "mysql", "version": "8.4.3", "port": 3306})
    recording = record(settings_of("dev", database=database))
    [declared] = recording.of("aws:rds/instance:Instance")
    parameter = recording.one("aws:ssm/parameter:Parameter", "env-database-parameter")
    assert (declared.inputs["engine"], declared.inputs["port"]) == ("mysql", 3306)
    assert json.loads(parameter.inputs["value"])["engine"] == "mysql"


@pytest.mark.parametrize(
    ("engine", "version", "logs"),
    [
        pytest.param("postgres", "17.4", ["postgresql", "upgrade"], id="postgres"),
        pytest.param("mysql", "8.4.3", ["error", "slowquery"], id="mysql"),
    ],
)
def test_what_went_wrong_in_a_database_goes_to_groups_that_are_encrypted_and_there_before_it(
    engine: str, version: str, logs: list[str]
) -> None:
    database = settings_of("prod").database.model_copy(update={"engine": engine, "version": version})
    recording = record(settings_of("prod", database=database))
    [instance] = recording.of("aws:rds/instance:Instance")
    assert instance.inputs["enabledCloudwatchLogsExports"] == logs
    for log in logs:
        group = recording.one("aws:cloudwatch/logGroup:LogGroup", f"env-database-log-{log}")
        assert group.inputs == {
            "name": f"/aws/rds/instance/{instance.inputs['identifier']}/{log}",
            "retentionInDays": settings_of("prod").monitoring.log_days,
            "kmsKeyId": "arn:of:env-logs-key",
        }
        assert group.urn in instance.after


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_change_of_the_database_waits_for_no_maintenance_window(environment: str) -> None:
    [instance] = record(settings_of(environment)).of("aws:rds/instance:Instance")
    assert instance.inputs["applyImmediately"] is True


def test_mysql_writes_its_slow_queries_where_they_are_sent_from() -> None:
    database = settings_of("dev").database.model_copy(update={"engine": "mysql", "version": "8.4.3"})
    [group] = record(settings_of("dev", database=database)).of("aws:rds/parameterGroup:ParameterGroup")
    assert parameters(group).items() >= {"slow_query_log": "1", "log_output": "FILE"}.items()


@pytest.mark.parametrize(
    ("engine", "version", "expected"),
    [
        ("postgres", "17", "postgres17"),
        ("postgres", "17.4", "postgres17"),
        ("mysql", "8.0", "mysql8.0"),
        ("mysql", "8.4.3", "mysql8.4"),
    ],
)
def test_the_family_of_parameters_is_that_of_the_version(engine: str, version: str, expected: str) -> None:
    assert family(engine, version) == expected
