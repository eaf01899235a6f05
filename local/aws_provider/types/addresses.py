"""Addresses, and what they lead to."""

from local.aws_provider.calls import first
from local.aws_provider.model import Change, Description, Input, Properties, ResourceType, Updating
from local.aws_provider.session import Api
from local.aws_provider.types.vpc import ec2_tags


def read_address(api: Api, allocation_id: str) -> Description | None:
    address = first(api.client.describe_addresses(AllocationIds=[allocation_id])["Addresses"])
    return address and {**address, "Arn": api.arn("ec2", f"elastic-ip/{allocation_id}")}


def associate_address(api: Api, allocation_id: str, change: Change) -> None:
    address = read_address(api, allocation_id) or {}
    if address.get("AssociationId"):
        api.client.disassociate_address(AssociationId=address["AssociationId"])
    if change.new.get("instance"):
        api.client.associate_address(AllocationId=allocation_id, InstanceId=change.new["instance"])


def release_address(api: Api, allocation_id: str, old: Properties) -> None:
    associate_address(api, allocation_id, Change(old=old, new={}))
    api.client.release_address(AllocationId=allocation_id)


EIP = ResourceType(
    token="aws:ec2/eip:Eip",
    service="ec2",
    identity="AllocationId",
    inputs={
        "domain": Input("Domain", default="vpc", replaces=True),
        "instance": Input("InstanceId", later=True, computed=True),
    },
    outputs={
        "arn": "Arn",
        "allocationId": "AllocationId",
        "associationId": "AssociationId",
        "publicIp": "PublicIp",
        "privateIp": "PrivateIpAddress",
    },
    create=lambda api, request: dict(api.client.allocate_address(**request)),
    read=read_address,
    delete=release_address,
    updates=[Updating(inputs=("instance",), run=associate_address)],
    tagging=ec2_tags("elastic-ip"),
    restless=("associationId", "privateIp"),
)

ENTRIES = (EIP,)
