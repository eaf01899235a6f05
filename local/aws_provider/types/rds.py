"""Databases.

A database's id here is its identifier, not AWS's resource id as with the genuine plugin: moto gives every database
the same resource id.
"""

from typing import Any

from local.aws_provider.calls import creates, from_pairs, pairs, same_last_part, same_members
from local.aws_provider.model import Autoname, Change, Description, Input, Properties, ResourceType, Tagging, Updating
from local.aws_provider.session import Api
from local.aws_provider.translation import request_for


def rds_tags(resource: str) -> Tagging:
    """Tag as RDS does, by ARN."""
    return Tagging(
        request=lambda tags: {"Tags": pairs(tags)},
        read=lambda api, found: from_pairs(api.client.list_tags_for_resource(ResourceName=found["Arn"])["TagList"]),
        set=lambda api, name, tags: api.client.add_tags_to_resource(
            ResourceName=api.arn("rds", f"{resource}:{name}"), Tags=pairs(tags)
        ),
        remove=lambda api, name, keys: api.client.remove_tags_from_resource(
            ResourceName=api.arn("rds", f"{resource}:{name}"), TagKeys=list(keys)
        ),
    )


# --- SubnetGroup


def read_subnet_group(api: Api, name: str) -> Description | None:
    found = api.client.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"]
    if not found:
        return None
    subnets = [subnet["SubnetIdentifier"] for subnet in found[0]["Subnets"]]
    return {**found[0], "SubnetIds": subnets, "Arn": found[0]["DBSubnetGroupArn"]}


def change_subnet_group(api: Api, name: str, change: Change) -> None:
    wanted = {"DBSubnetGroupDescription": change.new["description"], "SubnetIds": change.new["subnetIds"]}
    api.client.modify_db_subnet_group(DBSubnetGroupName=name, **wanted)


SUBNET_GROUP = ResourceType(
    token="aws:rds/subnetGroup:SubnetGroup",
    service="rds",
    identity="DBSubnetGroupName",
    inputs={
        "name": Input("DBSubnetGroupName", replaces=True),
        "description": Input("DBSubnetGroupDescription", default="Managed by Pulumi"),
        "subnetIds": Input("SubnetIds", required=True, same=same_members),
    },
    outputs={"arn": "Arn", "vpcId": "VpcId", "supportedNetworkTypes": "SupportedNetworkTypes"},
    create=creates("create_db_subnet_group", "DBSubnetGroup"),
    read=read_subnet_group,
    delete=lambda api, name, old: api.client.delete_db_subnet_group(DBSubnetGroupName=name),
    updates=[Updating(inputs=("description", "subnetIds"), run=change_subnet_group)],
    tagging=rds_tags("subgrp"),
    autoname=Autoname(lower_case=True),
)


# --- Instance


def read_database(api: Api, identifier: str) -> Description | None:
    found = api.client.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
    if not found or found[0]["DBInstanceStatus"] == "deleting":
        return None
    database = dict(found[0])
    endpoint = database.get("Endpoint", {})
    return {
        **database,
        "Arn": database["DBInstanceArn"],
        "Port": endpoint.get("Port"),
        "HostAndPort": f"{endpoint.get('Address')}:{endpoint.get('Port')}",
        "DBSubnetGroupName": database.get("DBSubnetGroup", {}).get("DBSubnetGroupName"),
        "VpcSecurityGroupIds": [each["VpcSecurityGroupId"] for each in database.get("VpcSecurityGroups", [])],
        "ManageMasterUserPassword": "MasterUserSecret" in database or None,
        "MasterUserSecrets": secrets_of(database),
        "DBParameterGroupName": first_name(database.get("DBParameterGroups"), "DBParameterGroupName"),
        "EnableCloudwatchLogsExports": database.get("EnabledCloudwatchLogsExports") or None,
        "EnablePerformanceInsights": database.get("PerformanceInsightsEnabled", False),
        "EnableIAMDatabaseAuthentication": database.get("IAMDatabaseAuthenticationEnabled", False),
    }


def first_name(groups: list[Description] | None, name: str) -> str | None:
    return groups[0][name] if groups else None


def secrets_of(database: Description) -> list[Properties]:
    """Tell where the master password lies, in the form that the program reads."""
    secret = database.get("MasterUserSecret")
    if not secret:
        return []
    names = {"secretArn": "SecretArn", "secretStatus": "SecretStatus", "kmsKeyId": "KmsKeyId"}
    return [{name: secret[place] for name, place in names.items() if place in secret}]


