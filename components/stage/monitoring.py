"""Monitoring: who is told when something lasts that should not, and one page that shows it all."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws.cloudwatch.dashboard import Dashboard
from pulumi_aws.cloudwatch.metric_alarm import MetricAlarm
from pulumi_aws.sns.topic import Topic
from pulumi_aws.sns.topic_policy import TopicPolicy
from pulumi_aws.sns.topic_subscription import TopicSubscription

from components.outputs import PlatformOutputs
from components.slots import Slots
from components.stage.alarms import Alarm, database_alarms, health_alarm, request_alarms, server_alarms
from components.stage.dashboard import Subjects, dashboard_body
from contract.slots import SlotName
from settings import model
from settings.names import Names


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """`balancer` and `target_groups` are named as CloudWatch names them. The slot that users get is watched."""

    names: Names
    monitoring: model.Monitoring
    database: model.Database
    platform: PlatformOutputs
    slots: Slots
    server_ids: Sequence[Input[str]]
    balancer: Input[str]
    target_groups: Mapping[SlotName, Output[str]]
    database_id: Input[str]


class Monitoring(pulumi.ComponentResource):
    """A topic with its subscribers, the alarms that tell it, and a dashboard."""

    topic_arn: Output[str]

    def __init__(self, name: str, args: MonitoringArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:stage:Monitoring", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)

        self.topic_arn = self._make_topic()
        self._tell_people()
        self._make_dashboard([self._make_alarm(alarm) for alarm in self._alarms()])
        self.register_outputs({"topic_arn": self.topic_arn})

    def _make_topic(self) -> Output[str]:
        """Its ARN comes from its policy: an alarm that may not publish tells nobody."""
        topic = Topic(
            f"{self._prefix}-alarms",
            display_name=self._args.names.label,
            kms_master_key_id=self._args.platform.log_key_arn,
            opts=self._child,
        )
        policy = topic.arn.apply(lambda arn: topic_policy(arn, self._args.names.account, self._args.names.region))
        ready: Output[str] = TopicPolicy(f"{self._prefix}-alarms", arn=topic.arn, policy=policy, opts=self._child).arn
        return ready

    def _tell_people(self) -> None:
        """Each address gets a mail first, and alarms once it has confirmed."""
        for email in self._args.monitoring.emails:
            TopicSubscription(
                f"{self._prefix}-{email}", topic=self.topic_arn, protocol="email", endpoint=email, opts=self._child
            )

    def _alarms(self) -> list[Alarm]:
        args, database, live = self._args, self._args.database, self._args.slots.declared
        group = args.target_groups[args.slots.public]
        servers = [server_alarms(number, server) for number, server in enumerate(args.server_ids, start=1)]
        return [
            *(alarm for alarms in servers for alarm in alarms),
            *request_alarms(args.balancer, group),
            health_alarm(args.balancer, group, bearable=0 if live else len(servers)),
            *database_alarms(args.database_id, database.engine, database.instance_class, database.storage_gb),
        ]

    def _make_alarm(self, alarm: Alarm) -> MetricAlarm:
        """Named for people: the name is the subject of the mail."""
        is_percentile = alarm.statistic.startswith("p")
        return MetricAlarm(
            f"{self._prefix}-{alarm.name}",
            name=f"{self._args.names.label}-{alarm.name}",
            alarm_description=f"{alarm.about} ({self._args.names.label})",
            namespace=alarm.namespace,
            metric_name=alarm.metric,
            dimensions=alarm.dimensions,
            statistic=None if is_percentile else alarm.statistic,
            extended_statistic=alarm.statistic if is_percentile else None,
            comparison_operator=alarm.beyond,
            threshold=alarm.threshold,
            period=alarm.period,
            evaluation_periods=alarm.periods,
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
            opts=self._child,
        )

    def _make_dashboard(self, alarms: Sequence[MetricAlarm]) -> None:
        args = self._args
        subjects: Output[dict[str, Any]] = Output.all(
            servers=list(args.server_ids),
            balancer=args.balancer,
            groups=args.target_groups,
            database=args.database_id,
            alarms=[alarm.arn for alarm in alarms],
        )
        Dashboard(
            f"{self._prefix}-dashboard",
            dashboard_name=args.names.label,
            dashboard_body=subjects.apply(lambda known: _body(Subjects(region=args.names.region, **known))),
            opts=self._child,
        )


def _body(subjects: Subjects) -> str:
    return json.dumps(dashboard_body(subjects), sort_keys=True)


def topic_policy(topic: str, account: str, region: str) -> str:
    """Let this account's alarms publish, and nobody without TLS."""
    alarms = {
        "Sid": "AllowAlarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{region}:{account}:alarm:*"},
        },
    }
    plain_http = {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [alarms, plain_http]})
