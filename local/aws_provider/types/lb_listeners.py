"""Listeners, and what they do with requests."""

from local.aws_provider.calls import deletes, first
from local.aws_provider.model import Change, Description, Input, ResourceType, Updating
from local.aws_provider.session import Api
from local.aws_provider.translation import request_for
from local.aws_provider.types.lb import TAGS


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
        "defaultActions": Input(
            "DefaultActions", required=True, many=True, fields=ACTION, conflicts=(("targetGroupArn", "forward"),)
        ),
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


ENTRIES = (LISTENER,)
