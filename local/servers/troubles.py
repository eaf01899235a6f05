"""What a server can be made to suffer from, and how it is relieved: the effects behind `local-cloud fault`.

    stop     it has no power, while AWS says that it runs
    hang     its programs stand still, and SSH and their ports accept connections but answer nothing
    refuse   sshd and all units are down, so that connections are refused; what is no unit goes on
    slow     its programs run a tenth of the time, and SSH answers late
    fill     its disk is full

A trouble stays over a stop, a start and a reboot, until it is relieved.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from local.servers.freezer import Freezer
from local.servers.manager import UnitManager
from local.servers.ssh import LATE

if TYPE_CHECKING:
    from local.servers.server import Server

MOVING_WHEN_SLOW = 0.02


class Troubles:
    """The troubles of one server. To be called for one trouble at a time, which `Faults` sees to."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._present: list[str] = []
        self._freezers: dict[str, Freezer] = {}
        self._ended_units: list[tuple[UnitManager, list[str]]] = []
        self._begin: Mapping[str, Callable[[], None]] = {
            "stop": server.cut_power,
            "hang": self._hang,
            "refuse": self._refuse,
            "slow": self._slow,
            "fill": server.disk.fill,
        }
        self._end: Mapping[str, Callable[[], None]] = {
            "stop": server.restore_power,
            "hang": self._answer,
            "refuse": self._accept,
            "slow": self._hasten,
            "fill": server.disk.free,
        }

    @property
    def kinds(self) -> list[str]:
        return sorted(set(self._present))

    def has(self, kind: str) -> bool:
        return kind in self._present

    def begin(self, kind: str) -> None:
        """A second one of a kind that is there changes nothing but how often it is to be relieved."""
        self._present.append(kind)
        if self._present.count(kind) == 1:
            self._begin[kind]()

    def relieve(self, kind: str) -> None:
        self._present.remove(kind)
        if kind not in self._present:
            self._end[kind]()

    def forget(self) -> None:
        """The server goes for good: nothing is to be made good, but nobody shall work on it any more."""
        self._present.clear()
        for freezer in self._freezers.values():
            freezer.thaw()
        self._freezers.clear()

    def _hang(self) -> None:
        self._freezers["hang"] = Freezer(self._server.layout.mark, moving=0)
        self._server.restart_sshd()

    def _answer(self) -> None:
        self._freezers.pop("hang").thaw()
        self._server.restart_sshd()

    def _slow(self) -> None:
        self._server.door.late = LATE
        self._freezers["slow"] = Freezer(self._server.layout.mark, moving=MOVING_WHEN_SLOW)

    def _hasten(self) -> None:
        self._server.door.late = 0.0
        self._freezers.pop("slow").thaw()

    def _refuse(self) -> None:
        self._server.close_door()
        self._ended_units = [(manager, manager.active_names()) for manager in self._server.managers()]
        for manager, _ in self._ended_units:
            manager.stop_all()

    def _accept(self) -> None:
        """After a start in between there are other managers, and what is enabled is to run."""
        self._server.restart_sshd()
        if [manager for manager, _ in self._ended_units] != self._server.managers():
            self._server.start_enabled_units()
            return
        for manager, names in self._ended_units:
            manager.start_again(names)
