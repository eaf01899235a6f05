"""Behind each model of a kept cloud stands the real thing again, at the address that it had and as it was."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local import inventory, models
from local.addresses import AddressPool
from local.errors import CloudError
from local.hooks.parts import Parts
from local.hooks.resuming import resume

REGION = "eu-central-1"
Calls = list[tuple[Any, ...]]


@dataclass
class FakeParts:
    """Notes what is resumed, in order."""

    calls: Calls = field(default_factory=list)

    def resume(self, thing: str, *arguments: Any, **named: Any) -> None:
        if thing.startswith("i-"):
            address, role, running, machine = arguments
            self.calls.append(("server", thing, address, role, running, machine.type))
        else:
            self.calls.append(("database", thing, named["port"], named["running"]))

    def add(self, backend: Any, balancer: Any, address: str) -> None:
        self.calls.append(("balancer", balancer.name, address))

    def refresh(self, arn: str) -> None:
        self.calls.append(("listening", arn.split("/")[2]))


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


@pytest.fixture
def fake() -> FakeParts:
    return FakeParts()


def parts(fake: Any) -> Parts:
    return Parts(
        servers=fake,
        server_addresses=AddressPool("127.9.3"),
        balancers=fake,
        balancer_addresses=AddressPool("127.9.1"),
        certificates=fake,
        databases=fake,
    )


def client(service: str) -> Any:
    make: Callable[..., Any] = boto3.client
    return make(service, region_name=REGION)


def servers(*addresses: str) -> list[Any]:
    """moto's instances at these addresses, as the hooks would have made them."""
    client("ec2").run_instances(
        ImageId="ami-12345678", MinCount=len(addresses), MaxCount=len(addresses), InstanceType="t3.small"
    )
    made = list(inventory.instances())
    for instance, address in zip(made, addresses, strict=True):
        instance.nics[0].private_ip_address = address
        instance.local_role = "a-role"
    return made


def database(identifier: str, address: str) -> None:
    rds = client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier=identifier,
        Engine="postgres",
        DBInstanceClass="db.t4g.small",
        AllocatedStorage=20,
        MasterUsername="master",
        MasterUserPassword="longer-than-8",
        Port=5433,
    )
    (made,) = [one for one in models.backends("rds") if identifier in one.databases]
    made.databases[identifier].local_address = address


def balancer(address: str) -> None:
    ec2 = client("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    client("elbv2").create_load_balancer(Name="live", Subnets=subnets)
    ((_, made),) = inventory.balancers()
    made.dns_name = address


def test_databases_come_first_and_servers_last_with_what_they_were(fake: FakeParts) -> None:
    (server,) = servers("127.9.3.7")
    balancer("127.9.1.4")
    database("dev", "127.9.2.5")
    resume(parts(fake))
    assert fake.calls == [
        ("database", "127.9.2.5", 5433, True),
        ("balancer", "live", "127.9.1.4"),
        ("listening", "live"),
        ("server", server.id, "127.9.3.7", "a-role", True, "t3.small"),
    ]


def test_what_was_stopped_stays_off_and_what_was_terminated_stays_away(fake: FakeParts) -> None:
    stopped, gone = servers("127.9.3.1", "127.9.3.2")
    database("dev", "127.9.2.1")
    client("ec2").stop_instances(InstanceIds=[stopped.id])
    client("ec2").terminate_instances(InstanceIds=[gone.id])
    client("rds").stop_db_instance(DBInstanceIdentifier="dev")
    resume(parts(fake))
    assert [(call[0], call[-2] if call[0] == "server" else call[-1]) for call in fake.calls] == [
        ("database", False),
        ("server", False),
    ]


def test_an_address_that_was_kept_is_given_to_nobody_else(fake: FakeParts) -> None:
    servers("127.9.3.1")
    balancer("127.9.1.1")
    resumed = parts(fake)
    resume(resumed)
    assert (resumed.server_addresses.take(), resumed.balancer_addresses.take()) == ("127.9.3.2", "127.9.1.2")


def test_an_address_is_claimed_once() -> None:
    pool = AddressPool("127.9.3")
    pool.claim("127.9.3.1")
    with pytest.raises(CloudError, match=r"127\.9\.3\.1 is not free"):
        pool.claim("127.9.3.1")