def wait_for_database(api: Api, identifier: str) -> None:
    api.wait_until(
        lambda: (read_database(api, identifier) or {}).get("DBInstanceStatus") == "available",
        f"database {identifier} to be available",
    )


def change_database(api: Api, identifier: str, change: Change) -> None:
    names = {name: Input(place) for name, place in MODIFIABLE.items()}
    changed = {name: change.new[name] for name in names if differs(change, name)}
    request = {**request_for(names, changed), **taken_away(change), **log_exports(change)}
    if request:
        api.client.modify_db_instance(
            DBInstanceIdentifier=identifier,
            ApplyImmediately=change.new["applyImmediately"],
            AllowMajorVersionUpgrade=bool(change.new.get("allowMajorVersionUpgrade")),
            **request,
        )
        wait_for_database(api, identifier)


def differs(change: Change, name: str) -> bool:
    return change.new.get(name) is not None and change.new[name] != change.old.get(name)


def taken_away(change: Change) -> Description:
    """Say what the program gives no longer, each in the way in which RDS is told."""
    gone = {name for name in change.old if change.new.get(name) is None}
    request: Description = {}
    if "manageMasterUserPassword" in gone:
        request["ManageMasterUserPassword"] = False
    if "maxAllocatedStorage" in gone:
        request["MaxAllocatedStorage"] = change.new.get("allocatedStorage", change.old.get("allocatedStorage"))
    return request


def log_exports(change: Change) -> Description:
    old = set(change.old.get("enabledCloudwatchLogsExports") or ())
    new = set(change.new.get("enabledCloudwatchLogsExports") or ())
    wanted = {"EnableLogTypes": sorted(new - old), "DisableLogTypes": sorted(old - new)}
    given = {name: types for name, types in wanted.items() if types}
    return {"CloudwatchLogsExportConfiguration": given} if given else {}


def delete_database(api: Api, identifier: str, old: Properties) -> None:
    last = {"SkipFinalSnapshot": bool(old.get("skipFinalSnapshot"))}
    if not last["SkipFinalSnapshot"]:
        last = {**last, "FinalDBSnapshotIdentifier": old.get("finalSnapshotIdentifier", "")}
    api.client.delete_db_instance(
        DBInstanceIdentifier=identifier, DeleteAutomatedBackups=old.get("deleteAutomatedBackups", True), **last
    )
    # Its subnets and groups stay in use until it is really gone.
    api.wait_until(lambda: not is_there(api, identifier), f"database {identifier} to be deleted")


def is_there(api: Api, identifier: str) -> bool:
    pages = api.client.get_paginator("describe_db_instances").paginate()
    return any(database["DBInstanceIdentifier"] == identifier for page in pages for database in page["DBInstances"])


MODIFIABLE = {
    "instanceClass": "DBInstanceClass",
    "engineVersion": "EngineVersion",
    "allocatedStorage": "AllocatedStorage",
    "maxAllocatedStorage": "MaxAllocatedStorage",
    "storageType": "StorageType",
    "iops": "Iops",
    "multiAz": "MultiAZ",
    "backupRetentionPeriod": "BackupRetentionPeriod",
    "backupWindow": "PreferredBackupWindow",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "deletionProtection": "DeletionProtection",
    "copyTagsToSnapshot": "CopyTagsToSnapshot",
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "publiclyAccessible": "PubliclyAccessible",
    "vpcSecurityGroupIds": "VpcSecurityGroupIds",
    "parameterGroupName": "DBParameterGroupName",
    "caCertIdentifier": "CACertificateIdentifier",
    "storageThroughput": "StorageThroughput",
    "monitoringInterval": "MonitoringInterval",
    "monitoringRoleArn": "MonitoringRoleArn",
    "performanceInsightsEnabled": "EnablePerformanceInsights",
    "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
    "performanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "manageMasterUserPassword": "ManageMasterUserPassword",
    "password": "MasterUserPassword",
}
"""Inputs that an existing database takes, with the parameters of `ModifyDBInstance`."""


def same_version(wanted: Any, actual: Any) -> bool:
    """Compare versions: "16" means whichever 16 AWS runs."""
    return wanted == actual or str(actual).startswith(f"{wanted}.")


