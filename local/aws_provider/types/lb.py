"""Load balancers. Their ids are their ARNs, as those of their target groups and listeners are."""

from typing import Any

from local.aws_provider.calls import first, from_pairs, pairs, same_members
from local.aws_provider.model import Autoname, Change, Description, Input, ResourceType, Tagging, Updating
from local.aws_provider.session import Api
from local.aws_provider.types.attributes import as_boolean, as_text, attributes_of, sets_attributes

TAGS = Tagging(
    request=lambda tags: {"Tags": pairs(tags)},
    read=lambda api, found: from_pairs(
        api.client.describe_tags(ResourceArns=[found["Arn"]])["TagDescriptions"][0]["Tags"]
    ),
    set=lambda api, arn, tags: api.client.add_tags(ResourceArns=[arn], Tags=pairs(tags)),
    remove=lambda api, arn, keys: api.client.remove_tags(ResourceArns=[arn], TagKeys=list(keys)),
)


def read_balancer(api: Api, arn: str) -> Description | None:
    balancer = first(api.client.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"])
    if balancer is None:
        return None
    attributes = api.client.describe_load_balancer_attributes(LoadBalancerArn=arn)
    return {
        **balancer,
        **attributes_of(attributes, BALANCER_ATTRIBUTES, LOAD_BALANCER.inputs),
        "AccessLogs": read_access_logs(attributes["Attributes"]),
        "Arn": arn,
        "Name": balancer["LoadBalancerName"],
        "ArnSuffix": arn.split(":loadbalancer/", 1)[1],
        "Internal": balancer.get("Scheme") == "internal",
        "Subnets": [zone["SubnetId"] for zone in balancer.get("AvailabilityZones", [])],
    }


def create_balancer(api: Api, request: Description) -> Description:
    internal = request.pop("Internal")
    scheme = "internal" if internal else "internet-facing"
    return dict(api.client.create_load_balancer(**request, Scheme=scheme)["LoadBalancers"][0])


def balancer_is_active(api: Api, arn: str) -> bool:
    state = api.client.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["State"]["Code"]
    return bool(state == "active")


def set_balancer_groups(api: Api, arn: str, change: Change) -> None:
    api.client.set_security_groups(LoadBalancerArn=arn, SecurityGroups=change.new["securityGroups"])


def set_balancer_subnets(api: Api, arn: str, change: Change) -> None:
    api.client.set_subnets(LoadBalancerArn=arn, Subnets=change.new["subnets"])


# --- access logs: three attributes that only make sense together


def set_access_logs(api: Api, arn: str, change: Change) -> None:
    logs = change.new.get("accessLogs")
    wanted = {name: logs.get(name) for name in ACCESS_LOGS} if logs else {"enabled": False}
    attributes = [{"Key": ACCESS_LOGS[name], "Value": as_text(value)} for name, value in wanted.items()]
    api.client.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)


def read_access_logs(attributes: list[dict[str, str]]) -> Description | None:
    """Tell where the logs go; AWS remembers that also of logs that are switched off, which are as good as none."""
    found = {name: from_pairs(attributes).get(key, "") for name, key in ACCESS_LOGS.items()}
    if not as_boolean(found["enabled"]):
        return None
    return {"Enabled": True, "Bucket": found["bucket"], "Prefix": found["prefix"] or None}


def same_logs(one: Any, other: Any) -> bool:
    """Compare where logs go: switched off is nowhere."""
    logging = [logs for logs in (one, other) if logs and logs.get("enabled")]
    return not logging or bool(one == other)


ACCESS_LOGS = {
    "enabled": "access_logs.s3.enabled",
    "bucket": "access_logs.s3.bucket",
    "prefix": "access_logs.s3.prefix",
}

BALANCER_ATTRIBUTES = {
    "enableDeletionProtection": "deletion_protection.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "clientKeepAlive": "client_keep_alive.seconds",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "preserveHostHeader": "routing.http.preserve_host_header.enabled",
    "enableXffClientPort": "routing.http.xff_client_port.enabled",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
    "enableTlsVersionAndCipherSuiteHeaders": "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
    "enableHttp2": "routing.http2.enabled",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
}

LOAD_BALANCER = ResourceType(
    token="aws:lb/loadBalancer:LoadBalancer",
    service="elbv2",
    identity="LoadBalancerArn",
    inputs={
        "name": Input("Name", replaces=True),
        "internal": Input("Internal", default=False, replaces=True),
        "loadBalancerType": Input("Type", default="application", replaces=True),
        "ipAddressType": Input("IpAddressType", computed=True, replaces=True),
        "subnets": Input("Subnets", required=True, same=same_members),
        "securityGroups": Input("SecurityGroups", computed=True, same=same_members),
        "enableDeletionProtection": Input("EnableDeletionProtection", default=False, later=True),
        "idleTimeout": Input("IdleTimeout", default=60, later=True),
        "clientKeepAlive": Input("ClientKeepAlive", default=3600, later=True),
        "dropInvalidHeaderFields": Input("DropInvalidHeaderFields", default=False, later=True),
        "preserveHostHeader": Input("PreserveHostHeader", default=False, later=True),
        "enableXffClientPort": Input("EnableXffClientPort", default=False, later=True),
        "xffHeaderProcessingMode": Input("XffHeaderProcessingMode", default="append", later=True),
        "enableTlsVersionAndCipherSuiteHeaders": Input("EnableTlsHeaders", default=False, later=True),
        "enableHttp2": Input("EnableHttp2", default=True, later=True),
        "desyncMitigationMode": Input("DesyncMitigationMode", default="defensive", later=True),
        "accessLogs": Input(
            "AccessLogs",
            later=True,
            same=same_logs,
            fields={
                "bucket": Input("Bucket", required=True),
                "enabled": Input("Enabled", default=False),
                "prefix": Input("Prefix"),
            },
        ),
    },
    outputs={
        "arn": "Arn",
        "arnSuffix": "ArnSuffix",
        "dnsName": "DNSName",
        "vpcId": "VpcId",
        "zoneId": "CanonicalHostedZoneId",
    },
    create=create_balancer,
    settle=lambda api, arn: api.wait_until(lambda: balancer_is_active(api, arn), f"load balancer {arn} to be active"),
    read=read_balancer,
    delete=lambda api, arn, old: delete_balancer(api, arn),
    updates=[
        Updating(inputs=("securityGroups",), run=set_balancer_groups),
        Updating(inputs=("subnets",), run=set_balancer_subnets),
        Updating(inputs=("accessLogs",), run=set_access_logs),
        Updating(
            inputs=tuple(BALANCER_ATTRIBUTES),
            run=sets_attributes("modify_load_balancer_attributes", "LoadBalancerArn", BALANCER_ATTRIBUTES),
        ),
    ],
    tagging=TAGS,
    autoname=Autoname(longest=32),
)


def delete_balancer(api: Api, arn: str) -> None:
    api.client.delete_load_balancer(LoadBalancerArn=arn)
    # Its groups and subnets stay in use until it is really gone.
    api.wait_until(lambda: not balancer_exists(api, arn), f"load balancer {arn} to be deleted")


def balancer_exists(api: Api, arn: str) -> bool:
    pages = api.client.get_paginator("describe_load_balancers").paginate()
    return any(balancer["LoadBalancerArn"] == arn for page in pages for balancer in page["LoadBalancers"])


ENTRIES = (LOAD_BALANCER,)
