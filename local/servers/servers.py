"""`Servers`: what the local cloud calls when its AWS API starts, stops and terminates instances."""

import shutil
import threading
from pathlib import Path
from typing import Any

from local.errors import CloudError
from local.servers import processes
from local.servers.layout import ROOT_VARIABLE, Layout
from local.servers.loop import LoopThread
from local.servers.machine import Machine
from local.servers.monitor import Monitor
from local.servers.server import Server

SHIMS = Path(__file__).parent / "shims"
ASKING = ("aws", "systemctl")
SMALL = Machine()


class UnknownServer(CloudError):
    """No server has that id."""


class Servers:
    """All servers of one local cloud, each in a folder of its own below `root`. Safe under threads."""

    def __init__(self, root: Path, control_socket: Path, python: str, *, ssh_port: int = 2222) -> None:
        """`python` is the interpreter of the servers (its base, not a virtual environment)."""
        self._root = root.resolve()
        self._programs = self._root / "programs"
        self._ssh_port = ssh_port
        self._loop = LoopThread()
        self._servers: dict[str, Server] = {}
        self._lock = threading.Lock()
        self.monitor = Monitor(self._all)
        _write_programs(self._programs, Path(python).resolve())
        _link(self._root / "control.sock", control_socket.absolute())
        self.monitor.start()

    def boot(self, instance_id: str, address: str, user_data: str, role: str | None, machine: Machine = SMALL) -> None:
        """Switch a new server on; returns at once. `role` is the ARN of the role that its programs have on AWS."""
        self._new(instance_id, address, role, machine).boot(user_data, self._programs)

    def resume(self, instance_id: str, address: str, role: str | None, running: bool, machine: Machine = SMALL) -> None:
        """Take back a server whose folder is kept, as after a power cut; returns at once.

        The user data does not run again, enabled units do; one that was not `running` stays off until `start`.
        """
        if not (self._root / instance_id).is_dir():
            raise UnknownServer(f"the disk of server {instance_id!r} is gone: run `local-cloud reset`")
        self._new(instance_id, address, role, machine).resume(self._programs, running=running)

    def stop(self, instance_id: str) -> None:
        """Shut it down; returns when none of its processes runs. Raises UnknownServer, as do the next ones."""
        self.server(instance_id).stop()

    def start(self, instance_id: str, machine: Machine | None = None) -> None:
        """Switch a stopped server on again, as another machine if one is given; returns at once."""
        server = self.server(instance_id)
        server.machine = machine or server.machine
        server.start()

    def reboot(self, instance_id: str) -> None:
        """Shut it down and switch it on again; returns at once."""
        self.server(instance_id).reboot()

    def terminate(self, instance_id: str) -> None:
        """Shut it down and remove its folder."""
        server = self.server(instance_id)
        server.close()
        with self._lock:
            del self._servers[instance_id]
        shutil.rmtree(server.layout.root)

    def status(self) -> list[dict[str, Any]]:
        """Every server as plain data, in the order of their start."""
        return [server.status() for server in self._all()]

    def metrics(self) -> list[dict[str, Any]]:
        """What each running server has used since this was called last, in percent of what its machine has.

        `cpu_percent`, `memory_percent`, `disk_percent`, and `memory_bytes` and `disk_bytes`, by `instance_id`.
        """
        now = self.monitor.look()
        return [server.metrics(now) for server in self._all() if server.state == "running"]

    def server(self, instance_id: str) -> Server:
        with self._lock:
            if instance_id not in self._servers:
                raise UnknownServer(f"no server {instance_id!r} here; `local-cloud status` lists them")
            return self._servers[instance_id]

    def close(self) -> None:
        """Shut all servers down; none of their processes is left. Their folders stay."""
        self.monitor.close()
        stoppers = [threading.Thread(target=server.close, daemon=True) for server in self._all()]
        for stopper in stoppers:
            stopper.start()
        for stopper in stoppers:
            stopper.join()
        self._loop.close()

    def _new(self, instance_id: str, address: str, role: str | None, machine: Machine) -> Server:
        layout = Layout(root=self._root / instance_id, address=address)
        processes.end(f"{ROOT_VARIABLE}={layout.root}")  # left by a local cloud that was killed
        server = Server(
            layout, instance_id=instance_id, role=role, machine=machine, loop=self._loop, ssh_port=self._ssh_port
        )
        with self._lock:
            self._servers[instance_id] = server
        return server

    def _all(self) -> list[Server]:
        with self._lock:
            return list(self._servers.values())


def _write_programs(folder: Path, python: Path) -> None:
    """The programs that each server finds first on its PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    _link(folder / "python3", python)
    for name in ASKING:
        _write_program(folder / name, f"#!{python} -IS\n{(SHIMS / 'ask.py').read_text()}")
    _write_program(folder / "free", f"#!{python} -IS\n{(SHIMS / 'free.py').read_text()}")
    for shim in SHIMS.iterdir():
        if not shim.suffix and shim.is_file():
            _write_program(folder / shim.name, shim.read_text())


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _link(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)
