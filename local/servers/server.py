"""One server, from power on to power off: its boot, its SSH door and its unit managers."""

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh

from local.servers import processes
from local.servers.layout import Layout
from local.servers.manager import UnitManager
from local.servers.ssh import LoopThread, SshDoor

PATIENCE = 0.05
FOLDERS = ("etc/ssh", "etc/systemd/system", "home", "root", "tmp", "usr/local/bin", "var/lib/systemd/linger")


class Server:
    """Not started by making it: `boot` for the first time, `start` after `stop`. Safe under threads."""

    def __init__(self, layout: Layout, *, instance_id: str, role: str | None, loop: LoopThread, ssh_port: int) -> None:
        self.layout = layout
        self.instance_id = instance_id
        self.role = role
        self.state = "pending"
        self.system_manager = UnitManager(layout, "root", system=True)
        self.system_manager.note("sshd.service", ("active", "running"))
        self._user_managers: dict[str, UnitManager] = {}
        self._recorded: list[dict[str, str]] = []
        self._boot_code: int | None = None
        self._error = ""
        self._loop = loop
        self._door = SshDoor(layout, ssh_port)
        self._booting: threading.Thread | None = None
        self._lock = threading.RLock()

    def boot(self, user_data: str, programs: Path) -> None:
        """Make the server's folder, then run the user data in the background; SSH opens once there is a host key."""
        self._make_folders(programs)
        self.layout.user_data.write_text(user_data)
        self._in_background(self._first_boot)

    def start(self) -> None:
        """Come back after `stop`: the user data does not run again, enabled units do."""
        self.state = "pending"
        self._in_background(self._come_up)

    def stop(self) -> None:
        """End all units in order, then every other process of the server; nothing of it answers afterwards."""
        with self._lock:
            self.state = "stopping"
        self._loop.run(self._door.close())
        self._stop_units()
        processes.end(self.layout.mark)
        self._end_boot()
        self._stop_units()  # those that a program asked for while it was being ended
        processes.end(self.layout.mark)
        with self._lock:
            self.state = "stopped"

    def user_manager(self, user: str) -> UnitManager:
        with self._lock:
            if user not in self._user_managers:
                self._user_managers[user] = UnitManager(self.layout, user, system=False)
            return self._user_managers[user]

    def restart_sshd(self) -> None:
        """Open the SSH door with the host key that lies there now; without one it stays as it is."""
        with self._lock:
            if self.layout.host_key.exists() and self.state in ("pending", "running"):
                self._loop.run(self._door.open())

    def record(self, verb: str, units: list[str]) -> None:
        """Note what was asked of units that a machine image brings."""
        with self._lock:
            self._recorded += [{"verb": verb, "unit": unit} for unit in units]

    def status(self) -> dict[str, Any]:
        """What the server is and runs, as plain data."""
        with self._lock:
            recorded = list(self._recorded)
        return {
            "id": self.instance_id,
            "address": self.layout.address,
            "state": self.state,
            "ssh": self._door.is_open,
            "error": self._error,
            "user_data_exit": self._boot_code,
            "boot_log": str(self.layout.boot_log),
            "units": [self._unit_status(manager, name) for manager in self._managers() for name in manager.names()],
            "recorded": recorded,
        }

    def _unit_status(self, manager: UnitManager, name: str) -> dict[str, Any]:
        service = manager.service(name)
        active, sub = manager.state(name)
        return {
            "name": name,
            "active": active,
            "sub": sub,
            "enabled": manager.is_enabled(name),
            "pid": service.pid if service else 0,
        }

    def _managers(self) -> list[UnitManager]:
        with self._lock:
            return [*self._user_managers.values(), self.system_manager]

    def _stop_units(self) -> None:
        for manager in self._managers():
            manager.stop_all()

    def _in_background(self, work: Callable[[], None]) -> None:
        self._booting = threading.Thread(target=self._guarded, args=(work,), name=self.instance_id, daemon=True)
        self._booting.start()

    def _guarded(self, work: Callable[[], None]) -> None:
        """A server that cannot come up stays broken, and `status` says why."""
        try:
            work()
        except (OSError, ValueError, asyncssh.Error) as error:
            self.state, self._error = "broken", str(error)

    def _end_boot(self) -> None:
        """It may be just about to run the user data: then that is still to be ended."""
        while self._booting is not None and self._booting.is_alive():
            processes.end(self.layout.mark)
            self._booting.join(PATIENCE)

    def _first_boot(self) -> None:
        self._boot_code = self._run_user_data()
        if self.state != "pending":  # told to stop meanwhile
            return
        if not self.layout.host_key.exists():
            _generate_host_key(self.layout.host_key)
        if not self._door.is_open:
            self.restart_sshd()
        self._now_running()

    def _come_up(self) -> None:
        self.restart_sshd()
        self._start_enabled_units()
        self._now_running()

    def _now_running(self) -> None:
        """Unless it was told to stop meanwhile."""
        with self._lock:
            if self.state == "pending":
                self.state = "running"

    def _start_enabled_units(self) -> None:
        self.system_manager.start_enabled()
        for user in self.layout.users():
            if self.layout.lingers(user):
                self.user_manager(user).start_enabled()

    def _make_folders(self, programs: Path) -> None:
        layout = self.layout
        for folder in (*FOLDERS, layout.user_data.parent, layout.journal):
            (layout.root / folder).mkdir(parents=True, exist_ok=True)
        (layout.root / "etc/hosts").write_text(f"{layout.address} {layout.host_name}\n")
        (layout.root / "etc/hostname").write_text(f"{layout.host_name}\n")
        for program in programs.iterdir():
            (layout.programs / program.name).symlink_to(program)

    def _run_user_data(self) -> int:
        """Run it as cloud-init does: as root, once, its output in a log. 0 when there is none."""
        interpreter = _interpreter(self.layout.user_data)
        if interpreter is None:
            return 0
        with self.layout.boot_log.open("ab") as log:
            return subprocess.run(
                [*interpreter, str(self.layout.user_data)],
                env=self.layout.environment("root"),
                cwd=self.layout.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                check=False,
            ).returncode


def _interpreter(user_data: Path) -> list[str] | None:
    """The words after `#!`: the file is not run itself, as another thread's fork may hold it open for writing."""
    with user_data.open() as lines:
        first = lines.readline()
    return first[2:].split() if first.startswith("#!") else None


def _generate_host_key(path: Path) -> None:
    """What a machine image does when nobody brings a key."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    path.touch(mode=0o600)
    key.write_private_key(str(path))
    key.write_public_key(f"{path}.pub")
