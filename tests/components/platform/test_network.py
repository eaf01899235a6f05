"""Network: the arithmetic of blocks, and where subnets and routes go."""

import ipaddress
import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from components.platform.network import private_block, public_block
from settings.model import Network, Settings
from tests.components.recording import record, settings_of


@st.composite
def vpc_blocks(draw: st.DrawFn) -> str:
    """Any block that the settings accept."""
    base = draw(st.sampled_from(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]))
    prefix = draw(st.integers(16, 23))
    private = ipaddress.IPv4Network(base)
    address = draw(st.integers(int(private.network_address), int(private.broadcast_address)))
    return str(ipaddress.IPv4Network((address, prefix), strict=False))


@given(vpc_blocks(), st.integers(2, 6))
def test_subnets_lie_in_the_vpc_and_share_no_address(cidr: str, zones: int) -> None:
    blocks = [
        ipaddress.IPv4Network(block(cidr, index)) for block in (public_block, private_block) for index in range(zones)
    ]
    assert all(block.subnet_of(ipaddress.IPv4Network(cidr)) for block in blocks)
    assert not [pair for pair in itertools.combinations(blocks, 2) if pair[0].overlaps(pair[1])]


@given(vpc_blocks())
def test_a_subnet_is_never_smaller_than_a_load_balancer_needs(cidr: str) -> None:
    assert ipaddress.IPv4Network(public_block(cidr, 0)).prefixlen <= 27


def test_every_zone_has_a_public_and_a_private_subnet() -> None:
    subnets = record(settings_of("dev")).of("aws:ec2/subnet:Subnet")
    assert {subnet.name: (subnet.inputs["availabilityZone"], subnet.inputs["cidrBlock"]) for subnet in subnets} == {
        "env-network-public-a": ("eu-central-1a", "10.10.0.0/20"),
        "env-network-public-b": ("eu-central-1b", "10.10.16.0/20"),
        "env-network-private-a": ("eu-central-1a", "10.10.128.0/20"),
        "env-network-private-b": ("eu-central-1b", "10.10.144.0/20"),
    }


def test_a_zone_keeps_its_blocks_whatever_other_zones_there_are() -> None:
    few, more = (
        {subnet.name: subnet.inputs["cidrBlock"] for subnet in record(settings).of("aws:ec2/subnet:Subnet")}
        for settings in (in_zones("b", "c"), in_zones("a", "b", "c"))
    )
    assert few.items() < more.items()


def in_zones(*zones: str) -> Settings:
    settings = settings_of("dev")
    return settings.model_copy(update={"network": settings.network.model_copy(update={"zones": zones})})


def test_only_public_subnets_have_a_way_to_the_internet_without_nat() -> None:
    [route] = record(settings_of("dev")).of("aws:ec2/route:Route")
    assert route.inputs["routeTableId"] == "env-network-public-id"
    assert route.inputs["gatewayId"] == "env-network-gateway-id"


def test_nat_gives_private_subnets_a_way_out_through_a_public_one() -> None:
    network = Network(cidr="10.10.0.0/16", zones=("a", "b"), nat=True, flow_log_days=7)
    recording = record(settings_of("dev", network=network))
    [gateway] = recording.of("aws:ec2/natGateway:NatGateway")
    route = recording.one("aws:ec2/route:Route", "env-network-private-default")
    assert gateway.inputs["subnetId"] == "env-network-public-a-id"
    assert gateway.ignore_changes == ("subnetId",)
    assert route.inputs["natGatewayId"] == "env-network-nat-id"
    assert route.inputs["routeTableId"] == "env-network-private-id"


def test_a_public_subnet_is_handed_out_only_with_its_route() -> None:
    recording = record(settings_of("dev"))
    [route] = recording.of("aws:ec2/route:Route")
    association = recording.one("aws:ec2/routeTableAssociation:RouteTableAssociation", "env-network-public-a")
    server = recording.one("aws:ec2/instance:Instance", "env-servers-1")
    assert route.urn in association.after
    assert association.urn in server.after


def test_the_default_security_group_is_emptied() -> None:
    [group] = record(settings_of("dev")).of("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert group.inputs == {"vpcId": "env-network-vpc-id"}


def test_all_flows_are_logged_encrypted_and_kept_for_the_days_of_the_setting() -> None:
    recording = record(settings_of("prod"))
    [flow_log] = recording.of("aws:ec2/flowLog:FlowLog")
    group = recording.one("aws:cloudwatch/logGroup:LogGroup", "env-network-flows")
    assert flow_log.inputs == {
        "vpcId": "env-network-vpc-id",
        "trafficType": "ALL",
        "logDestination": "arn:of:env-network-flows",
        "iamRoleArn": "arn:of:env-network-flows",
    }
    assert group.inputs == {"retentionInDays": 90, "kmsKeyId": "arn:of:env-logs-key"}


def test_flow_logs_begin_only_when_their_role_may_write_into_the_one_group() -> None:
    recording = record(settings_of("prod"))
    [flow_log] = recording.of("aws:ec2/flowLog:FlowLog")
    policy = recording.one("aws:iam/rolePolicy:RolePolicy", "env-network-flows")
    written = [one for one in json.loads(policy.inputs["policy"])["Statement"] if "logs:PutLogEvents" in one["Action"]]
    assert [one["Resource"] for one in written] == [["arn:of:env-network-flows", "arn:of:env-network-flows:*"]]
    assert policy.urn in flow_log.after


def test_the_role_of_flow_logs_is_for_this_account_alone() -> None:
    role = record(settings_of("prod")).one("aws:iam/role:Role", "env-network-flows")
    [trust] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
