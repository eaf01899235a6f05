"""Topics, who may use them, and who is told. Their ids are their ARNs."""

import json
from collections.abc import Mapping
from typing import Any

from local.aws_provider.calls import deletes, from_pairs, pairs, same_json
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
from local.aws_provider.types.attributes import as_boolean, as_text

# --- attributes, which SNS changes one at a time


def attributes_of(request: Mapping[str, Any]) -> dict[str, str]:
    """Write attributes as the create calls take them."""
    return {name: as_text(value) for name, value in request.items()}


def told(attributes: Mapping[str, str]) -> Description:
    """Leave out attributes that are not set, which SNS may tell as empty."""
    return {name: value for name, value in attributes.items() if value not in ("", NOTHING.get(name))}


def sets_attributes(method: str, parameter: str, inputs: Mapping[str, Input]) -> Update:
    """Update attributes, one call for each that changed: SNS takes no more at once."""

    def run(api: Api, arn: str, change: Change) -> None:
        for name, entry in inputs.items():
            if _changed(entry, change.old.get(name), change.new.get(name)):
                value = as_text(change.new.get(name)) or NOTHING.get(entry.place, "")
                wanted = {"AttributeName": entry.place, "AttributeValue": value}
                getattr(api.client, method)(**{parameter: arn}, **wanted)

    return run


def _changed(entry: Input, old: Any, new: Any) -> bool:
    """Say whether AWS has to be told; what it chooses itself stays where the program gives nothing."""
    return old is not None and not entry.computed if new is None else old is None or not entry.same(old, new)


NOTHING = {"FilterPolicy": "{}"}
"""What takes an attribute away where an empty text does not."""


# --- Topic


def create_topic(api: Api, request: Description) -> Description:
    name, tags = request.pop("Name"), request.pop("Tags", [])
    return dict(api.client.create_topic(Name=name, Tags=tags, Attributes=attributes_of(request)))


def read_topic(api: Api, arn: str) -> Description:
    found = told(api.client.get_topic_attributes(TopicArn=arn)["Attributes"])
    return {"FifoTopic": "false", "ContentBasedDeduplication": "false", **found, "Name": arn.rsplit(":", 1)[1]}


TOPIC_TAGS = Tagging(
    request=lambda tags: {"Tags": pairs(tags)},
    read=lambda api, topic: from_pairs(api.client.list_tags_for_resource(ResourceArn=topic["TopicArn"])["Tags"]),
    set=lambda api, arn, tags: api.client.tag_resource(ResourceArn=arn, Tags=pairs(tags)),
    remove=lambda api, arn, keys: api.client.untag_resource(ResourceArn=arn, TagKeys=list(keys)),
)

TOPIC_ATTRIBUTES = {
    "displayName": Input("DisplayName"),
    "kmsMasterKeyId": Input("KmsMasterKeyId"),
    "policy": Input("Policy", computed=True, same=same_json),
    "deliveryPolicy": Input("DeliveryPolicy", same=same_json),
    "contentBasedDeduplication": Input("ContentBasedDeduplication", default=False, from_aws=as_boolean),
}

TOPIC = ResourceType(
    token="aws:sns/topic:Topic",
    service="sns",
    identity="TopicArn",
    inputs={
        "name": Input("Name", replaces=True),
        "fifoTopic": Input("FifoTopic", default=False, replaces=True, from_aws=as_boolean),
        **TOPIC_ATTRIBUTES,
    },
    outputs={"arn": "TopicArn", "owner": "Owner"},
    create=create_topic,
    read=read_topic,
    delete=deletes("delete_topic", "TopicArn"),
    updates=[
        Updating(
            inputs=tuple(TOPIC_ATTRIBUTES), run=sets_attributes("set_topic_attributes", "TopicArn", TOPIC_ATTRIBUTES)
        )
    ],
    tagging=TOPIC_TAGS,
    autoname=Autoname(longest=256),
)


# --- TopicPolicy: every topic has one; without this resource it is the one that SNS gives a new topic


def put_policy(api: Api, arn: str, policy: str) -> None:
    api.client.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)


