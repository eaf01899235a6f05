"""Keeps the roles of one environment: their secrets, and the roles themselves in the database. They are the
application's and, where demos share the database, the one that makes theirs.

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
from release.doors.database.login import ROLE, checked_address, checked_login, new_login, refuse_strange
from release.doors.database.shared import ROLE as MAKERS
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

    def ensure_secrets(self) -> dict[str, bool]:
        """Store a login for each role that has none, by name whether that was so."""
        made = {}
        for secret, role in self._roles.items():
            made[secret] = self._secrets.read(secret) is None
            if made[secret]:
                self._secrets.create(secret, login_text(new_login(role)), self.settings.tags)
        return made

    def ensure(self, outputs: Mapping[str, Any]) -> Done:
        """See that the application's role opens the database, or make it so: only then as the master user."""
        way, address, login = self._way(outputs), self._address(), self._login(self.settings.names.database_login)
        if self.door.opens(way, address, login):
            return "was there"
        self._keep(way, address, login)
        return "made"

    def keep(self, outputs: Mapping[str, Any]) -> None:
        """Give the roles their passwords and what they must own, whether they had them or not."""
        self._keep(self._way(outputs), self._address(), self._login(self.settings.names.database_login))

    def change_password(self) -> None:
        """Store other passwords. The database does not know them until ``keep``."""
        for secret, role in self._roles.items():
            self._secrets.write(secret, login_text(new_login(role)))

    def _keep(self, way: Way, address: Address, login: Login) -> None:
        master = self._master(address)
        self.door.keep_role(way, address, master, login)
        if (makers := self.settings.names.demos_login) in self._roles:
            self.door.keep_makers(way, address, master, self._login(makers))
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

    def _login(self, secret: str) -> Login:
        login = checked_login(self._read(secret, f"run: release init {self.settings.environment}"), secret)
        refuse_strange(login, secret, self._roles[secret])
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
    def _roles(self) -> dict[str, str]:
        """The role whose login each secret holds."""
        names, demo = self.settings.names, self.settings.demo
        shared = {names.demos_login: MAKERS} if demo and demo.database == "shared" else {}
        return {names.database_login: ROLE, **shared}

    @property
    def _secrets(self) -> Secrets:
        return Secrets(self.session)
