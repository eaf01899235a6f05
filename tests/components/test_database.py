"""Database: private, encrypted, and without a password anywhere."""

import json
from typing import Any

import pytest

from tests.components.recording import MASTER_SECRET, record, settings_of


def instance(environment: str) -> dict[str, Any]:
    [declared] = record(settings_of(environment)).of("aws:rds/instance:Instance")
    return declared.inputs


@pytest.mark.parametrize("environment", ["dev", "qa", "staging", "prod"])
def test_every_database_is_private_encrypted_and_has_a_managed_password(environment: str) -> None:
    inputs = instance(environment)
    assert inputs["publiclyAccessible"] is False
    assert inputs["storageEncrypted"] is True
    assert inputs["manageMasterUserPassword"] is True


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


def test_the_parameter_tells_servers_where_the_database_is_and_which_secret_opens_it() -> None:
    [parameter] = record(settings_of("dev")).of("aws:ssm/parameter:Parameter")
    assert (parameter.inputs["name"], parameter.inputs["type"]) == ("/stageline/dev/database", "String")
    assert json.loads(parameter.inputs["value"]) == {
        "identifier": "env-database-instance-identifier",
        "engine": "postgres",
        "host": "env-database-instance.example",
        "port": 5432,
        "name": "app",
        "secret": MASTER_SECRET,
    }
