"""Addresses, and what they lead to."""

from local.aws_provider.calls import deletes, first
from local.aws_provider.model import Change, Description, Input, Properties, ResourceType, Updating
from local.aws_provider.session import Api
from local.aws_provider.types.vpc import ec2_tags, matching

# --- Eip


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


# --- EipAssociation


def associate(api: Api, request: Description) -> Description:
    return {"AssociationId": api.client.associate_address(**request)["AssociationId"]}


def read_association(api: Api, association_id: str) -> Description | None:
    return first(api.client.describe_addresses(Filters=matching(association_id=association_id))["Addresses"])


EIP_ASSOCIATION = ResourceType(
    token="aws:ec2/eipAssociation:EipAssociation",
    service="ec2",
    identity="AssociationId",
    inputs={
        "allocationId": Input("AllocationId", required=True, replaces=True),
        "instanceId": Input("InstanceId", computed=True, replaces=True),
        "networkInterfaceId": Input("NetworkInterfaceId", computed=True, replaces=True),
        "privateIpAddress": Input("PrivateIpAddress", computed=True, replaces=True),
        "allowReassociation": Input("AllowReassociation", default=True, never_read=True, replaces=True),
    },
    exactly_one=(("instanceId", "networkInterfaceId"),),
    outputs={"publicIp": "PublicIp"},
    create=associate,
    read=read_association,
    delete=deletes("disassociate_address", "AssociationId"),
    alone_by=("allocationId",),
)

ENTRIES = (EIP, EIP_ASSOCIATION)
