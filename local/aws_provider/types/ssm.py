"""Parameters."""

from local.aws_provider.calls import from_pairs, pairs
from local.aws_provider.model import Autoname, Change, Description, Input, ResourceType, Tagging, Updating
from local.aws_provider.session import Api
from local.aws_provider.translation import request_for


def create_parameter(api: Api, request: Description) -> Description:
    api.client.put_parameter(**request)
    return {"Name": request["Name"]}


def put_parameter(api: Api, name: str, change: Change) -> None:
    api.client.put_parameter(**{**request_for(PARAMETER.inputs, change.new), "Overwrite": True})


def read_parameter(api: Api, name: str) -> Description | None:
    value = api.client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    found = api.client.describe_parameters(ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}])
    description = found["Parameters"][0]
    return {**description, **value, "Arn": value["ARN"]}


PARAMETER_TAGS = Tagging(
    request=lambda tags: {"Tags": pairs(tags)},
    read=lambda api, found: from_pairs(
        api.client.list_tags_for_resource(ResourceType="Parameter", ResourceId=found["Name"])["TagList"]
    ),
    set=lambda api, name, tags: api.client.add_tags_to_resource(
        ResourceType="Parameter", ResourceId=name, Tags=pairs(tags)
    ),
    remove=lambda api, name, keys: api.client.remove_tags_from_resource(
        ResourceType="Parameter", ResourceId=name, TagKeys=list(keys)
    ),
)

PARAMETER = ResourceType(
    token="aws:ssm/parameter:Parameter",
    service="ssm",
    identity="Name",
    inputs={
        "name": Input("Name", replaces=True),
        "type": Input("Type", required=True),
        "value": Input("Value", required=True, secret=True),
        "description": Input("Description"),
        "keyId": Input("KeyId", computed=True),
        "dataType": Input("DataType", computed=True, replaces=True),
        "tier": Input("Tier", default="Standard"),
        "allowedPattern": Input("AllowedPattern"),
        "overwrite": Input("Overwrite", never_read=True),
    },
    outputs={"arn": "Arn", "version": "Version"},
    create=create_parameter,
    read=read_parameter,
    delete=lambda api, name, old: api.client.delete_parameter(Name=name),
    updates=[
        Updating(
            inputs=(
                "type",
                "value",
                "description",
                "keyId",
                "tier",
                "allowedPattern",
                "overwrite",
            ),
            run=put_parameter,
        )
    ],
    tagging=PARAMETER_TAGS,
    autoname=Autoname(),
    restless=("version",),
)

ENTRIES = (PARAMETER,)
