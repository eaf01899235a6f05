"""Endpoints: ways from a network to AWS's services."""

from local.aws_provider.calls import creates, first, same_json, same_members
from local.aws_provider.model import Change, Description, Input, ResourceType, Updating
from local.aws_provider.session import Api
from local.aws_provider.types.vpc import ec2_tags, matching


def read_endpoint(api: Api, endpoint_id: str) -> Description | None:
    endpoint = first(api.client.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"])
    if endpoint is None or endpoint["State"].lower() in ("deleting", "deleted"):
        return None
    return {
        **endpoint,
        "Arn": api.arn("ec2", f"vpc-endpoint/{endpoint_id}"),
        "SecurityGroupIds": [group["GroupId"] for group in endpoint.get("Groups", [])],
        "PrefixListId": prefix_list(api, endpoint["ServiceName"]),
    }


def prefix_list(api: Api, service: str) -> str | None:
    found = api.client.describe_prefix_lists(Filters=matching(prefix_list_name=service))["PrefixLists"]
    return found[0]["PrefixListId"] if found else None


def change_endpoint(api: Api, endpoint_id: str, change: Change) -> None:
    request: Description = {"VpcEndpointId": endpoint_id}
    for name, thing in {
        "routeTableIds": "RouteTableIds",
        "subnetIds": "SubnetIds",
        "securityGroupIds": "SecurityGroupIds",
    }.items():
        old, new = set(change.old.get(name) or ()), set(change.new.get(name) or ())
        request.update({f"Add{thing}": sorted(new - old)} if new - old else {})
        request.update({f"Remove{thing}": sorted(old - new)} if old - new else {})
    if change.new.get("policy"):
        request["PolicyDocument"] = change.new["policy"]
    if change.new.get("privateDnsEnabled") is not None:
        request["PrivateDnsEnabled"] = change.new["privateDnsEnabled"]
    api.client.modify_vpc_endpoint(**request)


VPC_ENDPOINT = ResourceType(
    token="aws:ec2/vpcEndpoint:VpcEndpoint",
    service="ec2",
    identity="VpcEndpointId",
    inputs={
        "vpcId": Input("VpcId", required=True, replaces=True),
        "serviceName": Input("ServiceName", required=True, replaces=True),
        "vpcEndpointType": Input("VpcEndpointType", default="Gateway", replaces=True),
        "policy": Input("PolicyDocument", computed=True, same=same_json),
        "routeTableIds": Input("RouteTableIds", computed=True, same=same_members),
        "subnetIds": Input("SubnetIds", computed=True, same=same_members),
        "securityGroupIds": Input("SecurityGroupIds", computed=True, same=same_members),
        "privateDnsEnabled": Input("PrivateDnsEnabled", computed=True),
    },
    outputs={
        "arn": "Arn",
        "ownerId": "OwnerId",
        "state": "State",
        "prefixListId": "PrefixListId",
        "networkInterfaceIds": "NetworkInterfaceIds",
    },
    create=creates("create_vpc_endpoint", "VpcEndpoint"),
    read=read_endpoint,
    delete=lambda api, endpoint_id, old: api.client.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id]),
    updates=[
        Updating(
            inputs=("policy", "routeTableIds", "subnetIds", "securityGroupIds", "privateDnsEnabled"),
            run=change_endpoint,
        )
    ],
    tagging=ec2_tags("vpc-endpoint"),
    alone_by=("vpcId", "serviceName"),
)

ENTRIES = (VPC_ENDPOINT,)
