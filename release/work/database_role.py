"""Keeps the application's role of one environment: its secret, and the role itself in the database.

The secret is made before anything comes up, so that servers may be allowed to read it. The role is made through a
server, once there is one, by the master user, whose password RDS keeps and rotates; nothing else uses that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from contract.database import Address, Login, login_text
from release.doors.aws.databases import Databases
from release.doors.aws.parameters import read_parameter
from release.doors.aws.secrets import Secrets
from release.doors.aws.session import AwsSession
from release.doors.database.door import DatabaseDoor, Way
from release.doors.database.login import checked_address, checked_login, new_login, refuse_strange
from release.doors.servers.servers import open_ssh, servers_of
from release.process.errors import Broken
from settings.model import Settings

Done = Literal["made", "was there"]


@dataclass(frozen=True, kw_only=True)
class DatabaseRole:
    """`outputs` are the stack's: they say where the servers are."""

    session: AwsSession
    settings: Settings
    databases: Databases
    door: DatabaseDoor = field(default_factory=DatabaseDoor)

    def ensure_secret(self) -> bool:
        """Store a login if there is none; whether that was so."""
        if self._secrets.read(self._secret) is not None:
            return False
        self._secrets.create(self._secret, login_text(new_login()), self.settings.tags)
        return True

    def ensure(self, outputs: Mapping[str, Any]) -> Done:
        """See that the role opens the database, or make it so. The master's password is read only if it must be."""
        way, address, login = self._way(outputs), self._address(), self._login()
        if self.door.opens(way, address, login):
            return "was there"
        self._keep(way, address, login)
        return "made"

    def keep(self, outputs: Mapping[str, Any]) -> None:
        """Give the role its password and what it must own, whether it had them or not."""
        self._keep(self._way(outputs), self._address(), self._login())

    def change_password(self) -> None:
        """Store another password. The database does not know it until ``keep``."""
        self._secrets.write(self._secret, login_text(new_login()))

    def _keep(self, way: Way, address: Address, login: Login) -> None:
        self.door.keep_role(way, address, self._master(address), login)
        if not self.door.opens(way, address, login):
            raise Broken(
                f"the role {login.username} was made, but does not open the database {address.identifier}",
                hint="somebody may have changed it at the same time: run it again",
            )

    def _way(self, outputs: Mapping[str, Any]) -> Way:
        server = servers_of(self.settings, outputs)[0]
        return Way(ssh=open_ssh(self.session, self.settings, outputs), server=server.address)

    def _address(self) -> Address:
        name = self.settings.names.database_parameter
        return checked_address(read_parameter(self.session, name) or "", name)

    def _login(self) -> Login:
        login = checked_login(self._read(self._secret, f"run: release init {self.settings.environment}"), self._secret)
        refuse_strange(login, self._secret)
        return login

    def _master(self, address: Address) -> Login:
        secret = self.databases.master_secret(address.identifier)
        return checked_login(self._read(secret, "let RDS manage the master password: pulumi up"), secret)

    def _read(self, secret: str, hint: str) -> str:
        text = self._secrets.read(secret)
        if text is None:
            raise Broken(f"the secret {secret} is missing", hint=hint)
        return text

    @property
    def _secret(self) -> str:
        return self.settings.names.database_login

    @property
    def _secrets(self) -> Secrets:
        return Secrets(self.session)
