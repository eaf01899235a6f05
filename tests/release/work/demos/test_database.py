"""A base's database as its demos share it: asked as the role that makes theirs, through the first server there."""

import json
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from contract.database import Address, Login, address_facts
from release.doors.aws.secrets import Secrets
from release.doors.database.door import DatabaseDoor, Way
from release.doors.database.drivers import LoginFailed
from release.doors.database.shared import Crowd
from release.doors.servers.ssh import NotReached
from release.process.errors import Broken, Refused
from release.work.demos.database import SharedDatabase
from tests.aws_clients import aws_client
from tests.release.world import World

pytestmark = pytest.mark.moto

PASSWORD = "p" * 30
KEYS = json.dumps({"private": "private half", "public": "ssh-ed25519 AAAA host"})
LOGIN = Login(username="demo_0a1b2c3d", password="d" * 30)


@dataclass
class FakeDoor(DatabaseDoor):
    """Lets in the role that makes demos' databases, through servers that are not `silent`."""

    silent: set[str] = field(default_factory=set)
    left: tuple[str, ...] = ()
    calls: list[str] = field(default_factory=list)

    def crowd(self, way: Way, address: Address, makers: Login) -> Crowd:
        self._enter(way, makers)
        return Crowd(databases=(), connections=1, most_connections=60)

    def make_database(self, way: Way, address: Address, makers: Login, login: Login) -> None:
        self._enter(way, makers)
        self.calls.append(f"{makers.username} makes {login.username} at {address.host}")

    def drop_database(self, way: Way, address: Address, makers: Login, name: str) -> tuple[str, ...]:
        self._enter(way, makers)
        return self.left

    def _enter(self, way: Way, makers: Login) -> None:
        if way.server in self.silent:
            raise NotReached(f"{way.server} does not answer")
        if makers.password != PASSWORD:
            raise LoginFailed(f"cannot log in to the database as {makers.username}: no such role")


@dataclass(frozen=True)
class Base:
    database: SharedDatabase
    door: FakeDoor
    servers: tuple[str, ...]
    world: World


@pytest.fixture
def base(world: World) -> Base:
    """dev with two servers and a database."""
    environment, door = world.dev, FakeDoor()
    names, secrets = environment.settings.names, Secrets(environment.session)
    for name in (names.deploy_key, names.host_key):
        secrets.remove(name)
        secrets.create(name, KEYS, {})
    secrets.create(names.demos_login, json.dumps({"username": "demos", "password": PASSWORD}), {})
    facts = address_facts(
        identifier="dev-1", engine="postgres", host="db.example", port=5432, name="app", secret="s", tls=True
    )
    aws_client("ssm").put_parameter(Name=names.database_parameter, Type="String", Value=json.dumps(facts))
    database = SharedDatabase(session=environment.session, settings=environment.settings, now=world.clock, door=door)
    return Base(database, door, tuple(server(f"stageline-dev-{number}") for number in (1, 2)), world)


def server(name: str) -> str:
    ec2 = aws_client("ec2")
    made = ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}],
    )["Instances"][0]["InstanceId"]  # fmt: skip
    found = ec2.describe_instances(InstanceIds=[made])["Reservations"][0]["Instances"][0]
    return str(found["PublicIpAddress"])


def test_a_demos_database_is_made_by_the_role_for_that(base: Base) -> None:
    base.database.make(LOGIN)
    assert base.door.calls == ["demos makes demo_0a1b2c3d at db.example"]


def test_a_server_that_is_silent_is_passed_over(base: Base) -> None:
    base.door.silent = {base.servers[0]}
    assert base.database.crowd().connections == 1


def test_where_no_server_leads_there_it_says_so(base: Base) -> None:
    base.door.silent = set(base.servers)
    with pytest.raises(Broken, match="does not answer"):
        base.database.drop(LOGIN.username)


def test_where_no_server_runs_it_says_so(base: Base) -> None:
    ids = [
        one["InstanceId"]
        for group in aws_client("ec2").describe_instances()["Reservations"]
        for one in group["Instances"]
    ]
    aws_client("ec2").terminate_instances(InstanceIds=ids)
    with pytest.raises(Broken, match="no server of dev runs"):
        base.database.crowd()


def test_what_the_catalog_still_has_is_not_gone(base: Base) -> None:
    base.door.left = ("role",)
    with pytest.raises(Broken, match="still has role demo_0a1b2c3d"):
        base.database.drop(LOGIN.username)


def test_a_role_that_is_not_there_yet_says_who_makes_it(base: Base) -> None:
    tell(base, "demos", "q" * 30)
    with pytest.raises(Broken, match="make the role of demos: release database-login dev"):
        base.database.make(LOGIN)


def test_a_secret_that_names_another_role_is_refused(base: Base) -> None:
    tell(base, "stageline", PASSWORD)
    with pytest.raises(Refused, match="names the role 'stageline', not 'demos'"):
        base.database.make(LOGIN)


def test_a_missing_secret_says_how_to_make_it(base: Base) -> None:
    Secrets(base.world.dev.session).remove(base.world.dev.settings.names.demos_login)
    with pytest.raises(Broken, match="stageline/dev/demos-login is missing; run: release init dev"):
        base.database.make(LOGIN)


def test_free_storage_is_what_was_measured_last(base: Base) -> None:
    assert base.database.free_share() is None
    size = base.world.dev.settings.database.storage_gb << 30
    data = [
        {"MetricName": "FreeStorageSpace", "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "dev-1"}],
         "Timestamp": base.world.clock() - timedelta(minutes=ago), "Value": size * share}
        for ago, share in ((9, 0.9), (2, 0.25))
    ]  # fmt: skip
    aws_client("cloudwatch").put_metric_data(Namespace="AWS/RDS", MetricData=data)
    assert base.database.free_share() == 0.25


def tell(base: Base, username: str, password: str) -> None:
    name = base.world.dev.settings.names.demos_login
    Secrets(base.world.dev.session).write(name, json.dumps({"username": username, "password": password}))
