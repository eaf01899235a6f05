"""What is left of an environment in AWS: everything that carries its tags, and what AWS does not tag."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.demo import Cloud
from tests.e2e.clone import client

TAGS = [{"Key": "project", "Values": ["stageline"]}, {"Key": "environment", "Values": ["dev"]}]

# What outlives a destroy on purpose, or is shown for a while; docs/real-account.md says how each goes.
STAYS: Mapping[str, str] = {
    "the ledger": r":table/stageline-dev-ledger$",
    "secrets of init": r":secret:stageline/dev/[\w-]+$",
    "the keys of state and database, and keys that are going": r":kms:.*:key/",
    "snapshots of deployments": r":snapshot:stageline-dev-\d{8}-",
    "terminated servers": r":instance/i-",
}


@dataclass(frozen=True, kw_only=True)
class Left:
    """ARNs by tag, names of what has no tags, and the states of servers and keys that are still shown."""

    tagged: list[str]
    untagged: Mapping[str, list[str]]
    servers: list[str]
    keys: list[str]


def sweep(cloud: Cloud) -> Left:
    """Look for dev in its account."""
    tagged = _tagged(cloud)
    return Left(tagged=tagged, untagged=_untagged(cloud), servers=_servers(cloud), keys=_keys(cloud, tagged))


def _tagged(cloud: Cloud) -> list[str]:
    pages = client(cloud, "resourcegroupstaggingapi").get_paginator("get_resources").paginate(TagFilters=TAGS)
    return [one["ResourceARN"] for page in pages for one in page["ResourceTagMappingList"]]


def _untagged(cloud: Cloud) -> dict[str, list[str]]:
    iam = client(cloud, "iam")
    return {
        "roles": [one["RoleName"] for one in iam.list_roles(PathPrefix="/stageline/dev/")["Roles"]],
        "instance profiles": [
            one["InstanceProfileName"]
            for one in iam.list_instance_profiles(PathPrefix="/stageline/dev/")["InstanceProfiles"]
        ],
        "dashboards": [
            one["DashboardName"] for one in client(cloud, "cloudwatch").list_dashboards()["DashboardEntries"]
        ],
        "buckets": [one["Name"] for one in client(cloud, "s3").list_buckets()["Buckets"]],
    }


def _servers(cloud: Cloud) -> list[str]:
    found: Any = client(cloud, "ec2").describe_instances()["Reservations"]
    return [one["State"]["Name"] for entry in found for one in entry["Instances"]]


def _keys(cloud: Cloud, tagged: list[str]) -> list[str]:
    kms, keys = client(cloud, "kms"), [arn for arn in tagged if ":kms:" in arn]
    return [kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in keys]
