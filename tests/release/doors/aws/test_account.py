"""What an account and region offer and hold, on moto's AWS."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from release.doors.aws.account import VCPUS, VPCS, Account
from release.doors.aws.session import AwsSession
from tests.release.world import shared_session


@pytest.fixture
def session(aws: None) -> AwsSession:
    return shared_session("123456789012", "eu-central-1")


class TheirImages(AwsSession):
    """EC2 with an image for a CPU; moto's are for none."""

    def __init__(self) -> None:
        super().__init__(account="123456789012", region="eu-central-1", role=None)

    def client(self, service: str) -> Any:
        return self

    def describe_images(self, ImageIds: list[str]) -> dict[str, Any]:
        return {"Images": [{"ImageId": id, "Architecture": "arm64", "State": "available"} for id in ImageIds]}


def test_an_image_is_told_with_its_cpu() -> None:
    image = Account(TheirImages()).image("ami-0123456789abcdef0")
    assert image is not None
    assert (image.architecture, image.state) == ("arm64", "available")


def test_of_an_image_that_does_not_tell_its_cpu_that_is_empty(session: AwsSession) -> None:
    image = Account(session).image(session.client("ec2").register_image(Name="ours")["ImageId"])
    assert image is not None
    assert (image.architecture, image.state) == ("", "available")


def test_an_image_and_a_type_that_are_not_there_are_none(session: AwsSession) -> None:
    assert Account(session).image("ami-0aaaaaaaaaaaaaaaa") is None
    assert Account(session).kind("t3.tiny") is None


def test_a_type_is_told_with_its_cpu_and_its_size(session: AwsSession) -> None:
    kind = Account(session).kind("t4g.small")
    assert kind is not None
    assert (kind.architectures, kind.vcpus) == (("arm64",), 2)


def test_zones_are_told_by_their_letters(session: AwsSession) -> None:
    assert {"a", "b"} <= Account(session).zones()


def test_what_is_made_is_counted(session: AwsSession) -> None:
    account, ec2 = Account(session), session.client("ec2")
    before = (account.vpcs(), account.addresses(), account.vcpus(), account.balancers())
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.allocate_address(Domain="vpc")
    image = ec2.register_image(Name="one")["ImageId"]
    ec2.run_instances(ImageId=image, InstanceType="t3.small", MinCount=1, MaxCount=1)
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{at}.0/24", AvailabilityZone=f"eu-central-1{zone}")
        for at, zone in enumerate("ab")
    ]
    session.client("elbv2").create_load_balancer(Name="x", Subnets=[one["Subnet"]["SubnetId"] for one in subnets])
    after = (account.vpcs(), account.addresses(), account.vcpus(), account.balancers())
    assert [now - then > 0 for now, then in zip(after, before, strict=True)] == [True] * 4


class TheirQuotas(TheirImages):
    """Service Quotas of an account that got more VPCs, and nothing else."""

    def get_service_quota(self, ServiceCode: str, QuotaCode: str) -> dict[str, Any]:
        if QuotaCode != VPCS.code:
            raise ClientError({"Error": {"Code": "NoSuchResourceException", "Message": ""}}, "GetServiceQuota")
        return {"Quota": {"Value": 20.0}}

    def get_aws_default_service_quota(self, ServiceCode: str, QuotaCode: str) -> dict[str, Any]:
        return {"Quota": {"Value": 5.0}}


def test_a_quota_is_the_accounts_own_or_else_that_of_all_accounts() -> None:
    account = Account(TheirQuotas())
    assert (account.quota(VPCS), account.quota(VCPUS)) == (20, 5)
