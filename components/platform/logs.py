"""Logs: the bucket of access logs, the log group of servers, and the key that encrypts log groups and notices.

Access logs are encrypted with S3's own key: a load balancer can write to no other bucket. Old log files go by
themselves, so the bucket keeps no versions. Alarms cannot use AWS's own key of SNS, so there is a key here.
"""

import json
from dataclasses import dataclass

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws.cloudwatch.log_group import LogGroup
from pulumi_aws.kms.key import Key
from pulumi_aws.s3._inputs import (
    BucketLifecycleConfigurationRuleArgs,
    BucketLifecycleConfigurationRuleExpirationArgs,
    BucketLifecycleConfigurationRuleFilterArgs,
)
from pulumi_aws.s3.bucket import Bucket
from pulumi_aws.s3.bucket_lifecycle_configuration import BucketLifecycleConfiguration

from components.keys import DELETION_DAYS, allow_account
from components.platform.buckets import Statement, deny_plain_http, encrypt, guard
from settings import model
from settings.names import Names


@dataclass(frozen=True, kw_only=True)
class LogsArgs:
    """The sections that say how long logs are kept, and whether they may go with the environment."""

    names: Names
    monitoring: model.Monitoring
    load_balancer: model.LoadBalancer
    storage: model.Storage
    protected: bool


class Logs(pulumi.ComponentResource):
    """Where logs lie. `access_bucket` is handed out when load balancers may write to it."""

    key_arn: Output[str]
    access_bucket: Output[str]
    server_logs: Output[str]
    server_logs_arn: Output[str]

    def __init__(self, name: str, args: LogsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:platform:Logs", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)

        self.key_arn = self._make_key().arn
        self.access_bucket = self._make_access_bucket()
        servers = self._make_server_logs()
        self.server_logs, self.server_logs_arn = servers.name, servers.arn
        self.register_outputs(
            {
                "key_arn": self.key_arn,
                "access_bucket": self.access_bucket,
                "server_logs_arn": self.server_logs_arn,
            }
        )

    def _make_key(self) -> Key:
        statements = key_statements(self._args.names.account, self._args.names.region)
        return Key(
            f"{self._prefix}-key",
            description="Encrypts log groups and alarm notices of this environment",
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_DAYS,  # logs can be read until then
            policy=json.dumps({"Version": "2012-10-17", "Statement": statements}),
            opts=self._child,
        )

    def _make_access_bucket(self) -> Output[str]:
        """Its name comes from its policy: nobody may send logs there before that is set."""
        name = f"{self._prefix}-access"
        bucket = Bucket(
            name,
            force_destroy=self._args.storage.force_destroy,
            opts=ResourceOptions(parent=self, protect=self._args.protected),
        )
        encrypt(name, bucket, self._child)
        self._let_old_files_go(name, bucket)
        ready: Output[str] = guard(name, bucket, bucket.bucket.apply(self._access_policy), self._child).bucket
        return ready

    def _access_policy(self, bucket: str) -> str:
        delivery = allow_access_logs(bucket, self._args.names.account, self._args.names.region)
        return json.dumps({"Version": "2012-10-17", "Statement": [deny_plain_http(bucket), delivery]})

    def _let_old_files_go(self, name: str, bucket: Bucket) -> None:
        rule = BucketLifecycleConfigurationRuleArgs(
            id="old-access-logs",
            status="Enabled",
            filter=BucketLifecycleConfigurationRuleFilterArgs(prefix="AWSLogs/"),
            expiration=BucketLifecycleConfigurationRuleExpirationArgs(days=self._args.load_balancer.access_log_days),
        )
        BucketLifecycleConfiguration(name, bucket=bucket.id, rules=[rule], opts=self._child)

    def _make_server_logs(self) -> LogGroup:
        return LogGroup(
            f"{self._prefix}-servers",
            name=self._args.names.server_logs,
            retention_in_days=self._args.monitoring.log_days,
            kms_key_id=self.key_arn,
            opts=self._child,
        )


def allow_access_logs(bucket: str, account: str, region: str) -> Statement:
    """Let load balancers of this account and region write their logs."""
    return {
        "Sid": "AllowAccessLogs",
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/AWSLogs/{account}/*",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": f"arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/*"},
        },
    }


def key_statements(account: str, region: str) -> list[Statement]:
    """Who may use the key."""
    return [
        allow_account(account),
        {
            "Sid": "AllowLogGroups",
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{region}.amazonaws.com"},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            "Resource": "*",
            "Condition": {
                "ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account}:log-group:*"}
            },
        },
        {
            # Whose alarms may publish is said by the topic's policy; AWS documents no condition for the key's.
            "Sid": "AllowAlarms",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
        },
    ]
