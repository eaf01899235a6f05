"""The role is made when it must be, and the master's password is read only then. AWS is moto's, the database a fake."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from contract.database import Address, Login
from release.doors.aws.databases import Databases
from release.doors.aws.secrets import Secrets
from release.doors.database.door import DatabaseDoor, Way
from release.process.errors import Broken, Inconclusive, Refused
from release.program import refuse_missing_login
from release.work.database_role import DatabaseRole
from settings.model import Demo, DemoDatabase
from settings.stackfile import load
from tests.project import PROJECT
from tests.release.world import shared_session

SETTINGS = load(PROJECT, "dev")
NAMES = SETTINGS.names
OUTPUTS = {"servers": [{"name": "env-servers-1", "address": "127.0.0.2", "private_address": "10.0.0.2"}]}
KEYS = json.dumps({"private": "private half", "public": "ssh-ed25519 AAAA host"})


@dataclass
class FakeDoor(DatabaseDoor):
    """A database that lets in who has the password that was set last."""

    password: str | None = None
    deaf: bool = False
    calls: list[str] = field(default_factory=list)

    def opens(self, way: Way, address: Address, login: Login) -> bool:
        self.calls.append(f"{login.username} at {address.host} through {way.server}")
        return login.password == self.password

    def keep_role(self, way: Way, address: Address, master: Login, login: Login) -> None:
        self.calls.append(f"{master.username} with {master.password} makes {login.username}")
        self.password = None if self.deaf else login.password

    def keep_makers(self, way: Way, address: Address, master: Login, login: Login) -> None:
        self.calls.append(f"{master.username} with {master.password} makes {login.username}")


@dataclass(frozen=True)
class Dev:
    role: DatabaseRole
    door: FakeDoor
    secrets: Secrets


@pytest.fixture
def dev(aws: None) -> Dev:
    """dev has its keys and has come up, with a database whose master password RDS keeps."""
    session, door = shared_session(SETTINGS.account, SETTINGS.region), FakeDoor()
    secrets = Secrets(session)
    for name in (NAMES.deploy_key, NAMES.host_key):
        secrets.create(name, KEYS, {})
    database = session.client("rds").create_db_instance(
        DBInstanceIdentifier="env-1", Engine="postgres", DBInstanceClass="db.t4g.small", AllocatedStorage=20,
        MasterUsername="stageline", ManageMasterUserPassword=True,
    )["DBInstance"]  # fmt: skip
    secrets.write(database["MasterUserSecret"]["SecretArn"], json.dumps({"username": "stageline", "password": "m"}))
    place = {
        "identifier": "env-1",
        "engine": "postgres",
        "host": "db.example",
        "port": 5432,
        "name": "app",
        "secret": "s",
    }
    tell(session, place)
    role = DatabaseRole(session=session, settings=SETTINGS, databases=Databases(session), door=door)
    return Dev(role=role, door=door, secrets=secrets)


def tell(session: Any, facts: dict[str, Any]) -> None:
    session.client("ssm").put_parameter(Name=NAMES.database_parameter, Type="String", Value=json.dumps(facts))


def password(dev: Dev) -> str:
    return str(json.loads(dev.secrets.read(NAMES.database_login) or "{}")["password"])


def test_the_secret_is_made_once(dev: Dev) -> None:
    assert dev.role.ensure_secrets() == {NAMES.database_login: True, NAMES.demos_login: True}
    first = password(dev)
    assert not any(dev.role.ensure_secrets().values())
    assert password(dev) == first


def test_a_role_that_is_missing_is_made_by_the_master_user_through_the_first_server(dev: Dev) -> None:
    dev.role.ensure_secrets()
    assert dev.role.ensure(OUTPUTS) == "made"
    entered = "application at db.example through 127.0.0.2"
    makes = [f"stageline with m makes {role}" for role in ("application", "demos")]
    assert dev.door.calls == [entered, *makes, entered]
    assert dev.door.password == password(dev)


def test_a_role_that_opens_the_database_is_left_alone_without_the_master(dev: Dev) -> None:
    dev.role.ensure_secrets()
    dev.door.password = password(dev)
    assert dev.role.ensure(OUTPUTS) == "was there"
    assert dev.door.calls == ["application at db.example through 127.0.0.2"]


@pytest.mark.parametrize("database", ["own", "none"])
def test_where_demos_do_not_share_the_database_nobody_makes_theirs(dev: Dev, database: DemoDatabase) -> None:
    settings = SETTINGS.model_copy(update={"demo": Demo(database=database)})
    role = replace(dev.role, settings=settings)
    assert role.ensure_secrets() == {NAMES.database_login: True}
    role.ensure(OUTPUTS)
    assert "stageline with m makes demos" not in dev.door.calls


def test_keeping_asks_the_master_user_also_when_the_role_works(dev: Dev) -> None:
    dev.role.ensure_secrets()
    dev.door.password = password(dev)
    dev.role.keep(OUTPUTS)
    assert dev.door.calls[0] == "stageline with m makes application"


def test_a_new_password_is_stored_and_then_given_to_the_role(dev: Dev) -> None:
    dev.role.ensure_secrets()
    before = password(dev)
    dev.role.change_password()
    assert password(dev) != before
    assert dev.role.ensure(OUTPUTS) == "made"
    assert dev.door.password == password(dev)


def test_a_role_that_still_does_not_open_the_database_is_broken(dev: Dev) -> None:
    dev.role.ensure_secrets()
    dev.door.deaf = True
    with pytest.raises(Broken, match="was made, but does not open the database env-1"):
        dev.role.ensure(OUTPUTS)


def test_without_the_secret_it_says_how_to_make_it(dev: Dev) -> None:
    with pytest.raises(Broken, match="stageline/dev/database-login is missing; run: release init dev"):
        dev.role.ensure(OUTPUTS)
    with pytest.raises(Broken, match="stageline/dev/database-login is missing; run: release init dev"):
        refuse_missing_login(dev.secrets, SETTINGS)


def test_the_program_goes_on_when_the_secret_is_there(dev: Dev) -> None:
    dev.role.ensure_secrets()
    refuse_missing_login(dev.secrets, SETTINGS)


def test_an_environment_that_has_not_come_up_is_inconclusive(dev: Dev) -> None:
    dev.role.ensure_secrets()
    with pytest.raises(Inconclusive, match="run pulumi up"):
        dev.role.ensure({})


def test_a_secret_for_another_role_is_refused_before_the_database_is_asked(dev: Dev) -> None:
    dev.secrets.create(NAMES.database_login, json.dumps({"username": "stageline", "password": "p" * 30}), {})
    with pytest.raises(Refused, match="names the role 'stageline'"):
        dev.role.ensure(OUTPUTS)
    assert dev.door.calls == []
