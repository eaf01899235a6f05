"""Network: one VPC over the environment's zones, each zone with a public and a private subnet, and its flow logs."""

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws.cloudwatch.log_group import LogGroup
from pulumi_aws.ec2.default_security_group import DefaultSecurityGroup
from pulumi_aws.ec2.eip import Eip
from pulumi_aws.ec2.flow_log import FlowLog
from pulumi_aws.ec2.internet_gateway import InternetGateway
from pulumi_aws.ec2.nat_gateway import NatGateway
from pulumi_aws.ec2.route import Route
from pulumi_aws.ec2.route_table import RouteTable
from pulumi_aws.ec2.route_table_association import RouteTableAssociation
from pulumi_aws.ec2.subnet import Subnet
from pulumi_aws.ec2.vpc import Vpc
from pulumi_aws.ec2.vpc_endpoint import VpcEndpoint
from pulumi_aws.iam.role import Role
from pulumi_aws.iam.role_policy import RolePolicy

from components.groups import EVERYWHERE
from components.machine import Bounds
from settings import model
from settings.names import Names

# A VPC is cut into 16 blocks of one size: the first half for public subnets, the second half for private ones.
# A zone's blocks come from its letter, so it keeps them whatever other zones come and go.
SUBNET_BITS = 4
FIRST_PRIVATE = 8
ZONES = "abcdefgh"


def public_block(cidr: str, index: int) -> str:
    """The block of the public subnet in the zone with the letter at `index` (0 to 7)."""
    return _block(cidr, index)


def private_block(cidr: str, index: int) -> str:
    """The block of the private subnet in the zone with the letter at `index` (0 to 7)."""
    return _block(cidr, FIRST_PRIVATE + index)


