"""A small local cloud to test servers in: the real `Servers` and control socket, and a made-up AWS behind `aws`."""

import asyncio
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from local.control import ControlServer
from local.servers import Servers, systemctl_handler

USER_DATA = """#!/bin/sh
useradd --create-home stageline
loginctl enable-linger stageline
mkdir $STAGELINE_ROOT/home/stageline/.ssh
echo '{login}' > $STAGELINE_ROOT/home/stageline/.ssh/authorized_keys
umask 077
echo '{host}' > $STAGELINE_ROOT/etc/ssh/ssh_host_ed25519_key
date >> $STAGELINE_ROOT/boots
"""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a command on a server answered."""

    code: int | None
    stdout: str
    stderr: str


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Servers with one login key and one host key for all."""

    servers: Servers
    root: Path
    login: asyncssh.SSHKey
    host_key: asyncssh.SSHKey

    def boot(self, instance_id: str = "i-1", *, more: str = "") -> str:
        """Boot a server that lets `login` in, and wait for it; the answer is its address."""
        address = new_address()
        self.servers.boot(instance_id, address, self.user_data() + more, None)
        eventually(lambda: self.state(instance_id) == "running")
        return address

    def user_data(self) -> str:
        login = self.login.export_public_key().decode().strip()
        return USER_DATA.format(login=login, host=self.host_key.export_private_key().decode())

    def state(self, instance_id: str) -> str:
        return str(self.status(instance_id)["state"])

    def status(self, instance_id: str) -> dict[str, Any]:
        return next(status for status in self.servers.status() if status["id"] == instance_id)

    def home(self, instance_id: str = "i-1") -> Path:
        return self.root / instance_id / "home/stageline"

    def run(self, address: str, command: str, *, stdin: str = "", **options: Any) -> Ran:
        """Run one command over a connection of its own."""
        return asyncio.run(self._run(address, command, stdin, options))

    async def _run(self, address: str, command: str, stdin: str, options: dict[str, Any]) -> Ran:
        async with self.connect(address) as connection:
            done = await connection.run(command, input=stdin, **options)
            return Ran(code=done.returncode, stdout=str(done.stdout), stderr=str(done.stderr))

    def connect(self, address: str, **options: Any) -> Any:
        """A connection that trusts the one host key only; for `async with`."""
        settings: dict[str, Any] = {
            "username": "stageline",
            "client_keys": [self.login],
            "known_hosts": ([self.host_key.convert_to_public()], [], []),
            "agent_path": None,
            "config": [],
            **options,
        }
        return asyncssh.connect(address, 2222, **settings)


def new_address() -> str:
    """A loopback address that no other test uses."""
    return "127." + ".".join(str(byte % 250 + 2) for byte in uuid.uuid4().bytes[:3])


def eventually(condition: Callable[[], bool], *, within: float = 10.0) -> None:
    """Wait until it holds; fails when it does not within that many seconds."""
    pause, deadline = threading.Event(), time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"still not so after {within} s"
        pause.wait(0.01)


def runs(pid: int) -> bool:
    """Whether that process is there, and not only its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def small_cloud(folder: Path) -> Iterator[Cloud]:
    """Servers below `folder`, closed at the end."""
    servers = Servers(folder / "servers", folder / "control.sock", sys.executable)
    control = ControlServer(folder / "control.sock", {"systemctl": systemctl_handler(servers), "aws": _aws})
    control.start()
    login, host_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    try:
        yield Cloud(servers=servers, root=folder / "servers", login=login, host_key=host_key)
    finally:
        servers.close()
        control.close()


def _aws(request: dict[str, Any], connection: object) -> dict[str, Any]:
    """Repeats what it was asked, so that a test sees what arrives."""
    words = [request["server"], request["cwd"], request["env"].get("AWS_REGION", ""), *request["argv"]]
    return {"code": 254, "stdout": "|".join(words) + "\n", "stderr": "\nAn error occurred\n"}
