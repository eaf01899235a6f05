"""Alarms, dashboards, logs, and who is told."""

import json

from tests.e2e.aws_provider_cases.case import RETAGGED, TAGS, Case, policy


def board(title: str) -> str:
    """Make the body of a dashboard."""
    widget = {"type": "text", "x": 0, "y": 0, "width": 6, "height": 3, "properties": {"markdown": title}}
    return json.dumps({"widgets": [widget]})


def topic_policy(sid: str) -> str:
    """Make a policy of the topic under test."""
    who = {"Service": "cloudwatch.amazonaws.com"}
    return policy(
        {"Sid": sid, "Effect": "Allow", "Principal": who, "Action": "SNS:Publish", "Resource": "${topic.arn}"}
    )


def anybody(topic: str) -> str:
    """Make a policy that lets everybody write to a topic."""
    return policy({"Effect": "Allow", "Principal": "*", "Action": "SNS:Publish", "Resource": topic})


def retries(times: int) -> str:
    """Make a delivery policy."""
    return json.dumps({"healthyRetryPolicy": {"numRetries": times}})


WATCHING = {
    "topic": Case(
        type="aws:sns/topic:Topic",
        inputs={"displayName": "of a case", "kmsMasterKeyId": "alias/aws/sns", "tags": TAGS},
        update={"displayName": "changed", "kmsMasterKeyId": None, "tags": RETAGGED},
        replacement={"name": "another-topic"},
        drift=lambda clients, topic: clients("sns").set_topic_attributes(
            TopicArn=topic["id"], AttributeName="DisplayName", AttributeValue="by hand"
        ),
        reads=("arn", "name", "owner"),
    ),
    "fifo-topic": Case(
        type="aws:sns/topic:Topic",
        inputs={"name": "case.fifo", "fifoTopic": True},
        update={
            "contentBasedDeduplication": True,
            "deliveryPolicy": retries(5),
            "policy": anybody("${other-topic.arn}"),
        },
    ),
    "topic-policy": Case(
        type="aws:sns/topicPolicy:TopicPolicy",
        inputs={"arn": "${topic.arn}", "policy": topic_policy("One")},
        update={"policy": topic_policy("Two")},
        replacement={"arn": "${fifo-topic.arn}"},
        drift=lambda clients, attached: clients("sns").set_topic_attributes(
            TopicArn=attached["id"],
            AttributeName="Policy",
            AttributeValue=attached["policy"].replace("Two", "ByHand"),
        ),
        reads=("owner",),
    ),
    "subscription": Case(
        type="aws:sns/topicSubscription:TopicSubscription",
        inputs={"topic": "${topic.arn}", "protocol": "email", "endpoint": "ops@example.com"},
        update={
            "filterPolicyScope": "MessageAttributes",
            "filterPolicy": json.dumps({"severity": ["high"]}),
            "redrivePolicy": json.dumps({"deadLetterTargetArn": "arn:aws:sqs:eu-central-1:123456789012:lost"}),
        },
        replacement={"endpoint": "lead@example.com"},
        drift=lambda clients, subscription: clients("sns").set_subscription_attributes(
            SubscriptionArn=subscription["id"], AttributeName="FilterPolicy", AttributeValue="{}"
        ),
        reads=("arn", "ownerId"),
    ),
    "raw-subscription": Case(
        type="aws:sns/topicSubscription:TopicSubscription",
        inputs={
            "topic": "${topic.arn}",
            "protocol": "sqs",
            "endpoint": "arn:aws:sqs:eu-central-1:123456789012:case",
            "rawMessageDelivery": True,
            "deliveryPolicy": retries(5),
            "filterPolicy": json.dumps({"severity": ["high"]}),
        },
        update={
            "rawMessageDelivery": False,
            "filterPolicy": None,
            "deliveryPolicy": None,
            "subscriptionRoleArn": "${role.arn}",
        },
    ),
    "other-topic": Case(
        type="aws:sns/topic:Topic",
        inputs={"deliveryPolicy": retries(3), "policy": anybody("*")},
        update={"deliveryPolicy": None},
    ),
    "alarm": Case(
        type="aws:cloudwatch/metricAlarm:MetricAlarm",
        inputs={
            "alarmDescription": "of a case",
            "namespace": "AWS/EC2",
            "metricName": "CPUUtilization",
            "dimensions": {"InstanceId": "i-1"},
            "period": 60,
            "statistic": "Average",
            "unit": "Percent",
            "comparisonOperator": "GreaterThanThreshold",
            "threshold": 80,
            "evaluationPeriods": 3,
            "datapointsToAlarm": 2,
            "alarmActions": ["${topic.arn}"],
            "tags": TAGS,
        },
        update={
            "namespace": "AWS/RDS",
            "metricName": "FreeStorageSpace",
            "unit": None,
            "comparisonOperator": "LessThanThreshold",
            "datapointsToAlarm": None,
            "alarmActions": None,
            "alarmDescription": None,
            "dimensions": {"InstanceId": "i-2", "Disk": "root"},
            "period": 120,
            "statistic": None,
            "extendedStatistic": "p95",
            "evaluateLowSampleCountPercentiles": "ignore",
            "threshold": 75.5,
            "evaluationPeriods": 2,
            "okActions": ["${topic.arn}"],
            "insufficientDataActions": ["${topic.arn}"],
            "actionsEnabled": False,
            "treatMissingData": "breaching",
            "tags": RETAGGED,
        },
        replacement={"name": "another-alarm"},
        drift=lambda clients, alarm: clients("cloudwatch").enable_alarm_actions(AlarmNames=[alarm["id"]]),
        reads=("arn", "name"),
    ),
    "dashboard": Case(
        type="aws:cloudwatch/dashboard:Dashboard",
        inputs={"dashboardName": "case", "dashboardBody": board("one")},
        update={"dashboardBody": board("two")},
        replacement={"dashboardName": "another-dashboard"},
        drift=lambda clients, dashboard: clients("cloudwatch").put_dashboard(
            DashboardName=dashboard["id"], DashboardBody=board("by hand")
        ),
        reads=("dashboardArn",),
    ),
    "log-group": Case(
        type="aws:cloudwatch/logGroup:LogGroup",
        inputs={"retentionInDays": 30, "kmsKeyId": "${key.arn}", "tags": TAGS},
        update={"retentionInDays": 60, "kmsKeyId": None, "tags": RETAGGED},
        replacement={"name": "/case/another"},
        drift=lambda clients, group: clients("logs").delete_retention_policy(logGroupName=group["id"]),
        reads=("arn", "name"),
    ),
    "plain-log-group": Case(
        type="aws:cloudwatch/logGroup:LogGroup",
        inputs={"name": "/case/plain"},
        update={"retentionInDays": 7, "kmsKeyId": "${key.arn}"},
    ),
}
