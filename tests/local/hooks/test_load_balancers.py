"""The ELB API as AWS has it: certificates, listeners, protection, access logs, draining."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.elbv2.models import elbv2_backends

from local.addresses import AddressPool
from local.balancers.health import DRAINING, UNUSED, Health
from local.certificates import Certificates, names_in
from local.errors import CloudError
from local.hooks.certificates import certificate_of, install_certificates
from local.hooks.listeners import install_listeners
from local.hooks.load_balancers import install_load_balancers
from tests.aws_clients import aws_client

REGION = "eu-central-1"
ACCOUNT = "123456789012"
TARGET = "10.1.0.5"
UNKNOWN = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/00000000-0000-0000-0000-000000000000"


@dataclass
class Balancers:
    """Answers with the health it is given, or has crashed."""

    measured: Health = UNUSED
    crashed: bool = False
    removed: list[str] = field(default_factory=list)

    def add(self, backend: Any, model: Any, address: str) -> None:
        """Nothing listens here."""

    def refresh(self, arn: str) -> None:
        if self.crashed:
            raise CloudError("the load balancers have crashed")

    def remove(self, arn: str) -> str:
        self.removed.append(arn)
        return "127.9.1.1"

    def health(self, group: str, target: str, port: int) -> Health:
        if self.crashed:
            raise CloudError("the load balancers have crashed")
        return self.measured


@dataclass
class Parts:
    """What these hooks are given."""

    balancers: Balancers
    balancer_addresses: AddressPool
    certificates: Certificates


@dataclass
class Cloud:
    """One load balancer with two target groups, blue and green."""

    elb: Any
    balancers: Balancers
    arn: str
    groups: dict[str, str]

    def listener(self, **more: Any) -> str:
        declared = {"Protocol": "HTTP", "Port": 8080, "DefaultActions": [UNAVAILABLE], **more}
        return str(self.elb.create_listener(LoadBalancerArn=self.arn, **declared)["Listeners"][0]["ListenerArn"])

    def forward(self, group: str) -> dict[str, str]:
        return {"Type": "forward", "TargetGroupArn": self.groups[group]}

    def attributes(self, **attributes: str) -> None:
        pairs = [{"Key": key.replace("__", "."), "Value": value} for key, value in attributes.items()]
        self.elb.modify_load_balancer_attributes(LoadBalancerArn=self.arn, Attributes=pairs)

    def told_health(self) -> list[tuple[str, str]]:
        told = self.elb.describe_target_health(TargetGroupArn=self.groups["blue"])["TargetHealthDescriptions"]
        return [(one["Target"]["Id"], one["TargetHealth"]["State"]) for one in told]

    @property
    def backend(self) -> Any:
        return elbv2_backends[ACCOUNT][REGION]


UNAVAILABLE = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cloud]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    balancers = Balancers()
    parts: Any = Parts(balancers, AddressPool("127.9.1"), Certificates(tmp_path / "certificates"))
    with mock_aws(), ExitStack() as installed:
        install_certificates(installed, parts)
        install_load_balancers(installed, parts)
        install_listeners(installed)
        yield _made(balancers)


def _made(balancers: Balancers) -> Cloud:
    ec2, elb = aws_client("ec2", REGION), aws_client("elbv2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    groups = {
        name: elb.create_target_group(Name=name, Protocol="HTTP", Port=8081, VpcId=vpc, TargetType="ip")[
            "TargetGroups"
        ][0]["TargetGroupArn"]
        for name in ("blue", "green")
    }
    arn = elb.create_load_balancer(Name="live", Subnets=[subnet])["LoadBalancers"][0]["LoadBalancerArn"]
    elb.register_targets(TargetGroupArn=groups["blue"], Targets=[{"Id": TARGET}])
    return Cloud(elb, balancers, arn, groups)


# --- certificates


def test_a_requested_certificate_is_issued_at_once_and_served_for_its_names(cloud: Cloud) -> None:
    acm = aws_client("acm", REGION)
    arn = acm.request_certificate(DomainName="app.example.com", SubjectAlternativeNames=["*.example.com"])[
        "CertificateArn"
    ]
    cloud.listener(Protocol="HTTPS", Port=443, Certificates=[{"CertificateArn": arn}])
    served, described = certificate_of(cloud.backend, arn), acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert served is not None
    assert set(names_in(served.certificate)) == {"app.example.com", "*.example.com"}
    assert (described["Status"], described["Issuer"]) == ("ISSUED", "Stageline local cloud")


def test_a_certificate_that_is_requested_twice_stays_the_same(cloud: Cloud) -> None:
    acm = aws_client("acm", REGION)
    served = []
    for _ in range(2):
        arn = acm.request_certificate(DomainName="app.example.com", IdempotencyToken="once")["CertificateArn"]
        served.append(certificate_of(cloud.backend, arn))
    assert served[0] == served[1]


def test_an_imported_certificate_is_served_as_it_is(cloud: Cloud, tmp_path: Path) -> None:
    own = Certificates(tmp_path / "own").issue(["shop.example.com"])
    arn = aws_client("acm", REGION).import_certificate(Certificate=own.certificate, PrivateKey=own.key)[
        "CertificateArn"
    ]
    served = certificate_of(cloud.backend, arn)
    assert served is not None
    assert (served.certificate.strip(), served.key) == (own.certificate.strip(), own.key)


@pytest.mark.parametrize(
    ("certificates", "code"), [([{"CertificateArn": UNKNOWN}], "CertificateNotFound"), ([], "ValidationError")]
)
def test_a_tls_listener_needs_a_certificate_that_exists(
    cloud: Cloud, certificates: list[dict[str, str]], code: str
) -> None:
    with pytest.raises(ClientError, match=code):
        cloud.listener(Protocol="HTTPS", Port=443, Certificates=certificates)
    assert cloud.elb.describe_listeners(LoadBalancerArn=cloud.arn)["Listeners"] == []


def test_a_further_certificate_must_exist_too(cloud: Cloud) -> None:
    listener = cloud.listener()
    with pytest.raises(ClientError, match="CertificateNotFound"):
        cloud.elb.add_listener_certificates(ListenerArn=listener, Certificates=[{"CertificateArn": UNKNOWN}])


# --- listeners


def test_a_rule_of_a_listener_is_refused_by_name(cloud: Cloud) -> None:
    conditions = [{"Field": "path-pattern", "Values": ["/x"]}]
    with pytest.raises(ClientError, match="knows no rules of listeners"):
        cloud.elb.create_rule(ListenerArn=cloud.listener(), Priority=1, Conditions=conditions, Actions=[UNAVAILABLE])


def test_a_listener_cannot_be_pointed_at_a_group_that_does_not_exist(cloud: Cloud) -> None:
    listener = cloud.listener()
    missing = {"Type": "forward", "TargetGroupArn": cloud.groups["blue"] + "0"}
    with pytest.raises(ClientError, match="TargetGroupNotFound"):
        cloud.elb.modify_listener(ListenerArn=listener, DefaultActions=[missing])


def test_a_group_knows_which_load_balancers_use_it_now(cloud: Cloud) -> None:
    listener = cloud.listener(DefaultActions=[cloud.forward("blue")])
    cloud.elb.modify_listener(ListenerArn=listener, DefaultActions=[cloud.forward("green")])
    told = cloud.elb.describe_target_groups()["TargetGroups"]
    assert {one["TargetGroupName"]: one["LoadBalancerArns"] for one in told} == {"blue": [], "green": [cloud.arn]}


def test_a_listener_cannot_move_to_the_port_of_another(cloud: Cloud) -> None:
    listener = cloud.listener()
    cloud.listener(Port=8090)
    with pytest.raises(ClientError, match="DuplicateListener"):
        cloud.elb.modify_listener(ListenerArn=listener, Port=8090)


# --- attributes


def test_a_protected_load_balancer_is_not_deleted(cloud: Cloud) -> None:
    cloud.attributes(deletion_protection__enabled="true")
    with pytest.raises(ClientError, match="deletion protection is enabled"):
        cloud.elb.delete_load_balancer(LoadBalancerArn=cloud.arn)
    assert (len(cloud.elb.describe_load_balancers()["LoadBalancers"]), cloud.balancers.removed) == (1, [])


def test_without_protection_any_more_it_is_deleted(cloud: Cloud) -> None:
    cloud.attributes(deletion_protection__enabled="true")
    cloud.attributes(deletion_protection__enabled="false")
    cloud.elb.delete_load_balancer(LoadBalancerArn=cloud.arn)
    assert cloud.balancers.removed == [cloud.arn]


def test_switching_the_access_log_on_writes_a_test_file(cloud: Cloud) -> None:
    s3 = aws_client("s3", REGION)
    s3.create_bucket(Bucket="our-logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    cloud.attributes(access_logs__s3__enabled="true", access_logs__s3__bucket="our-logs", access_logs__s3__prefix="alb")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="our-logs")["Contents"]]
    assert keys == [f"alb/AWSLogs/{ACCOUNT}/ELBAccessLogTestFile"]


def test_an_access_log_without_a_bucket_is_refused_and_stays_off(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="Access Denied for bucket: nowhere"):
        cloud.attributes(access_logs__s3__enabled="true", access_logs__s3__bucket="nowhere")
    told = cloud.elb.describe_load_balancer_attributes(LoadBalancerArn=cloud.arn)["Attributes"]
    assert "true" not in {one["Value"] for one in told if one["Key"] == "access_logs.s3.enabled"}


# --- target health


def test_a_deregistered_target_is_told_while_it_drains(cloud: Cloud) -> None:
    cloud.elb.deregister_targets(TargetGroupArn=cloud.groups["blue"], Targets=[{"Id": TARGET}])
    cloud.balancers.measured = DRAINING
    during = cloud.told_health()
    cloud.balancers.measured = UNUSED
    assert (during, cloud.told_health()) == ([(TARGET, "draining")], [])


def test_a_deregistered_target_that_is_asked_for_is_not_registered(cloud: Cloud) -> None:
    cloud.elb.deregister_targets(TargetGroupArn=cloud.groups["blue"], Targets=[{"Id": TARGET}])
    told = cloud.elb.describe_target_health(TargetGroupArn=cloud.groups["blue"], Targets=[{"Id": TARGET}])
    health = told["TargetHealthDescriptions"][0]["TargetHealth"]
    assert (health["State"], health["Reason"]) == ("unused", "Target.NotRegistered")


def test_a_target_that_is_not_there_is_deregistered_by_doing_nothing(cloud: Cloud) -> None:
    both = [{"Id": TARGET}, {"Id": "i-00000000000000000"}]
    for _ in range(2):
        cloud.elb.deregister_targets(TargetGroupArn=cloud.groups["blue"], Targets=both)
    cloud.balancers.measured = UNUSED
    assert cloud.told_health() == []


def test_a_crash_of_the_balancers_is_the_error_of_the_call(cloud: Cloud) -> None:
    cloud.balancers.crashed = True
    with pytest.raises(ClientError, match="the load balancers have crashed"):
        cloud.told_health()
    with pytest.raises(ClientError, match="the load balancers have crashed"):
        cloud.listener()
