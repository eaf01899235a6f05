"""How a slot's release runs on each server, by the servers' own word."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from contract.slots import SlotName
from release.doors.aws.session import AwsSession
from release.doors.servers.inspection import UnitState, unit
from release.doors.servers.servers import open_ssh, servers_of
from release.doors.servers.ssh import Ssh
from release.process.errors import Broken, Inconclusive
from settings.model import Settings

AT_ONCE = 8


class Units:
    """Asks the servers of an environment over SSH."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    def of(self, outputs: Mapping[str, Any], slot: SlotName) -> dict[str, UnitState | str]:
        """The unit of a slot by the server's name, or why that server could not tell."""
        servers = {server.name: server.address for server in servers_of(self._settings, outputs)}
        return units_of(open_ssh(self._session, self._settings, outputs), servers, slot)


def units_of(ssh: Ssh, servers: Mapping[str, str], slot: SlotName) -> dict[str, UnitState | str]:
    """Ask all servers, which are given by name and address, side by side."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        units = pool.map(lambda address: _ask(ssh, address, slot), servers.values())
        return dict(zip(servers, units, strict=True))


def _ask(ssh: Ssh, address: str, slot: SlotName) -> UnitState | str:
    try:
        return unit(ssh, address, slot)
    except (Broken, Inconclusive) as error:
        return str(error)
