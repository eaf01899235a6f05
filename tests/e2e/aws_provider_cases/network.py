"""Networks and their addresses."""

from tests.e2e.aws_provider_cases.case import REGION, RETAGGED, TAGS, Case, policy, retag


def anybody(action: str) -> str:
    """Make a policy that lets everybody do something."""
    return policy({"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"})


NETWORK = {
    "vpc": Case(
        type="aws:ec2/vpc:Vpc",
        inputs={"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": TAGS},
        update={"enableDnsHostnames": False, "tags": RETAGGED},
        drift=lambda clients, vpc: clients("ec2").modify_vpc_attribute(
            VpcId=vpc["id"], EnableDnsHostnames={"Value": True}
        ),
        reads=("arn", "mainRouteTableId", "defaultSecurityGroupId", "defaultNetworkAclId", "ownerId"),
    ),
    "other-vpc": Case(
        type="aws:ec2/vpc:Vpc",
        inputs={"cidrBlock": "10.1.0.0/16", "instanceTenancy": "dedicated", "enableDnsSupport": False},
        update={"enableDnsSupport": True},
        replacement={"cidrBlock": "10.2.0.0/16"},
    ),
    "gateway": Case(
        type="aws:ec2/internetGateway:InternetGateway",
        inputs={"vpcId": "${vpc.id}", "tags": TAGS},
        update={"tags": RETAGGED},
        drift=retag,
        reads=("arn", "ownerId"),
    ),
    "subnet": Case(
        type="aws:ec2/subnet:Subnet",
        inputs={
            "vpcId": "${vpc.id}",
            "cidrBlock": "10.0.1.0/24",
            "availabilityZone": f"{REGION}a",
            "mapPublicIpOnLaunch": False,
            "tags": TAGS,
        },
        update={"mapPublicIpOnLaunch": True, "tags": RETAGGED},
        replacement={"cidrBlock": "10.0.11.0/24"},
        drift=lambda clients, subnet: clients("ec2").modify_subnet_attribute(
            SubnetId=subnet["id"], MapPublicIpOnLaunch={"Value": False}
        ),
        reads=("arn", "availabilityZoneId"),
    ),
    "subnet-b": Case(
        type="aws:ec2/subnet:Subnet",
        inputs={"vpcId": "${vpc.id}", "cidrBlock": "10.0.2.0/24", "availabilityZone": f"{REGION}b"},
    ),
    "subnet-c": Case(
        type="aws:ec2/subnet:Subnet",
        inputs={"vpcId": "${vpc.id}", "cidrBlock": "10.0.3.0/24", "availabilityZone": f"{REGION}c"},
    ),
    "table": Case(
        type="aws:ec2/routeTable:RouteTable",
        inputs={"vpcId": "${vpc.id}", "tags": TAGS},
        update={"tags": RETAGGED},
        drift=retag,
        reads=("arn",),
    ),
    "spare-gateway": Case(
        type="aws:ec2/internetGateway:InternetGateway", inputs={}, update={"vpcId": "${third-vpc.id}"}
    ),
    "third-vpc": Case(type="aws:ec2/vpc:Vpc", inputs={"cidrBlock": "10.3.0.0/16"}),
    "other-table": Case(
        type="aws:ec2/routeTable:RouteTable",
        inputs={"vpcId": "${vpc.id}"},
        replacement={"vpcId": "${other-vpc.id}"},
    ),
    "route": Case(
        type="aws:ec2/route:Route",
        inputs={"routeTableId": "${table.id}", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "${gateway.id}"},
        update={"gatewayId": None, "natGatewayId": "${nat.id}"},
        replacement={"destinationCidrBlock": "192.168.0.0/16"},
        drift=lambda clients, route: clients("ec2").replace_route(
            RouteTableId=route["routeTableId"],
            DestinationCidrBlock=route["destinationCidrBlock"],
            GatewayId=clients("ec2").describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"],
        ),
        reads=("state", "origin"),
    ),
    "association": Case(
        type="aws:ec2/routeTableAssociation:RouteTableAssociation",
        inputs={"routeTableId": "${table.id}", "subnetId": "${subnet.id}"},
        replacement={"subnetId": "${subnet-b.id}"},
        drift=lambda clients, association: clients("ec2").disassociate_route_table(AssociationId=association["id"]),
    ),
    "interface-route": Case(
        type="aws:ec2/route:Route",
        inputs={"routeTableId": "${table.id}", "destinationCidrBlock": "172.16.0.0/16", "gatewayId": "${gateway.id}"},
        update={"gatewayId": None, "networkInterfaceId": "${server.primaryNetworkInterfaceId}"},
    ),
    "gateway-association": Case(
        type="aws:ec2/routeTableAssociation:RouteTableAssociation",
        inputs={"routeTableId": "${spare-table.id}", "gatewayId": "${gateway.id}"},
    ),
    "spare-table": Case(type="aws:ec2/routeTable:RouteTable", inputs={"vpcId": "${vpc.id}"}),
    "address": Case(
        type="aws:ec2/eip:Eip",
        inputs={"domain": "vpc", "tags": TAGS},
        update={"tags": RETAGGED},
        drift=retag,
        reads=("publicIp", "allocationId", "arn"),
    ),
    "nat": Case(
        type="aws:ec2/natGateway:NatGateway",
        inputs={"allocationId": "${address.id}", "subnetId": "${subnet.id}", "tags": TAGS},
        update={"tags": RETAGGED},
        replacement={"subnetId": "${subnet-b.id}"},
        drift=retag,
        reads=("publicIp", "privateIp"),
        after=("gateway",),
    ),
    "private-nat": Case(
        type="aws:ec2/natGateway:NatGateway",
        inputs={"connectivityType": "private", "subnetId": "${subnet.id}"},
    ),
    "interface-endpoint": Case(
        type="aws:ec2/vpcEndpoint:VpcEndpoint",
        inputs={
            "vpcId": "${vpc.id}",
            "serviceName": f"com.amazonaws.{REGION}.ssm",
            "vpcEndpointType": "Interface",
            "subnetIds": ["${subnet.id}"],
            "securityGroupIds": ["${group.id}"],
            "privateDnsEnabled": False,
            "policy": anybody("ssm:GetParameter"),
        },
        update={
            "subnetIds": ["${subnet-b.id}"],
            "securityGroupIds": ["${inline-group.id}"],
            "privateDnsEnabled": True,
            "policy": anybody("ssm:*"),
        },
    ),
    "endpoint": Case(
        type="aws:ec2/vpcEndpoint:VpcEndpoint",
        inputs={
            "vpcId": "${vpc.id}",
            "serviceName": f"com.amazonaws.{REGION}.s3",
            "routeTableIds": ["${table.id}"],
            "tags": TAGS,
        },
        update={"routeTableIds": ["${table.id}", "${vpc.mainRouteTableId}"], "tags": RETAGGED},
        replacement={"serviceName": f"com.amazonaws.{REGION}.dynamodb"},
        drift=lambda clients, endpoint: clients("ec2").modify_vpc_endpoint(
            VpcEndpointId=endpoint["id"], RemoveRouteTableIds=[endpoint["routeTableIds"][-1]]
        ),
        reads=("arn", "state"),
    ),
    "flow-log": Case(
        type="aws:ec2/flowLog:FlowLog",
        inputs={
            "vpcId": "${vpc.id}",
            "trafficType": "ALL",
            "logDestination": "${plain-log-group.arn}",
            "iamRoleArn": "${role.arn}",
            "maxAggregationInterval": 60,
            "logFormat": "${version} ${srcaddr} ${dstaddr}",
            "tags": TAGS,
        },
        update={"tags": RETAGGED},
        replacement={"trafficType": "REJECT"},
        drift=retag,
        reads=("arn",),
    ),
    "subnet-flow-log": Case(
        type="aws:ec2/flowLog:FlowLog",
        inputs={
            "subnetId": "${subnet.id}",
            "trafficType": "REJECT",
            "logDestinationType": "s3",
            "logDestination": "${plain-bucket.arn}",
        },
        drift=lambda clients, log: clients("ec2").delete_flow_logs(FlowLogIds=[log["id"]]),
        reads=("logFormat",),
    ),
    "interface-flow-log": Case(
        type="aws:ec2/flowLog:FlowLog",
        inputs={
            "eniId": "${server.primaryNetworkInterfaceId}",
            "trafficType": "ALL",
            "logDestination": "${plain-log-group.arn}",
            "iamRoleArn": "${role.arn}",
        },
    ),
}
