"""Listeners, and the rules by which they choose."""

from local.aws_provider.calls import deletes, first, same_members
from local.aws_provider.model import Change, Description, Input, ResourceType, Updating
from local.aws_provider.session import Api
from local.aws_provider.translation import request_for
from local.aws_provider.types.lb import TAGS

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
            "stickiness": Input(
                "TargetGroupStickinessConfig",
                computed=True,
                fields={
                    "duration": Input("DurationSeconds", required=True),
                    "enabled": Input("Enabled", default=False),
                },
            ),
        },
    ),
}


def actions(place: str) -> Input:
    """Make the input for what is done with requests, in this order."""
    return Input(place, required=True, many=True, fields=ACTION, conflicts=(("targetGroupArn", "forward"),))


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
        "defaultActions": actions("DefaultActions"),
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
    """Read it with its attributes. No input stands for one of those, but the published plugin asks for them at each
    read, so whoever changes a listener needs the permission.
    """
    listener = first(api.client.describe_listeners(ListenerArns=[arn])["Listeners"])
    attributes = listener and api.client.describe_listener_attributes(ListenerArn=arn)["Attributes"]
    return listener and {**listener, "Arn": arn, "Attributes": attributes}


# --- ListenerRule


def create_rule(api: Api, request: Description) -> Description:
    request.setdefault("Priority", after_the_last(api, request["ListenerArn"]))
    return dict(api.client.create_rule(**request)["Rules"][0])


def after_the_last(api: Api, listener: str) -> int:
    """Choose the priority of a rule that states none: behind all others."""
    pages = api.client.get_paginator("describe_rules").paginate(ListenerArn=listener)
    taken = [rule["Priority"] for page in pages for rule in page["Rules"] if rule["Priority"] != "default"]
    return max(map(int, taken), default=0) + 1


def read_rule(api: Api, arn: str) -> Description | None:
    rule = first(api.client.describe_rules(RuleArns=[arn])["Rules"])
    listener = arn.replace(":listener-rule/", ":listener/").rsplit("/", 1)[0]
    return rule and {**rule, "Arn": arn, "ListenerArn": listener, "Priority": int(rule["Priority"])}


def change_rule(api: Api, arn: str, change: Change) -> None:
    request = request_for(LISTENER_RULE.inputs, change.new)
    api.client.modify_rule(RuleArn=arn, Actions=request["Actions"], Conditions=request["Conditions"])


def set_priority(api: Api, arn: str, change: Change) -> None:
    api.client.set_rule_priorities(RulePriorities=[{"RuleArn": arn, "Priority": change.new["priority"]}])


def condition(place: str) -> Input:
    """Make the input for a condition that holds where one of its values does."""
    return Input(place, fields={"values": Input("Values", required=True, same=same_members)})


CONDITION = {
    "hostHeader": condition("HostHeaderConfig"),
    "pathPattern": condition("PathPatternConfig"),
    "httpRequestMethod": condition("HttpRequestMethodConfig"),
    "sourceIp": condition("SourceIpConfig"),
    "httpHeader": Input(
        "HttpHeaderConfig",
        fields={
            "httpHeaderName": Input("HttpHeaderName", required=True),
            "values": Input("Values", required=True, same=same_members),
        },
    ),
    "queryStrings": Input(
        "QueryStringConfig.Values", many=True, fields={"key": Input("Key"), "value": Input("Value", required=True)}
    ),
}

FIELDS = {
    "HostHeaderConfig": "host-header",
    "PathPatternConfig": "path-pattern",
    "HttpRequestMethodConfig": "http-request-method",
    "SourceIpConfig": "source-ip",
    "HttpHeaderConfig": "http-header",
    "QueryStringConfig": "query-string",
}
"""AWS's word for what a condition looks at, by where the condition lies."""


def with_field(request: Description) -> Description:
    return {**request, "Field": FIELDS[next(iter(request))]}


LISTENER_RULE = ResourceType(
    token="aws:lb/listenerRule:ListenerRule",
    service="elbv2",
    identity="RuleArn",
    inputs={
        "listenerArn": Input("ListenerArn", required=True, replaces=True),
        "priority": Input("Priority", computed=True),
        "actions": actions("Actions"),
        "conditions": Input(
            "Conditions",
            required=True,
            many=True,
            fields=CONDITION,
            exactly_one=(tuple(CONDITION),),
            to_aws=with_field,
        ),
    },
    outputs={"arn": "Arn"},
    create=create_rule,
    read=read_rule,
    delete=deletes("delete_rule", "RuleArn"),
    updates=[
        Updating(inputs=("priority",), run=set_priority),
        Updating(inputs=("actions", "conditions"), run=change_rule),
    ],
    tagging=TAGS,
    alone_by=("listenerArn", "priority"),
)

ENTRIES = (LISTENER, LISTENER_RULE)
