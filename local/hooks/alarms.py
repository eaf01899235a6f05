"""Alarms behave as CloudWatch's: they begin with insufficient data, keep their state when they are changed, tell their
topics when it changes, and have a history. An alarm that could never change its state here is refused by name.

The states themselves come from `local.watching`.
"""

import functools
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.sns.models import sns_backends

from local.hooks.parts import Function
from local.hooks.replacing import replace
from local.watching.alarms import refusals
from local.watching.notices import message, subject, topics

STATE = ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history")
REMEMBERED = 100  # changes of state per alarm


def install_alarms(installed: ExitStack) -> None:
    """Hook moto's alarms until `installed` is closed."""
    replace(installed, CloudWatchBackend, "put_metric_alarm", _like_cloudwatch)
    replace(installed, CloudWatchBackend, "set_alarm_state", _with_actions)
    for name, answer in ANSWERED.items():
        setattr(CloudWatchResponse, name, answer)
        installed.callback(delattr, CloudWatchResponse, name)


def _like_cloudwatch(original: Function) -> Function:
    @functools.wraps(original)
    def put_metric_alarm(backend: Any, **asked: Any) -> Any:
        _refuse(asked)
        before = backend.alarms.get(asked["name"])
        alarm = original(backend, **asked)
        alarm.state_value = "INSUFFICIENT_DATA"
        for name in STATE if before else ():
            setattr(alarm, name, getattr(before, name))
        return alarm

    return put_metric_alarm


def _refuse(asked: Mapping[str, Any]) -> None:
    problems = list(refusals(asked))
    if problems:
        raise ValidationError(
            f"the local cloud cannot evaluate alarm {asked['name']}: it knows no {', '.join(problems)}"
        )


def _with_actions(original: Function) -> Function:
    """Moto only notes the state. The history holds what was before: so the last is what is now."""

    @functools.wraps(original)
    def set_alarm_state(backend: Any, alarm_name: str, reason: str, reason_data: str, state_value: str) -> None:
        before = backend.alarms[alarm_name].state_value if alarm_name in backend.alarms else ""
        original(backend, alarm_name, reason, reason_data, state_value)
        alarm = backend.alarms[alarm_name]
        del alarm.history[:-REMEMBERED]
        if alarm.state_value != before:
            _tell(alarm, backend.account_id, before)

    return set_alarm_state


def _tell(alarm: Any, account: str, before: str) -> None:
    """A topic that is gone is told nothing, as on AWS."""
    for arn in topics(alarm):
        backend = sns_backends[arn.split(":")[4]][arn.split(":")[3]]
        if arn in backend.topics:
            backend.publish(message(alarm, account, before), arn=arn, subject=subject(alarm))


def _put_composite_alarm(response: Any) -> ActionResult:
    raise ValidationError(
        f"the local cloud cannot evaluate alarm {response._get_param('AlarmName')}: it knows no composite alarms; use"
        " alarms on one metric each"
    )


def _describe_alarm_history(response: Any) -> ActionResult:
    """The changes of state, the newest first."""
    name = response._get_param("AlarmName")
    alarms = [each for each in list(response.cloudwatch_backend.alarms.values()) if name in (None, each.name)]
    items = sorted((item for alarm in alarms for item in _changes(alarm)), key=_when, reverse=True)
    return ActionResult({"AlarmHistoryItems": items[: response._get_param("MaxRecords") or REMEMBERED]})


def _changes(alarm: Any) -> list[dict[str, Any]]:
    """Moto notes what an alarm was before each change; what it became is in the next note."""
    states = [note[3] for note in alarm.history] + [alarm.state_value]
    reasons = [note[1] for note in alarm.history] + [alarm.state_reason]
    times = [note[4] for note in alarm.history] + [alarm.state_updated_timestamp]
    return [
        {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm",
            "Timestamp": times[number],
            "HistoryItemType": "StateUpdate",
            "HistorySummary": f"Alarm updated from {states[number - 1]} to {states[number]}",
            "HistoryData": reasons[number],
        }
        for number in range(1, len(states))
    ]


def _when(item: Mapping[str, Any]) -> Any:
    return item["Timestamp"]


ANSWERED = {"describe_alarm_history": _describe_alarm_history, "put_composite_alarm": _put_composite_alarm}
"""Calls that moto does not have."""