def _block(cidr: str, number: int) -> str:
    return str(list(ipaddress.IPv4Network(cidr).subnets(prefixlen_diff=SUBNET_BITS))[number])


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Flow logs are encrypted with the key `log_key_arn`."""

    names: Names
    network: model.Network
    log_key_arn: Input[str]
    bounds: Bounds


class Network(pulumi.ComponentResource):
    """VPC, subnets, routes and gateway endpoints. The default security group is emptied: nothing may use it.

    `outgoing_subnet_ids` are the private ones once more, from when machines in them reach the internet.
    """

    vpc_id: Output[str]
    public_subnet_ids: list[Output[str]]
    private_subnet_ids: list[Output[str]]
    outgoing_subnet_ids: list[Output[str]]

    def __init__(self, name: str, args: NetworkArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:platform:Network", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)

        self._vpc = self._make_vpc()
        public = self._make_public_routes()
        private = self._make_route_table("private")
        public_subnets = [self._make_subnet("public", zone) for zone in args.network.zones]
        private_subnets = [self._make_subnet("private", zone) for zone in args.network.zones]
        way_out = [self._make_way_out(public_subnets[0], private)] if args.network.nat else []
        self._make_endpoint("s3", [public, private])
        self._make_endpoint("dynamodb", [public, private])
        self._log_flows()

        self.vpc_id = self._vpc.id
        self.public_subnet_ids = self._attach("public", public_subnets, public, self._public_route)
        self.private_subnet_ids = self._attach("private", private_subnets, private, private)
        self.outgoing_subnet_ids = [known_after(way_out, subnet) for subnet in self.private_subnet_ids]
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "public_subnet_ids": self.public_subnet_ids,
                "private_subnet_ids": self.private_subnet_ids,
            }
        )

    def _make_vpc(self) -> Vpc:
        vpc = Vpc(
            f"{self._prefix}-vpc",
            cidr_block=self._args.network.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": self._args.names.label},
            opts=self._child,
        )
        DefaultSecurityGroup(f"{self._prefix}-default", vpc_id=vpc.id, opts=self._child)
        return vpc

    def _make_subnet(self, kind: str, zone: str) -> Subnet:
        index = ZONES.index(zone)
        block = public_block if kind == "public" else private_block
        return Subnet(
            f"{self._prefix}-{kind}-{zone}",
            vpc_id=self._vpc.id,
            cidr_block=block(self._args.network.cidr, index),
            availability_zone=f"{self._args.names.region}{zone}",
            tags={"Name": f"{self._args.names.label}-{kind}-{zone}"},
            opts=self._child,
        )

    def _make_route_table(self, kind: str) -> RouteTable:
        return RouteTable(f"{self._prefix}-{kind}", vpc_id=self._vpc.id, opts=self._child)

    def _make_public_routes(self) -> RouteTable:
        gateway = InternetGateway(f"{self._prefix}-gateway", vpc_id=self._vpc.id, opts=self._child)
        table = self._make_route_table("public")
        self._public_route = Route(
            f"{self._prefix}-public-default",
            route_table_id=table.id,
            destination_cidr_block=EVERYWHERE,
            gateway_id=gateway.id,
            opts=self._child,
        )
        return table

    def _make_way_out(self, subnet: Subnet, table: RouteTable) -> Route:
        """One NAT gateway for all zones: a zone's failure stops outgoing calls of private subnets only."""
        address = Eip(f"{self._prefix}-nat-address", domain="vpc", opts=self._child)
        gateway = NatGateway(
            f"{self._prefix}-nat",
            allocation_id=address.id,
            subnet_id=subnet.id,
            # A further zone in front must not move it: AWS refuses two gateways with one address.
            opts=ResourceOptions(parent=self, depends_on=[self._public_route], ignore_changes=["subnet_id"]),
        )
        return Route(
            f"{self._prefix}-private-default",
            route_table_id=table.id,
            destination_cidr_block=EVERYWHERE,
            nat_gateway_id=gateway.id,
            opts=self._child,
        )

    def _make_endpoint(self, service: str, tables: list[RouteTable]) -> None:
        """Reach an AWS service without leaving the VPC; a gateway endpoint costs nothing."""
        VpcEndpoint(
            f"{self._prefix}-{service}",
            vpc_id=self._vpc.id,
            service_name=f"com.amazonaws.{self._args.names.region}.{service}",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            opts=self._child,
        )

    def _log_flows(self) -> None:
        """Keep who talked to whom, also what was refused: addresses, ports and sizes, never contents."""
        group = LogGroup(
            f"{self._prefix}-flows",
            retention_in_days=self._args.network.flow_log_days,
            kms_key_id=self._args.log_key_arn,
            opts=self._child,
        )
        role = self._make_flow_role()
        everywhere = f"arn:aws:logs:{self._args.names.region}:{self._args.names.account}:log-group:*"
        policy = group.arn.apply(lambda arn: _policy(flow_statements(arn, everywhere)))
        may_write = RolePolicy(f"{self._prefix}-flows", role=role.name, policy=policy, opts=self._child)
        FlowLog(
            f"{self._prefix}-flows",
            vpc_id=self._vpc.id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            opts=ResourceOptions(parent=self, depends_on=[may_write]),
        )

    def _make_flow_role(self) -> Role:
        trust = may_be_assumed_by_flow_logs(self._args.names.account, self._args.names.region)
        return Role(
            f"{self._prefix}-flows",
            path=self._args.bounds.path,
            permissions_boundary=self._args.bounds.boundary,
            assume_role_policy=_policy([trust]),
            opts=self._child,
        )

    def _attach(self, kind: str, subnets: list[Subnet], table: RouteTable, ready: pulumi.Resource) -> list[Output[str]]:
        """Attach the routes, and hand out a subnet only then: a server that boots needs its way out at once."""
        associations = [
            RouteTableAssociation(
                f"{self._prefix}-{kind}-{zone}",
                subnet_id=subnet.id,
                route_table_id=table.id,
                opts=ResourceOptions(parent=self, depends_on=[ready]),
            )
            for zone, subnet in zip(self._args.network.zones, subnets, strict=True)
        ]
        return [association.subnet_id for association in associations]


def known_after(resources: Sequence[pulumi.CustomResource], id: Output[str]) -> Output[str]:
    """An id that is told only when these resources are there."""
    return Output.all(id, *(resource.id for resource in resources)).apply(lambda known: str(known[0]))


def may_be_assumed_by_flow_logs(account: str, region: str) -> dict[str, Any]:
    """Let the service write for flow logs of this account, and for nobody else's."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:{region}:{account}:vpc-flow-log/*"},
        },
    }


def flow_statements(group_arn: str, everywhere: str) -> list[dict[str, Any]]:
    """What writing into one log group takes. The service looks through all groups, which is only reading."""
    write = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return [
        {"Effect": "Allow", "Action": write, "Resource": [group_arn, f"{group_arn}:*"]},
        {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": everywhere},
    ]


def _policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