def create_policy(api: Api, request: Description) -> Description:
    put_policy(api, request["TopicArn"], request["Policy"])
    return request


def usual_policy(api: Api, arn: str) -> str:
    """Write the policy of a new topic: it is the owner's alone."""
    calls = (
        "GetTopicAttributes SetTopicAttributes AddPermission RemovePermission DeleteTopic Subscribe"
        " ListSubscriptionsByTopic Publish"
    )
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{call}" for call in calls.split()],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": api.account}},
    }
    return json.dumps({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})


TOPIC_POLICY = ResourceType(
    token="aws:sns/topicPolicy:TopicPolicy",
    service="sns",
    identity="TopicArn",
    inputs={
        "arn": Input("TopicArn", required=True, replaces=True),
        "policy": Input("Policy", required=True, same=same_json),
    },
    outputs={"owner": "Owner"},
    create=create_policy,
    read=read_topic,
    delete=lambda api, arn, old: put_policy(api, arn, usual_policy(api, arn)),
    updates=[Updating(inputs=("policy",), run=lambda api, arn, change: put_policy(api, arn, change.new["policy"]))],
    alone_by=("arn",),
)


# --- TopicSubscription


def subscribe(api: Api, request: Description) -> Description:
    where = {name: request.pop(name) for name in ("TopicArn", "Protocol", "Endpoint")}
    # Otherwise SNS tells no ARN before the endpoint has confirmed, and nothing could be read.
    return dict(api.client.subscribe(**where, ReturnSubscriptionArn=True, Attributes=attributes_of(request)))


def read_subscription(api: Api, arn: str) -> Description:
    found = told(api.client.get_subscription_attributes(SubscriptionArn=arn)["Attributes"])
    confirming = {name: as_boolean(found.get(name, "false")) for name in CONFIRMATION}
    return {"RawMessageDelivery": "false", **found, **confirming}


def unsubscribe(api: Api, arn: str, old: Properties) -> None:
    # SNS ends no subscription that waits to be confirmed: it forgets it after two days.
    if not old.get("pendingConfirmation"):
        api.client.unsubscribe(SubscriptionArn=arn)


CONFIRMATION = ("PendingConfirmation", "ConfirmationWasAuthenticated")

SUBSCRIPTION_ATTRIBUTES = {
    "rawMessageDelivery": Input("RawMessageDelivery", default=False, from_aws=as_boolean),
    "filterPolicyScope": Input("FilterPolicyScope", computed=True),
    "filterPolicy": Input("FilterPolicy", same=same_json),
    "deliveryPolicy": Input("DeliveryPolicy", same=same_json),
    "redrivePolicy": Input("RedrivePolicy", same=same_json),
    "subscriptionRoleArn": Input("SubscriptionRoleArn"),
}

TOPIC_SUBSCRIPTION = ResourceType(
    token="aws:sns/topicSubscription:TopicSubscription",
    service="sns",
    identity="SubscriptionArn",
    inputs={
        "topic": Input("TopicArn", required=True, replaces=True),
        "protocol": Input("Protocol", required=True, replaces=True),
        "endpoint": Input("Endpoint", required=True, replaces=True),
        **SUBSCRIPTION_ATTRIBUTES,
        "endpointAutoConfirms": Input(only_here=True, default=False),
        "confirmationTimeoutInMinutes": Input(only_here=True, default=1),
    },
    outputs={
        "arn": "SubscriptionArn",
        "ownerId": "Owner",
        "pendingConfirmation": "PendingConfirmation",
        "confirmationWasAuthenticated": "ConfirmationWasAuthenticated",
    },
    create=subscribe,
    read=read_subscription,
    delete=unsubscribe,
    updates=[
        Updating(
            inputs=tuple(SUBSCRIPTION_ATTRIBUTES),
            run=sets_attributes("set_subscription_attributes", "SubscriptionArn", SUBSCRIPTION_ATTRIBUTES),
        )
    ],
    alone_by=("topic", "protocol", "endpoint"),
)

ENTRIES = (TOPIC, TOPIC_POLICY, TOPIC_SUBSCRIPTION)
