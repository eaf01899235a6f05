"""What an alarm tells its topics when its state changes: CloudWatch's own message."""

import json
from collections.abc import Sequence
from typing import Any

ACTIONS = {"ALARM": "alarm_actions", "OK": "ok_actions", "INSUFFICIENT_DATA": "insufficient_data_actions"}


def topics(alarm: Any) -> Sequence[str]:
    """Whom it tells of the state that it has now."""
    told: Sequence[str] = getattr(alarm, ACTIONS[alarm.state_value]) if alarm.actions_enabled else ()
    return told


def subject(alarm: Any) -> str:
    """SNS takes at most 100 characters."""
    return f'{alarm.state_value}: "{alarm.name}" in {alarm.region_name}'[:99]


def message(alarm: Any, account: str, before: str) -> str:
    return json.dumps(
        {
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.description,
            "AWSAccountId": account,
            "NewStateValue": alarm.state_value,
            "NewStateReason": alarm.state_reason,
            "StateChangeTime": alarm.state_updated_timestamp.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "Region": alarm.region_name,
            "AlarmArn": alarm.alarm_arn,
            "OldStateValue": before,
            "OKActions": alarm.ok_actions,
            "AlarmActions": alarm.alarm_actions,
            "InsufficientDataActions": alarm.insufficient_data_actions,
            "Trigger": _trigger(alarm),
        }
    )


def _trigger(alarm: Any) -> dict[str, Any]:
    return {
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm or alarm.evaluation_periods,
        "ComparisonOperator": alarm.comparison_operator,
        "Threshold": alarm.threshold,
        "TreatMissingData": alarm.treat_missing_data or "missing",
        "MetricName": alarm.metric_name,
        "Namespace": alarm.namespace,
        "StatisticType": "Statistic" if alarm.statistic else "ExtendedStatistic",
        "Statistic": (alarm.statistic or alarm.extended_statistic).upper(),
        "Unit": alarm.unit,
        "Dimensions": [{"value": each.value, "name": each.name} for each in alarm.dimensions],
        "Period": alarm.period,
    }
