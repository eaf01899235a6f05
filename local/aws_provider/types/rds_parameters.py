"""Parameter groups of databases."""

from collections.abc import Iterable, Iterator
from typing import Any

from local.aws_provider.calls import creates, first, or_nothing
from local.aws_provider.model import Autoname, Change, Description, Input, Properties, ResourceType, Updating
from local.aws_provider.session import Api
from local.aws_provider.translation import request_for
from local.aws_provider.types.rds import rds_tags

AT_ONCE = 20
"""How many parameters RDS changes in one call."""


def read_parameter_group(api: Api, name: str) -> Description | None:
    group = first(api.client.describe_db_parameter_groups(DBParameterGroupName=name)["DBParameterGroups"])
    return group and {**group, "Arn": group["DBParameterGroupArn"], "Parameters": own_parameters(api, name)}


def own_parameters(api: Api, name: str) -> list[Description]:
    """List the parameters that were set, leaving out those that are the engine's."""
    pages = api.client.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=name, Source="user")
    return [parameter for page in pages for parameter in page["Parameters"]]


def set_parameters(api: Api, name: str, change: Change) -> None:
    """Set those that differ, and take those that are gone back to what the engine has."""
    old, new = by_name(change.old.get("parameters")), by_name(change.new.get("parameters"))
    changed = [written(new[key]) for key in new if old.get(key) != new[key]]
    gone = [written(old[key]) for key in old if key not in new]
    for part in parts(changed):
        api.client.modify_db_parameter_group(DBParameterGroupName=name, Parameters=part)
    for part in parts([{name: each[name] for name in ("ParameterName", "ApplyMethod")} for each in gone]):
        api.client.reset_db_parameter_group(DBParameterGroupName=name, Parameters=part)


def by_name(parameters: Iterable[Properties] | None) -> dict[str, Properties]:
    return {parameter["name"]: parameter for parameter in parameters or ()}


def written(parameter: Properties) -> Description:
    return request_for(PARAMETER, parameter)


def parts(parameters: list[Description]) -> Iterator[list[Description]]:
    for start in range(0, len(parameters), AT_ONCE):
        yield parameters[start : start + AT_ONCE]


def same_parameters(one: Any, other: Any) -> bool:
    """Compare parameters by their names: RDS tells them in an order of its own."""
    return by_name(one) == by_name(other)


PARAMETER = {
    "name": Input("ParameterName", required=True),
    "value": Input("ParameterValue", required=True),
    "applyMethod": Input("ApplyMethod", default="immediate"),
}

PARAMETER_GROUP = ResourceType(
    token="aws:rds/parameterGroup:ParameterGroup",
    service="rds",
    identity="DBParameterGroupName",
    inputs={
        "name": Input("DBParameterGroupName", replaces=True),
        "family": Input("DBParameterGroupFamily", required=True, replaces=True),
        "description": Input("Description", default="Managed by Pulumi", replaces=True),
        "parameters": Input(
            "Parameters", later=True, many=True, fields=PARAMETER, same=same_parameters, from_aws=or_nothing
        ),
        "skipDestroy": Input(only_here=True, default=False),
    },
    outputs={"arn": "Arn"},
    create=creates("create_db_parameter_group", "DBParameterGroup"),
    read=read_parameter_group,
    delete=lambda api, name, old: delete_parameter_group(api, name, old),
    updates=[Updating(inputs=("parameters",), run=set_parameters)],
    tagging=rds_tags("pg"),
    autoname=Autoname(lower_case=True),
)


def delete_parameter_group(api: Api, name: str, old: Properties) -> None:
    if not old.get("skipDestroy"):
        api.client.delete_db_parameter_group(DBParameterGroupName=name)


ENTRIES = (PARAMETER_GROUP,)
