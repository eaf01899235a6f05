"""Networks: the VPC and what routes its traffic."""

from typing import Any

from local.aws_provider.calls import creates, deletes, describes, first, from_pairs, pairs
from local.aws_provider.model import Change, Description, Input, Properties, ResourceType, Tagging, Updating
from local.aws_provider.session import Api


def ec2_tags(resource_type: str) -> Tagging:
    """Tag as EC2 does: by resource type in the create call, by id afterwards."""
    return Tagging(
        request=lambda tags: {"TagSpecifications": [{"ResourceType": resource_type, "Tags": pairs(tags)}]},
        read=lambda api, description: from_pairs(description.get("Tags")),
        set=lambda api, resource_id, tags: api.client.create_tags(Resources=[resource_id], Tags=pairs(tags)),
        remove=lambda api, resource_id, keys: api.client.delete_tags(
            Resources=[resource_id], Tags=[{"Key": key} for key in keys]
        ),
    )


def matching(**filters: Any) -> list[dict[str, Any]]:
    """Write EC2 filters; a double underscore stands for a dot, a single one for a dash."""
    return [{"Name": name.replace("__", ".").replace("_", "-"), "Values": [value]} for name, value in filters.items()]


# --- Vpc


def read_vpc(api: Api, vpc_id: str) -> Description | None:
    vpc = first(api.client.describe_vpcs(VpcIds=[vpc_id])["Vpcs"])
    if vpc is None:
        return None
    main = api.client.describe_route_tables(Filters=matching(vpc_id=vpc_id, association__main="true"))
    groups = api.client.describe_security_groups(Filters=matching(vpc_id=vpc_id, group_name="default"))
    acls = api.client.describe_network_acls(Filters=matching(vpc_id=vpc_id, default="true"))
    return {
        **vpc,
        "Arn": api.arn("ec2", f"vpc/{vpc_id}"),
        "EnableDnsSupport": vpc_attribute(api, vpc_id, "enableDnsSupport"),
        "EnableDnsHostnames": vpc_attribute(api, vpc_id, "enableDnsHostnames"),
        "MainRouteTableId": main["RouteTables"][0]["RouteTableId"],
        "DefaultSecurityGroupId": groups["SecurityGroups"][0]["GroupId"],
        "DefaultNetworkAclId": acls["NetworkAcls"][0]["NetworkAclId"],
    }


def vpc_attribute(api: Api, vpc_id: str, name: str) -> bool:
    answer = api.client.describe_vpc_attribute(VpcId=vpc_id, Attribute=name)
    return bool(answer[name[0].upper() + name[1:]]["Value"])


def set_dns(api: Api, vpc_id: str, change: Change) -> None:
    # Two calls: AWS takes one attribute at a time, and host names only once DNS itself is on.
    api.client.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": change.new["enableDnsSupport"]})
    api.client.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": change.new["enableDnsHostnames"]})


VPC = ResourceType(
    token="aws:ec2/vpc:Vpc",
    service="ec2",
    identity="VpcId",
    inputs={
        "cidrBlock": Input("CidrBlock", required=True, replaces=True),
        "instanceTenancy": Input("InstanceTenancy", default="default", replaces=True),
        "enableDnsSupport": Input("EnableDnsSupport", default=True, later=True),
        "enableDnsHostnames": Input("EnableDnsHostnames", default=False, later=True),
    },
    outputs={
        "arn": "Arn",
        "ownerId": "OwnerId",
        "dhcpOptionsId": "DhcpOptionsId",
        "mainRouteTableId": "MainRouteTableId",
        "defaultRouteTableId": "MainRouteTableId",
        "defaultSecurityGroupId": "DefaultSecurityGroupId",
        "defaultNetworkAclId": "DefaultNetworkAclId",
    },
    create=creates("create_vpc", "Vpc"),
    read=read_vpc,
    delete=deletes("delete_vpc", "VpcId"),
    updates=[Updating(inputs=("enableDnsSupport", "enableDnsHostnames"), run=set_dns)],
    tagging=ec2_tags("vpc"),
)


# --- InternetGateway


def read_gateway(api: Api, gateway_id: str) -> Description | None:
    gateway = first(api.client.describe_internet_gateways(InternetGatewayIds=[gateway_id])["InternetGateways"])
    if gateway is None:
        return None
    attached = first(gateway.get("Attachments", [])) or {}
    return {
        **gateway,
        "VpcId": attached.get("VpcId"),
        "Arn": api.arn("ec2", f"internet-gateway/{gateway_id}"),
        "OwnerId": gateway.get("OwnerId", api.account),
    }


