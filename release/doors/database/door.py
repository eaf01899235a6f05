"""The door to an environment's database, which only servers reach: through one of them.

`release` can log in to servers anyway. A password goes to the driver and over the database's own connection, nowhere
else.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from contract.database import Address, Login
from release.doors.database.drivers import Driver, LoginFailed, MySql, Postgres
from release.doors.database.shared import MEETING_POINT, Crowd
from release.doors.servers.ssh import NotReached, Ssh
from release.doors.servers.tunnel import tunnel

D = TypeVar("D", bound=Driver)


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

    def keep_makers(self, way: Way, address: Address, master: Login, login: Login) -> None:
        """Make the role that makes demos' databases, or give it this password and what it must have."""
        with _postgres(way, address, master) as driver:
            driver.keep_makers(login)

    def crowd(self, way: Way, address: Address, makers: Login) -> Crowd:
        """Who is in the server."""
        with _postgres(way, _meeting_point(address), makers) as driver:
            return driver.crowd()

    def make_database(self, way: Way, address: Address, makers: Login, login: Login) -> None:
        """Make a demo's role and the database of the same name, or keep them."""
        with _postgres(way, _meeting_point(address), makers) as driver:
            driver.make_database(login)

    def drop_database(self, way: Way, address: Address, makers: Login, name: str) -> tuple[str, ...]:
        """Take away a demo's database and role; which of them the server still has."""
        with _postgres(way, _meeting_point(address), makers) as driver:
            return driver.drop_database(name)


def _meeting_point(address: Address) -> Address:
    return replace(address, name=MEETING_POINT)


def _connected(way: Way, address: Address, login: Login) -> AbstractContextManager[Driver]:
    return _led(MySql if address.engine == "mysql" else Postgres, way, address, login)


def _postgres(way: Way, address: Address, login: Login) -> AbstractContextManager[Postgres]:
    return _led(Postgres, way, address, login)


@contextmanager
def _led(driver: Callable[[Address, Login, int], D], way: Way, address: Address, login: Login) -> Iterator[D]:
    with way.ssh.leading_to(way.server, f"{address.host}:{address.port}") as line, tunnel(line) as lead:
        try:
            connected = driver(address, login, lead.port)
        except LoginFailed:
            if lead.why:
                raise NotReached(f"the database is not reached through {way.server}: {lead.why}") from None
            raise
        with closing(connected):
            yield connected
