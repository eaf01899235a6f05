"""The door to an environment's database, which only servers reach: through one of them.

`release` can log in to servers anyway. A password goes to the driver and over the database's own connection, nowhere
else.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from contract.database import Address, Login
from release.doors.database.drivers import Driver, LoginFailed, MySql, Postgres
from release.doors.servers.ssh import NotReached, Ssh
from release.doors.servers.tunnel import tunnel


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a database is reached from here: through this server."""

    ssh: Ssh
    server: str


class DatabaseDoor:
    """What `release` does in a database itself. Everything raises NotReached, and Broken when the database says no."""

    def opens(self, way: Way, address: Address, login: Login) -> bool:
        """Whether this user may come in."""
        try:
            with _connected(way, address, login):
                return True
        except LoginFailed:
            return False

    def keep_role(self, way: Way, address: Address, master: Login, login: Login) -> None:
        """Make the application's role, or give it this password and what it must own."""
        with _connected(way, address, master) as driver:
            driver.keep_role(address, login)


@contextmanager
def _connected(way: Way, address: Address, login: Login) -> Iterator[Driver]:
    driver = MySql if address.engine == "mysql" else Postgres
    with way.ssh.leading_to(way.server, f"{address.host}:{address.port}") as line, tunnel(line) as lead:
        try:
            connected: Driver = driver(address, login, lead.port)
        except LoginFailed:
            if lead.why:
                raise NotReached(f"the database is not reached through {way.server}: {lead.why}") from None
            raise
        with closing(connected):
            yield connected