def attach_gateway(api: Api, gateway_id: str, change: Change) -> None:
    if change.old.get("vpcId"):
        detach_gateway(api, gateway_id, change.old["vpcId"])
    if change.new.get("vpcId"):
        api.client.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=change.new["vpcId"])


def detach_gateway(api: Api, gateway_id: str, vpc_id: str) -> None:
    api.client.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)


def delete_gateway(api: Api, gateway_id: str, old: Properties) -> None:
    if old.get("vpcId"):
        detach_gateway(api, gateway_id, old["vpcId"])
    api.client.delete_internet_gateway(InternetGatewayId=gateway_id)


INTERNET_GATEWAY = ResourceType(
    token="aws:ec2/internetGateway:InternetGateway",
    service="ec2",
    identity="InternetGatewayId",
    inputs={"vpcId": Input("VpcId", later=True)},
    outputs={"arn": "Arn", "ownerId": "OwnerId"},
    create=creates("create_internet_gateway", "InternetGateway"),
    read=read_gateway,
    delete=delete_gateway,
    updates=[Updating(inputs=("vpcId",), run=attach_gateway)],
    tagging=ec2_tags("internet-gateway"),
)


# --- Subnet


def set_public_addresses(api: Api, subnet_id: str, change: Change) -> None:
    wanted = {"Value": change.new["mapPublicIpOnLaunch"]}
    api.client.modify_subnet_attribute(SubnetId=subnet_id, MapPublicIpOnLaunch=wanted)


SUBNET = ResourceType(
    token="aws:ec2/subnet:Subnet",
    service="ec2",
    identity="SubnetId",
    inputs={
        "vpcId": Input("VpcId", required=True, replaces=True),
        "cidrBlock": Input("CidrBlock", required=True, replaces=True),
        "availabilityZone": Input("AvailabilityZone", computed=True, replaces=True),
        "availabilityZoneId": Input("AvailabilityZoneId", computed=True, replaces=True),
        "mapPublicIpOnLaunch": Input("MapPublicIpOnLaunch", default=False, later=True),
    },
    conflicts=(("availabilityZone", "availabilityZoneId"),),
    outputs={"arn": "SubnetArn", "ownerId": "OwnerId"},
    create=creates("create_subnet", "Subnet"),
    read=describes("describe_subnets", "SubnetIds", "Subnets"),
    delete=deletes("delete_subnet", "SubnetId"),
    updates=[Updating(inputs=("mapPublicIpOnLaunch",), run=set_public_addresses)],
    tagging=ec2_tags("subnet"),
    alone_by=("vpcId", "cidrBlock"),
)


# --- RouteTable


def read_route_table(api: Api, table_id: str) -> Description | None:
    table = first(api.client.describe_route_tables(RouteTableIds=[table_id])["RouteTables"])
    return table and {**table, "Arn": api.arn("ec2", f"route-table/{table_id}")}


ROUTE_TABLE = ResourceType(
    token="aws:ec2/routeTable:RouteTable",
    service="ec2",
    identity="RouteTableId",
    inputs={"vpcId": Input("VpcId", required=True, replaces=True)},
    outputs={"arn": "Arn", "ownerId": "OwnerId"},
    create=creates("create_route_table", "RouteTable"),
    read=read_route_table,
    delete=deletes("delete_route_table", "RouteTableId"),
    tagging=ec2_tags("route-table"),
)


# --- Route: its id is "<route table>_<destination>", as `pulumi import` takes it


def create_route(api: Api, request: Description) -> Description:
    api.client.create_route(**request)
    return {"Id": f"{request['RouteTableId']}_{request['DestinationCidrBlock']}"}


def read_route(api: Api, route_id: str) -> Description | None:
    table_id, destination = route_id.split("_", 1)
    table = first(api.client.describe_route_tables(RouteTableIds=[table_id])["RouteTables"])
    routes = [route for route in (table or {}).get("Routes", []) if route.get("DestinationCidrBlock") == destination]
    return {**routes[0], "RouteTableId": table_id, "Id": route_id} if routes else None


def replace_route(api: Api, route_id: str, change: Change) -> None:
    table_id, destination = route_id.split("_", 1)
    targets = {place: change.new[name] for name, place in ROUTE_TARGETS.items() if change.new.get(name)}
    api.client.replace_route(RouteTableId=table_id, DestinationCidrBlock=destination, **targets)


def delete_route(api: Api, route_id: str, old: Properties) -> None:
    table_id, destination = route_id.split("_", 1)
    api.client.delete_route(RouteTableId=table_id, DestinationCidrBlock=destination)


ROUTE_TARGETS = {"gatewayId": "GatewayId", "natGatewayId": "NatGatewayId", "networkInterfaceId": "NetworkInterfaceId"}

