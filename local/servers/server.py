"""One server, from power on to power off: its boot, its SSH door and its unit managers."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncssh

from local.errors import CloudError
from local.servers import processes
from local.servers.boot import ensure_host_key, lay_out, run_user_data, tell_itself
from local.servers.disk import Disk
from local.servers.journal import Journal
from local.servers.layout import Layout
from local.servers.loop import LoopCrashed, LoopThread
from local.servers.machine import MIB, Machine
from local.servers.manager import UnitManager
from local.servers.ssh import SshDoor
from local.servers.troubles import Troubles
from local.servers.usage import Meter, ProcessUse, percent

PATIENCE = 0.05
SSHD = "sshd.service"


class Server:
    """Not started by making it: `boot` for the first time, `start` after `stop`. Safe under threads."""

    def __init__(
        self,
        layout: Layout,
        *,
        instance_id: str,
        role: str | None,
        machine: Machine,
        loop: LoopThread,
        ssh_port: int,
    ) -> None:
        self.layout = layout
        self.instance_id = instance_id
        self.role = role
        self.machine = machine
        self.state = "pending"
        self.disk = Disk(layout.root, layout.mark)
        self.door = SshDoor(layout, self.disk, ssh_port)
        self.troubles = Troubles(self)
        self.meter = Meter(looked=time.monotonic())
        self._loop = loop
        self._wanted = True  # whether AWS says that it runs
        self._recorded: list[dict[str, str]] = []
        self._out_of_memory: list[str] = []
        self._boot_code: int | None = None
        self._error = ""
        self._booting: threading.Thread | None = None
        self._power = threading.RLock()  # held as long as switching on or off takes
        self._lock = threading.RLock()
        self._fresh_managers()

    def boot(self, user_data: str, programs: Path) -> None:
        """Make the server's folder, then run the user data in the background; SSH opens once there is a host key."""
        lay_out(self.layout, programs)
        tell_itself(self.layout, self.machine)
        self.layout.user_data.write_text(user_data)
        self._in_background(self._first_boot)

    def resume(self, programs: Path, *, running: bool) -> None:
        """Come back on the disk that is there, as after a power cut; stay off when it was off."""
        lay_out(self.layout, programs)
        self._wanted = running
        self.state = "stopped"
        if running:
            self.power_on()

    def start(self) -> None:
        """Come back after `stop`: the user data does not run again, enabled units do."""
        with self._power:
            self._wanted = True
            if self.state == "stopped" and not self.troubles.has("stop"):
                self.power_on()

    def stop(self) -> None:
        """End all units in order, then every other process of the server; nothing of it answers afterwards."""
        with self._power:
            self._wanted = False
            if self.state != "stopped":
                self.power_off(cut=self.troubles.has("hang"))

    def reboot(self) -> None:
        """Stop and start in the background."""
        with self._power:
            if self.state == "stopped":
                return
            self.state = "stopping"
            threading.Thread(target=self._reboot, name=f"{self.instance_id} reboot", daemon=True).start()

    def close(self) -> None:
        """Stop for good, whatever is wrong with it."""
        self.troubles.forget()
        self.stop()

    def cut_power(self) -> None:
        """Everything ends at once; AWS is not told."""
        with self._power:
            if self.state != "stopped":
                self.power_off(cut=True)

    def restore_power(self) -> None:
        """Back to what AWS says."""
        with self._power:
            if self._wanted and self.state == "stopped":
                self.power_on()

    def power_on(self) -> None:
        tell_itself(self.layout, self.machine)
        self._fresh_managers()
        self.state, self._error = "pending", ""
        self._in_background(self._come_up)

    def power_off(self, *, cut: bool) -> None:
        """With `cut`, units are not asked to end, but killed."""
        with self._lock:
            self.state = "stopping"
        with suppress(LoopCrashed):
            self._loop.run(self.door.close())
        if cut:
            self._kill_everything()
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
                self._user_managers[user] = UnitManager(self.layout, self.disk, user, system=False)
            return self._user_managers[user]

    def managers(self) -> list[UnitManager]:
        with self._lock:
            return [*self._user_managers.values(), self.system_manager]

    def restart_sshd(self) -> None:
        """Open the SSH door with the host key that lies there now; without one it stays as it is."""
        with self._lock:
            if self.layout.host_key.exists() and self.state in ("pending", "running"):
                self.open_door()

    def open_door(self) -> None:
        """As far as the troubles let it."""
        if self.troubles.has("refuse"):
            return
        self._loop.run(self.door.hush() if self.troubles.has("hang") else self.door.open())

    def close_door(self) -> None:
        self._loop.run(self.door.close())

    def start_enabled_units(self) -> None:
        if self.troubles.has("refuse"):
            return
        self.system_manager.start_enabled()
        for user in self.layout.users():
            if self.layout.lingers(user):
                self.user_manager(user).start_enabled()

    def record(self, verb: str, units: list[str]) -> None:
        """Note what was asked of units that a machine image brings."""
        with self._lock:
            self._recorded += [{"verb": verb, "unit": unit} for unit in units]

    def look(self, uses: list[ProcessUse], now: float) -> None:
        """Take what its processes use; the largest is killed when that is more memory than there is."""
        self.meter.look(uses, now)
        if self.meter.memory_bytes > self.machine.memory_bytes:
            self._kill_largest(uses)

    def metrics(self, now: float) -> dict[str, Any]:
        """What was used since it was asked last, in percent of what there is."""
        used, vcpus = self.disk.used_bytes(), self.machine.vcpus
        return {
            "instance_id": self.instance_id,
            "cpu_percent": percent(self.meter.mean_load(now), vcpus),
            "memory_percent": percent(self.meter.memory_bytes, self.machine.memory_bytes),
            "disk_percent": 100.0 if self.disk.full else percent(used, self.machine.disk_bytes),
            "memory_bytes": self.meter.memory_bytes,
            "disk_bytes": used,
        }

    def status(self) -> dict[str, Any]:
        """What the server is and runs, as plain data."""
        with self._lock:
            recorded, out_of_memory = list(self._recorded), list(self._out_of_memory)
        crash = self._crash()
        return {
            "id": self.instance_id,
            "address": self.layout.address,
            "state": "crashed" if crash else "faulty" if self.troubles.kinds else self.state,
            "power": self.state,
            "faults": self.troubles.kinds,
            "ssh": self.door.is_open,
            "error": crash or self._error,
            "type": self.machine.type,
            "vcpus": self.machine.vcpus,
            "memory_mib": self.machine.memory_mib,
            "cpu_percent": percent(self.meter.load, self.machine.vcpus),
            "memory_used_mib": round(self.meter.memory_bytes / MIB),
            "out_of_memory": out_of_memory,
            "user_data_exit": self._boot_code,
            "boot_log": str(self.layout.boot_log),
            "units": [self._unit_status(manager, name) for manager in self.managers() for name in manager.names()],
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

    def _crash(self) -> str:
        """Which part of it, that should work, has ended; "" for none."""
        if self.state not in ("pending", "running"):
            return ""
        if not self._loop.lives:
            return "the SSH part of the local cloud has crashed: run local-cloud down, then up"
        if self.door.is_lost:
            return f"its SSH door is closed, though it should be open: reboot {self.instance_id}"
        crashes = (service.crash for manager in self.managers() for service in manager.services())
        return next(filter(None, crashes), "")

    def _kill_largest(self, uses: Iterable[ProcessUse]) -> None:
        largest = max(uses, key=lambda use: use.memory_bytes)
        line = (
            f"Out of memory: killed process {largest.pid} ({largest.name}) with {largest.memory_bytes // MIB} MiB, "
            f"as {self.machine.type} has {self.machine.memory_mib} MiB"
        )
        with self._lock:
            self._out_of_memory.append(line)
        Journal(self.layout.journal / "kernel", self.disk).say(line)
        for service in (service for manager in self.managers() for service in manager.services()):
            if service.runs(largest.invocation):
                service.note_out_of_memory(line)
        processes.kill(largest.pid, self.layout.mark)

    def _fresh_managers(self) -> None:
        """Units know nothing of their state before the start."""
        with self._lock:
            self._user_managers: dict[str, UnitManager] = {}
            self.system_manager = UnitManager(self.layout, self.disk, "root", system=True)
            self.system_manager.note(SSHD, ("active", "running"))

    def _kill_everything(self) -> None:
        for manager in self.managers():
            manager.block()
        processes.end(self.layout.mark)

    def _stop_units(self) -> None:
        for manager in self.managers():
            manager.stop_all()

    def _reboot(self) -> None:
        with self._power:
            if self.state == "stopped":  # told to stop meanwhile
                return
            self.power_off(cut=self.troubles.has("hang"))
            if self._wanted and not self.troubles.has("stop"):
                self.power_on()

    def _in_background(self, work: Callable[[], None]) -> None:
        self._booting = threading.Thread(target=self._guarded, args=(work,), name=self.instance_id, daemon=True)
        self._booting.start()

    def _guarded(self, work: Callable[[], None]) -> None:
        """A server that cannot come up stays broken, and `status` says why."""
        try:
            work()
        except (OSError, ValueError, asyncssh.Error, CloudError) as error:
            self.state, self._error = "broken", str(error)

    def _end_boot(self) -> None:
        """It may be just about to run the user data: then that is still to be ended."""
        while self._booting is not None and self._booting.is_alive():
            processes.end(self.layout.mark)
            self._booting.join(PATIENCE)

    def _first_boot(self) -> None:
        self._boot_code = run_user_data(self.layout, self.disk)
        if self.state != "pending":  # told to stop meanwhile
            return
        ensure_host_key(self.layout.host_key)
        if not self.door.is_open:
            self.restart_sshd()
        self._now_running()

    def _come_up(self) -> None:
        ensure_host_key(self.layout.host_key)
        self.restart_sshd()
        self.start_enabled_units()
        self._now_running()

    def _now_running(self) -> None:
        """Unless it was told to stop meanwhile."""
        with self._lock:
            if self.state == "pending":
                self.state = "running"
