"""Load balancers, target groups, listeners. Their ids are their ARNs."""

from collections.abc import Mapping
from typing import Any

from local.aws_provider.calls import deletes, first, from_pairs, pairs, same_members
from local.aws_provider.model import (
    Autoname,
    Change,
    Description,
    Input,
    Properties,
    ResourceType,
    Tagging,
    Update,
    Updating,
)
from local.aws_provider.session import Api
from local.aws_provider.translation import request_for
from local.aws_provider.waiting import wait_until

TAGS = Tagging(
    request=lambda tags: {"Tags": pairs(tags)},
    read=lambda api, found: from_pairs(
        api.client.describe_tags(ResourceArns=[found["Arn"]])["TagDescriptions"][0]["Tags"]
    ),
    set=lambda api, arn, tags: api.client.add_tags(ResourceArns=[arn], Tags=pairs(tags)),
    remove=lambda api, arn, keys: api.client.remove_tags(ResourceArns=[arn], TagKeys=list(keys)),
)


# --- attributes: settings that are kept as texts under names of their own, and set by a call of their own


def as_text(value: Any) -> str:
    """Write an attribute as AWS keeps it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def from_text(default: Any, text: str) -> Any:
    """Read an attribute as what its default is: a boolean, a number or a text."""
    return text == "true" if isinstance(default, bool) else type(default)(text)


def sets_attributes(method: str, parameter: str, names: Mapping[str, str]) -> Update:
    """Update the attributes that a program can set: input to name of the attribute."""

    def run(api: Api, arn: str, change: Change) -> None:
        wanted = {names[name]: change.new[name] for name in names if _differs(change, name)}
        attributes = [{"Key": key, "Value": as_text(value)} for key, value in wanted.items()]
        getattr(api.client, method)(**{parameter: arn}, Attributes=attributes)

    return run


def _differs(change: Change, name: str) -> bool:
    return change.new.get(name) is not None and change.new[name] != change.old.get(name)


def attributes_of(answer: Mapping[str, Any], names: Mapping[str, str], inputs: Mapping[str, Input]) -> Description:
    """Read the attributes that a program can set, each where its input has its place."""
    found = from_pairs(answer["Attributes"])
    return {
        inputs[name].place: from_text(inputs[name].default, found.get(key) or as_text(inputs[name].default))
        for name, key in names.items()
    }


# --- LoadBalancer


def read_balancer(api: Api, arn: str) -> Description | None:
    balancer = first(api.client.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"])
    if balancer is None:
        return None
    attributes = api.client.describe_load_balancer_attributes(LoadBalancerArn=arn)
    return {
        **balancer,
        **attributes_of(attributes, BALANCER_ATTRIBUTES, LOAD_BALANCER.inputs),
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


BALANCER_ATTRIBUTES = {
    "enableDeletionProtection": "deletion_protection.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
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
        "dropInvalidHeaderFields": Input("DropInvalidHeaderFields", default=False, later=True),
        "enableHttp2": Input("EnableHttp2", default=True, later=True),
        "desyncMitigationMode": Input("DesyncMitigationMode", default="defensive", later=True),
    },
    outputs={
        "arn": "Arn",
        "arnSuffix": "ArnSuffix",
        "dnsName": "DNSName",
        "vpcId": "VpcId",
        "zoneId": "CanonicalHostedZoneId",
    },
    create=create_balancer,
    settle=lambda api, arn: wait_until(lambda: balancer_is_active(api, arn), f"load balancer {arn} to be active"),
    read=read_balancer,
    delete=lambda api, arn, old: delete_balancer(api, arn),
    updates=[
        Updating(inputs=("securityGroups",), run=set_balancer_groups),
        Updating(inputs=("subnets",), run=set_balancer_subnets),
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
    wait_until(lambda: not balancer_exists(api, arn), f"load balancer {arn} to be deleted")


def balancer_exists(api: Api, arn: str) -> bool:
    pages = api.client.get_paginator("describe_load_balancers").paginate()
    return any(balancer["LoadBalancerArn"] == arn for page in pages for balancer in page["LoadBalancers"])


# --- TargetGroup


def read_target_group(api: Api, arn: str) -> Description | None:
    group = first(api.client.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"])
    if group is None:
        return None
    attributes = api.client.describe_target_group_attributes(TargetGroupArn=arn)
    return {
        **group,
        **attributes_of(attributes, GROUP_ATTRIBUTES, TARGET_GROUP.inputs),
        "Arn": arn,
        "Name": group["TargetGroupName"],
        "ArnSuffix": arn.rsplit(":", 1)[1],
    }


def change_health_check(api: Api, arn: str, change: Change) -> None:
    request = request_for(HEALTH_CHECK, change.new.get("healthCheck") or {})
    api.client.modify_target_group(TargetGroupArn=arn, **request)


GROUP_ATTRIBUTES = {
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "slowStart": "slow_start.duration_seconds",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
}

HEALTH_CHECK = {
    "enabled": Input("HealthCheckEnabled", computed=True),
    "protocol": Input("HealthCheckProtocol", computed=True),
    "port": Input("HealthCheckPort", computed=True, to_aws=str),
    "path": Input("HealthCheckPath", computed=True),
    "matcher": Input("Matcher.HttpCode", computed=True, to_aws=str),
    "interval": Input("HealthCheckIntervalSeconds", computed=True),
    "timeout": Input("HealthCheckTimeoutSeconds", computed=True),
    "healthyThreshold": Input("HealthyThresholdCount", computed=True),
    "unhealthyThreshold": Input("UnhealthyThresholdCount", computed=True),
}

TARGET_GROUP = ResourceType(
    token="aws:lb/targetGroup:TargetGroup",
    service="elbv2",
    identity="TargetGroupArn",
    inputs={
        "name": Input("Name", replaces=True),
        "port": Input("Port", replaces=True),
        "protocol": Input("Protocol", replaces=True),
        "protocolVersion": Input("ProtocolVersion", computed=True, replaces=True),
        "vpcId": Input("VpcId", replaces=True),
        "targetType": Input("TargetType", default="instance", replaces=True),
        "healthCheck": Input(computed=True, fields=HEALTH_CHECK),
        "deregistrationDelay": Input("DeregistrationDelay", default=300, later=True),
        "slowStart": Input("SlowStart", default=0, later=True),
        "loadBalancingAlgorithmType": Input("Algorithm", default="round_robin", later=True),
    },
    outputs={"arn": "Arn", "arnSuffix": "ArnSuffix", "loadBalancerArns": "LoadBalancerArns"},
    create=lambda api, request: dict(api.client.create_target_group(**request)["TargetGroups"][0]),
    read=read_target_group,
    delete=deletes("delete_target_group", "TargetGroupArn"),
    updates=[
        Updating(inputs=("healthCheck",), run=change_health_check),
        Updating(
            inputs=tuple(GROUP_ATTRIBUTES),
            run=sets_attributes("modify_target_group_attributes", "TargetGroupArn", GROUP_ATTRIBUTES),
        ),
    ],
    tagging=TAGS,
    autoname=Autoname(longest=32),
    restless=("loadBalancerArns",),
)


# --- TargetGroupAttachment: its id is "<target group>,<target>,<port>", as `pulumi import` takes it


def target_of(attachment_id: str) -> tuple[str, Description]:
    arn, target, port = attachment_id.split(",")
    return arn, {"Id": target, **({"Port": int(port)} if port else {})}


def register(api: Api, request: Description) -> Description:
    arn = request.pop("TargetGroupArn")
    api.client.register_targets(TargetGroupArn=arn, Targets=[request])
    return {"AttachmentId": f"{arn},{request['Id']},{request.get('Port', '')}"}


def read_attachment(api: Api, attachment_id: str) -> Description | None:
    arn, target = target_of(attachment_id)
    # All targets are asked for: AWS tells an asked one as "unused" whether or not it is registered.
    found = api.client.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    targets = [each["Target"] for each in found if target.items() <= each["Target"].items()]
    return {**targets[0], "TargetGroupArn": arn, "AttachmentId": attachment_id} if targets else None


def deregister(api: Api, attachment_id: str, old: Properties) -> None:
    arn, target = target_of(attachment_id)
    api.client.deregister_targets(TargetGroupArn=arn, Targets=[target])


ATTACHMENT = ResourceType(
    token="aws:lb/targetGroupAttachment:TargetGroupAttachment",
    service="elbv2",
    identity="AttachmentId",
    inputs={
        "targetGroupArn": Input("TargetGroupArn", required=True, replaces=True),
        "targetId": Input("Id", required=True, replaces=True),
        "port": Input("Port", computed=True, replaces=True),
        "availabilityZone": Input("AvailabilityZone", computed=True, replaces=True),
    },
    create=register,
    read=read_attachment,
    delete=deregister,
    alone_by=("targetGroupArn", "targetId", "port"),
)


# --- Listener


def change_listener(api: Api, arn: str, change: Change) -> None:
    request = request_for(LISTENER.inputs, change.new)
    del request["LoadBalancerArn"]
    api.client.modify_listener(ListenerArn=arn, **request)


ACTION = {
    "type": Input("Type", required=True),
    "order": Input("Order", computed=True),
    "targetGroupArn": Input("TargetGroupArn", computed=True),
    "fixedResponse": Input(
        "FixedResponseConfig",
        fields={
            "contentType": Input("ContentType", required=True),
            "messageBody": Input("MessageBody"),
            "statusCode": Input("StatusCode", computed=True, to_aws=str),
        },
    ),
    "redirect": Input(
        "RedirectConfig",
        fields={
            "statusCode": Input("StatusCode", required=True),
            "protocol": Input("Protocol", computed=True),
            "port": Input("Port", computed=True, to_aws=str),
            "host": Input("Host", computed=True),
            "path": Input("Path", computed=True),
            "query": Input("Query", computed=True),
        },
    ),
    "forward": Input(
        "ForwardConfig",
        computed=True,
        fields={
            "targetGroups": Input(
                "TargetGroups",
                required=True,
                many=True,
                fields={"arn": Input("TargetGroupArn", required=True), "weight": Input("Weight", computed=True)},
            ),
        },
    ),
}

LISTENER = ResourceType(
    token="aws:lb/listener:Listener",
    service="elbv2",
    identity="ListenerArn",
    inputs={
        "loadBalancerArn": Input("LoadBalancerArn", required=True, replaces=True),
        "port": Input("Port", required=True),
        "protocol": Input("Protocol", default="HTTP"),
        "sslPolicy": Input("SslPolicy", computed=True),
        "certificateArn": Input(
            "Certificates",
            to_aws=lambda arn: [{"CertificateArn": arn}],
            from_aws=lambda found: found[0]["CertificateArn"] if found else None,
        ),
        "defaultActions": Input("DefaultActions", required=True, many=True, fields=ACTION),
    },
    outputs={"arn": "ListenerArn"},
    create=lambda api, request: dict(api.client.create_listener(**request)["Listeners"][0]),
    read=lambda api, arn: read_listener(api, arn),
    delete=deletes("delete_listener", "ListenerArn"),
    updates=[
        Updating(inputs=("port", "protocol", "sslPolicy", "certificateArn", "defaultActions"), run=change_listener)
    ],
    tagging=TAGS,
    alone_by=("loadBalancerArn", "port"),
)


def read_listener(api: Api, arn: str) -> Description | None:
    listener = first(api.client.describe_listeners(ListenerArns=[arn])["Listeners"])
    return listener and {**listener, "Arn": arn}


ENTRIES = (LOAD_BALANCER, TARGET_GROUP, ATTACHMENT, LISTENER)
