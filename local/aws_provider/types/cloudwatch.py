"""Alarms and dashboards."""

from local.aws_provider.calls import first, from_pairs, or_nothing, pairs, same_json, same_members
from local.aws_provider.model import Autoname, Change, Description, Input, Properties, ResourceType, Tagging, Updating
from local.aws_provider.session import Api
from local.aws_provider.translation import request_for

# --- MetricAlarm


def to_dimensions(values: Properties) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in sorted(values.items())]


def from_dimensions(dimensions: list[dict[str, str]]) -> Properties | None:
    return {each["Name"]: each["Value"] for each in dimensions} or None


def actions(place: str) -> Input:
    """Make the input for what an alarm does when it changes to a state."""
    return Input(place, same=same_members, from_aws=or_nothing)


def create_alarm(api: Api, request: Description) -> Description:
    api.client.put_metric_alarm(**request)
    return request


def put_alarm(api: Api, name: str, change: Change) -> None:
    """Put the whole alarm again, as AWS wants it; it keeps its tags."""
    api.client.put_metric_alarm(**request_for(METRIC_ALARM.inputs, change.new))


def read_alarm(api: Api, name: str) -> Description | None:
    return first(api.client.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm"])["MetricAlarms"])


def alarm_arn(api: Api, name: str) -> str:
    return api.arn("cloudwatch", f"alarm:{name}")


ALARM_TAGS = Tagging(
    request=lambda tags: {"Tags": pairs(tags)},
    read=lambda api, alarm: from_pairs(api.client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]),
    set=lambda api, name, tags: api.client.tag_resource(ResourceARN=alarm_arn(api, name), Tags=pairs(tags)),
    remove=lambda api, name, keys: api.client.untag_resource(ResourceARN=alarm_arn(api, name), TagKeys=list(keys)),
)

ALARM_VALUES = {
    "alarmDescription": Input("AlarmDescription"),
    "actionsEnabled": Input("ActionsEnabled", default=True),
    "alarmActions": actions("AlarmActions"),
    "okActions": actions("OKActions"),
    "insufficientDataActions": actions("InsufficientDataActions"),
    "comparisonOperator": Input("ComparisonOperator", required=True),
    "evaluationPeriods": Input("EvaluationPeriods", required=True),
    "datapointsToAlarm": Input("DatapointsToAlarm"),
    "threshold": Input("Threshold", required=True),
    "metricName": Input("MetricName", required=True),
    "namespace": Input("Namespace"),
    "dimensions": Input("Dimensions", to_aws=to_dimensions, from_aws=from_dimensions),
    "period": Input("Period"),
    "statistic": Input("Statistic"),
    "extendedStatistic": Input("ExtendedStatistic"),
    "unit": Input("Unit"),
    "treatMissingData": Input("TreatMissingData", default="missing"),
    "evaluateLowSampleCountPercentiles": Input("EvaluateLowSampleCountPercentile", computed=True),
}

METRIC_ALARM = ResourceType(
    token="aws:cloudwatch/metricAlarm:MetricAlarm",
    service="cloudwatch",
    identity="AlarmName",
    inputs={"name": Input("AlarmName", replaces=True), **ALARM_VALUES},
    conflicts=(("statistic", "extendedStatistic"),),
    outputs={"arn": "AlarmArn"},
    create=create_alarm,
    read=read_alarm,
    delete=lambda api, name, old: api.client.delete_alarms(AlarmNames=[name]),
    updates=[Updating(inputs=tuple(ALARM_VALUES), run=put_alarm)],
    tagging=ALARM_TAGS,
    autoname=Autoname(),
)


# --- Dashboard


def create_dashboard(api: Api, request: Description) -> Description:
    api.client.put_dashboard(**request)
    return request


def put_dashboard(api: Api, name: str, change: Change) -> None:
    api.client.put_dashboard(DashboardName=name, DashboardBody=change.new["dashboardBody"])


DASHBOARD = ResourceType(
    token="aws:cloudwatch/dashboard:Dashboard",
    service="cloudwatch",
    identity="DashboardName",
    inputs={
        "dashboardName": Input("DashboardName", required=True, replaces=True),
        "dashboardBody": Input("DashboardBody", required=True, same=same_json),
    },
    outputs={"dashboardArn": "DashboardArn"},
    create=create_dashboard,
    read=lambda api, name: dict(api.client.get_dashboard(DashboardName=name)),
    delete=lambda api, name, old: api.client.delete_dashboards(DashboardNames=[name]),
    updates=[Updating(inputs=("dashboardBody",), run=put_dashboard)],
    alone_by=("dashboardName",),
)

ENTRIES = (METRIC_ALARM, DASHBOARD)