INSTANCE = ResourceType(
    token="aws:rds/instance:Instance",
    service="rds",
    identity="DBInstanceIdentifier",
    inputs={
        "identifier": Input("DBInstanceIdentifier", replaces=True),
        "engine": Input("Engine", required=True, replaces=True),
        "engineVersion": Input("EngineVersion", computed=True, same=same_version),
        "instanceClass": Input("DBInstanceClass", required=True),
        "dbName": Input("DBName", computed=True, replaces=True),
        "username": Input("MasterUsername", computed=True, replaces=True),
        "password": Input("MasterUserPassword", never_read=True, secret=True),
        "manageMasterUserPassword": Input("ManageMasterUserPassword"),
        "masterUserSecretKmsKeyId": Input("MasterUserSecretKmsKeyId", computed=True, never_read=True, replaces=True),
        "port": Input("Port", computed=True, replaces=True),
        "allocatedStorage": Input("AllocatedStorage", computed=True),
        "maxAllocatedStorage": Input("MaxAllocatedStorage"),
        "storageType": Input("StorageType", computed=True),
        "storageEncrypted": Input("StorageEncrypted", default=False, replaces=True),
        "kmsKeyId": Input("KmsKeyId", computed=True, replaces=True, same=same_last_part),
        "iops": Input("Iops", computed=True),
        "storageThroughput": Input("StorageThroughput", computed=True),
        "multiAz": Input("MultiAZ", computed=True),
        "availabilityZone": Input("AvailabilityZone", computed=True, replaces=True),
        "dbSubnetGroupName": Input("DBSubnetGroupName", computed=True, replaces=True),
        "vpcSecurityGroupIds": Input("VpcSecurityGroupIds", computed=True, same=same_members),
        "publiclyAccessible": Input("PubliclyAccessible", default=False),
        "parameterGroupName": Input("DBParameterGroupName", computed=True),
        "caCertIdentifier": Input("CACertificateIdentifier", computed=True),
        "monitoringInterval": Input("MonitoringInterval", default=0),
        "monitoringRoleArn": Input("MonitoringRoleArn", computed=True),
        "performanceInsightsEnabled": Input("EnablePerformanceInsights", default=False),
        "performanceInsightsKmsKeyId": Input("PerformanceInsightsKMSKeyId", computed=True, same=same_last_part),
        "performanceInsightsRetentionPeriod": Input("PerformanceInsightsRetentionPeriod", computed=True),
        "iamDatabaseAuthenticationEnabled": Input("EnableIAMDatabaseAuthentication", computed=True),
        "backupRetentionPeriod": Input("BackupRetentionPeriod", computed=True),
        "backupWindow": Input("PreferredBackupWindow", computed=True),
        "maintenanceWindow": Input("PreferredMaintenanceWindow", computed=True),
        "deletionProtection": Input("DeletionProtection", default=False),
        "copyTagsToSnapshot": Input("CopyTagsToSnapshot", default=False),
        "autoMinorVersionUpgrade": Input("AutoMinorVersionUpgrade", default=True),
        "enabledCloudwatchLogsExports": Input("EnableCloudwatchLogsExports", same=same_members),
        "applyImmediately": Input(only_here=True, default=False),
        "skipFinalSnapshot": Input(only_here=True, default=False),
        "finalSnapshotIdentifier": Input(only_here=True),
        "deleteAutomatedBackups": Input(only_here=True, default=True),
        "allowMajorVersionUpgrade": Input(only_here=True),
    },
    conflicts=(("password", "manageMasterUserPassword"),),
    outputs={
        "arn": "Arn",
        "address": "Endpoint.Address",
        "endpoint": "HostAndPort",
        "hostedZoneId": "Endpoint.HostedZoneId",
        "engineVersionActual": "EngineVersion",
        "masterUserSecrets": "MasterUserSecrets",
        "resourceId": "DbiResourceId",
        "status": "DBInstanceStatus",
    },
    create=creates("create_db_instance", "DBInstance"),
    settle=wait_for_database,
    read=read_database,
    delete=delete_database,
    updates=[Updating(inputs=(*MODIFIABLE, "enabledCloudwatchLogsExports"), run=change_database)],
    tagging=rds_tags("db"),
    autoname=Autoname(input="identifier", longest=63, lower_case=True),
    restless=("engineVersionActual", "status", "masterUserSecrets"),
)

ENTRIES = (SUBNET_GROUP, INSTANCE)
