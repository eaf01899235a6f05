"""Target groups, and what is in them."""

from local.aws_provider.calls import deletes, first, from_pairs
from local.aws_provider.model import Autoname, Change, Description, Input, Properties, ResourceType, Updating
from local.aws_provider.session import Api
from local.aws_provider.translation import request_for
from local.aws_provider.types.attributes import as_boolean, as_text, attributes_of, sets_attributes
from local.aws_provider.types.lb import TAGS

# --- TargetGroup


def read_target_group(api: Api, arn: str) -> Description | None:
    group = first(api.client.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"])
    if group is None:
        return None
    attributes = api.client.describe_target_group_attributes(TargetGroupArn=arn)
    return {
        **group,
        **attributes_of(attributes, GROUP_ATTRIBUTES, TARGET_GROUP.inputs),
        "Stickiness": read_stickiness(attributes["Attributes"]),
        "Arn": arn,
        "Name": group["TargetGroupName"],
        "ArnSuffix": arn.rsplit(":", 1)[1],
    }


def change_health_check(api: Api, arn: str, change: Change) -> None:
    request = request_for(HEALTH_CHECK, change.new.get("healthCheck") or {})
    api.client.modify_target_group(TargetGroupArn=arn, **request)


# --- stickiness: attributes that only make sense together


def set_stickiness(api: Api, arn: str, change: Change) -> None:
    wanted = change.new["stickiness"]
    names = {**STICKINESS, **COOKIES.get(wanted["type"], {})}
    attributes = [{"Key": key, "Value": as_text(wanted[name])} for name, key in names.items() if name in wanted]
    api.client.modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)


def read_stickiness(attributes: list[dict[str, str]]) -> Description:
    found = from_pairs(attributes)
    kind = found.get(STICKINESS["type"], "lb_cookie")
    cookie = {name: found.get(key) for name, key in COOKIES.get(kind, {}).items()}
    return {
        "Type": kind,
        "Enabled": as_boolean(found.get(STICKINESS["enabled"], "false")),
        "CookieDuration": int(cookie.get("cookieDuration") or A_DAY),
        "CookieName": cookie.get("cookieName") or None,
    }


A_DAY = 86400
"""Seconds for which a cookie keeps to a target where nothing is said."""

STICKINESS = {"type": "stickiness.type", "enabled": "stickiness.enabled"}

COOKIES = {
    "lb_cookie": {"cookieDuration": "stickiness.lb_cookie.duration_seconds"},
    "app_cookie": {
        "cookieDuration": "stickiness.app_cookie.duration_seconds",
        "cookieName": "stickiness.app_cookie.cookie_name",
    },
}

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
        "stickiness": Input(
            "Stickiness",
            computed=True,
            later=True,
            fields={
                "type": Input("Type", required=True),
                "enabled": Input("Enabled", default=True),
                "cookieDuration": Input("CookieDuration", default=A_DAY),
                "cookieName": Input("CookieName"),
            },
        ),
    },
    outputs={"arn": "Arn", "arnSuffix": "ArnSuffix", "loadBalancerArns": "LoadBalancerArns"},
    create=lambda api, request: dict(api.client.create_target_group(**request)["TargetGroups"][0]),
    read=read_target_group,
    delete=deletes("delete_target_group", "TargetGroupArn"),
    updates=[
        Updating(inputs=("healthCheck",), run=change_health_check),
        Updating(inputs=("stickiness",), run=set_stickiness),
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

ENTRIES = (TARGET_GROUP, ATTACHMENT)
