"""All of it together: made through the AWS API, asked over TLS, logged into a bucket."""

import gzip
import shlex
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from local.addresses import AddressPool
from local.balancers import Balancers
from local.certificates import Certificates
from local.hooks.certificates import install_certificates
from local.hooks.listeners import install_listeners
from local.hooks.load_balancers import DOORS, install_load_balancers
from local.pace import Pace
from tests.aws_clients import aws_client
from tests.local.balancers.tls_client import ask_over_tls
from tests.local.balancers.world import HERE, Application, free_port, wait_until

REGION = "eu-central-1"


@dataclass
class Parts:
    """What these hooks are given; the balancers are real."""

    balancers: Balancers
    balancer_addresses: AddressPool
    certificates: Certificates


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Parts]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    balancers = Balancers(DOORS, Pace(factor=100))
    given: Any = Parts(balancers, AddressPool("127.0.0"), Certificates(tmp_path / "certificates"))
    balancers.start()
    with mock_aws(), ExitStack() as installed:
        install_certificates(installed, given)
        install_load_balancers(installed, given)
        install_listeners(installed)
        yield given
        balancers.close()


@pytest.mark.enable_socket
def test_a_request_over_tls_reaches_a_measured_target_and_is_found_in_the_bucket(
    parts: Parts, blue: Application
) -> None:
    elb, s3, port = aws_client("elbv2", REGION), aws_client("s3", REGION), free_port()
    s3.create_bucket(Bucket="our-logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    arn, group = _made(elb, blue)
    certificate = aws_client("acm", REGION).request_certificate(DomainName="app.example.com")["CertificateArn"]
    elb.create_listener(
        LoadBalancerArn=arn,
        Protocol="HTTPS",
        Port=port,
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    wait_until(lambda: _health(elb, group) == ["healthy"])
    trusting = ssl.create_default_context(cafile=str(parts.certificates.ca_bundle))
    assert ask_over_tls(port, trusting, "app.example.com") == (200, b"blue")
    elb.delete_load_balancer(LoadBalancerArn=arn)

    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="our-logs")["Contents"]]
    (log,) = (key for key in keys if key.endswith(".log.gz"))
    line = shlex.split(gzip.decompress(s3.get_object(Bucket="our-logs", Key=log)["Body"].read()).decode())
    assert (line[0], line[4], line[8:10]) == ("https", f"{HERE}:{blue.port}", ["200", "200"])
    assert (line[15], line[16], line[18], line[19]) == ("TLSv1.3", group, "app.example.com", certificate)


def _made(elb: Any, blue: Application) -> tuple[str, str]:
    """A load balancer that writes a log, and a group with the application in it."""
    ec2 = aws_client("ec2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    arn = elb.create_load_balancer(Name="live", Subnets=[subnet])["LoadBalancers"][0]["LoadBalancerArn"]
    made = elb.create_target_group(
        Name="blue", Protocol="HTTP", Port=blue.port, VpcId=vpc, TargetType="ip", HealthCheckPath="/health"
    )
    group = made["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": HERE, "Port": blue.port}])
    switched_on = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "our-logs"}
    attributes = [{"Key": key, "Value": value} for key, value in switched_on.items()]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)
    return arn, group


def _health(elb: Any, group: str) -> list[str]:
    told = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return [one["TargetHealth"]["State"] for one in told]
