"""Addresses of NAT gateways."""

from local.aws_provider.calls import deletes, first
from local.aws_provider.model import Description, Input, ResourceType
from local.aws_provider.session import Api
from local.aws_provider.types.vpc import ec2_tags


def read_address(api: Api, allocation_id: str) -> Description | None:
    address = first(api.client.describe_addresses(AllocationIds=[allocation_id])["Addresses"])
    return address and {**address, "Arn": api.arn("ec2", f"elastic-ip/{allocation_id}")}


EIP = ResourceType(
    token="aws:ec2/eip:Eip",
    service="ec2",
    identity="AllocationId",
    inputs={"domain": Input("Domain", default="vpc", replaces=True)},
    outputs={"arn": "Arn", "allocationId": "AllocationId", "publicIp": "PublicIp"},
    create=lambda api, request: dict(api.client.allocate_address(**request)),
    read=read_address,
    delete=deletes("release_address", "AllocationId"),
    tagging=ec2_tags("elastic-ip"),
)

ENTRIES = (EIP,)