ROUTE = ResourceType(
    token="aws:ec2/route:Route",
    service="ec2",
    identity="Id",
    inputs={
        "routeTableId": Input("RouteTableId", required=True, replaces=True),
        "destinationCidrBlock": Input("DestinationCidrBlock", required=True, replaces=True),
        **{name: Input(place) for name, place in ROUTE_TARGETS.items()},
    },
    exactly_one=(tuple(ROUTE_TARGETS),),
    outputs={"origin": "Origin", "state": "State"},
    create=create_route,
    read=read_route,
    delete=delete_route,
    updates=[Updating(inputs=tuple(ROUTE_TARGETS), run=replace_route)],
    alone_by=("routeTableId", "destinationCidrBlock"),
)


# --- RouteTableAssociation: AWS gives a new id when the table changes, hence a replacement


def read_association(api: Api, association_id: str) -> Description | None:
    found = api.client.describe_route_tables(Filters=matching(association__route_table_association_id=association_id))
    associations = [each for table in found["RouteTables"] for each in table["Associations"]]
    return first([each for each in associations if each["RouteTableAssociationId"] == association_id])


ROUTE_TABLE_ASSOCIATION = ResourceType(
    token="aws:ec2/routeTableAssociation:RouteTableAssociation",
    service="ec2",
    identity="AssociationId",
    inputs={
        "routeTableId": Input("RouteTableId", required=True, replaces=True),
        "subnetId": Input("SubnetId", replaces=True),
        "gatewayId": Input("GatewayId", replaces=True),
    },
    exactly_one=(("subnetId", "gatewayId"),),
    create=lambda api, request: dict(api.client.associate_route_table(**request)),
    read=lambda api, association_id: _with_id(read_association(api, association_id)),
    delete=deletes("disassociate_route_table", "AssociationId"),
    alone_by=("subnetId", "gatewayId"),
)


def _with_id(association: Description | None) -> Description | None:
    return association and {**association, "AssociationId": association["RouteTableAssociationId"]}


# --- NatGateway


def read_nat_gateway(api: Api, nat_id: str) -> Description | None:
    nat = first(api.client.describe_nat_gateways(NatGatewayIds=[nat_id])["NatGateways"])
    if nat is None or nat["State"] in ("deleting", "deleted"):
        return None
    return {**nat, **(first(nat.get("NatGatewayAddresses", [])) or {})}


def delete_nat_gateway(api: Api, nat_id: str, old: Properties) -> None:
    api.client.delete_nat_gateway(NatGatewayId=nat_id)
    # The subnet and the address stay in use until it is really gone.
    api.wait_until(lambda: nat_state(api, nat_id) in (None, "deleted"), f"NAT gateway {nat_id} to be deleted")
    if old.get("allocationId"):
        let_go_of_address(api, old["allocationId"])


def let_go_of_address(api: Api, allocation_id: str) -> None:
    """Disassociate the address: AWS does that itself, moto leaves it associated."""
    address = first(api.client.describe_addresses(AllocationIds=[allocation_id])["Addresses"]) or {}
    if address.get("AssociationId"):
        api.client.disassociate_address(AssociationId=address["AssociationId"])


def nat_state(api: Api, nat_id: str) -> str | None:
    nat = first(api.client.describe_nat_gateways(NatGatewayIds=[nat_id])["NatGateways"])
    return str(nat["State"]) if nat else None


NAT_GATEWAY = ResourceType(
    token="aws:ec2/natGateway:NatGateway",
    service="ec2",
    identity="NatGatewayId",
    inputs={
        "subnetId": Input("SubnetId", required=True, replaces=True),
        "allocationId": Input("AllocationId", replaces=True),
        "connectivityType": Input("ConnectivityType", default="public", replaces=True),
    },
    outputs={
        "associationId": "AssociationId",
        "networkInterfaceId": "NetworkInterfaceId",
        "privateIp": "PrivateIp",
        "publicIp": "PublicIp",
    },
    create=creates("create_nat_gateway", "NatGateway"),
    settle=lambda api, nat_id: api.wait_until(
        lambda: nat_state(api, nat_id) == "available", f"NAT gateway {nat_id} to be available"
    ),
    read=read_nat_gateway,
    delete=delete_nat_gateway,
    tagging=ec2_tags("natgateway"),
    alone_by=("allocationId",),
)

ENTRIES = (
    VPC,
    INTERNET_GATEWAY,
    SUBNET,
    ROUTE_TABLE,
    ROUTE,
    ROUTE_TABLE_ASSOCIATION,
    NAT_GATEWAY,
)
