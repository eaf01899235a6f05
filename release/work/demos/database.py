"""Demos' databases in their base's instance: whether there is room for one more, one made, and one gone for good.

By the role that may make them and nothing else, through a server of the base: nobody reads the master's password.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from contract import metrics
from contract.database import Address, Login
from release.doors.aws.databases import Databases
from release.doors.aws.instances import Instances
from release.doors.aws.metrics import Metric, Metrics
from release.doors.aws.parameters import read_parameter
from release.doors.aws.secrets import Secrets
from release.doors.aws.session import AwsSession
from release.doors.database.door import DatabaseDoor, Way
from release.doors.database.drivers import LoginFailed
from release.doors.database.login import checked_address, checked_login, refuse_strange
from release.doors.database.shared import ROLE, Crowd
from release.doors.servers.servers import open_ssh
from release.doors.servers.ssh import NotReached
from release.process.errors import Broken
from settings.model import Settings

MEASURED = timedelta(minutes=15)  # how far back the free storage is looked for: RDS tells it every minute
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Where the base's database is, and the security group that lets others reach it."""

    address: Address
    group_id: str


@dataclass(frozen=True, kw_only=True)
class SharedDatabase:
    """The instance of the environment with these settings, as its demos share it. Broken where it does not answer."""

    session: AwsSession
    settings: Settings
    now: Callable[[], datetime]
    door: DatabaseDoor = field(default_factory=DatabaseDoor)

    def crowd(self) -> Crowd:
        """Who is in it, demos and all others."""
        return self._through(lambda way: self.door.crowd(way, self.address, self._makers()))

    def make(self, login: Login) -> None:
        """Make a demo's role and the database of the same name; those that are there stay, with this password."""
        self._through(lambda way: self.door.make_database(way, self.address, self._makers(), login))

    def drop(self, name: str) -> None:
        """Take both away, whoever is connected; Broken where the catalog still has one of them behind that."""
        if left := self._through(lambda way: self.door.drop_database(way, self.address, self._makers(), name)):
            raise Broken(f"the database still has {' and '.join(left)} {name}", hint="run it again")

    def free_share(self) -> float | None:
        """How much of its storage is free, from 0 to 1, as it was measured last; None where that is not known."""
        dimensions = ((metrics.DATABASE, self.address.identifier),)
        free = Metric(
            namespace=metrics.DATABASES,
            name=metrics.STORAGE,
            dimensions=dimensions,
            statistic="Minimum",
            period=metrics.CPU_PERIOD,
        )
        points = Metrics(self.session).read([free], self.now() - MEASURED, self.now())[free]
        return points[-1].value / (self.settings.database.storage_gb << 30) if points else None

    def shared(self) -> Shared:
        """What a demo's stack needs to know of it."""
        address = self.address
        return Shared(address=address, group_id=Databases(self.session).group(address.identifier))

    @property
    def address(self) -> Address:
        """Where it is."""
        name = self.settings.names.database_parameter
        return checked_address(read_parameter(self.session, name) or "", name)

    def _makers(self) -> Login:
        secret, name = self.settings.names.demos_login, self.settings.environment
        text = Secrets(self.session).read(secret)
        if text is None:
            raise Broken(f"the secret {secret} is missing", hint=f"run: release init {name}")
        login = checked_login(text, secret)
        refuse_strange(login, secret, ROLE)
        return login

    def _through(self, action: Callable[[Way], T]) -> T:
        """Done through the first server that leads there."""
        settings, name = self.settings, self.settings.environment
        numbers = range(1, settings.servers.count + 1)
        servers = Instances(self.session).named(*(f"{settings.names.label}-{number}" for number in numbers))
        why = NotReached(f"no server of {name} runs, and only they reach its database", hint="start one of them")
        ssh = open_ssh(self.session, settings, {})
        for server in servers:
            try:
                return action(Way(ssh=ssh, server=server.public))
            except NotReached as error:
                why = error
            except LoginFailed as error:
                raise Broken(str(error), hint=f"make the role of demos: release database-login {name}") from None
        raise why
