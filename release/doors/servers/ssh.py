"""The door to servers by SSH: fixed commands, with the environment's deploy key, on servers whose host key is pinned.

The system's `ssh` in a process of its own: it is there wherever people work on servers, and `release` needs no SSH
library for it. What it is told stands in files that only this user reads, and that are gone with their use (`scratch`).
Nothing of the user's own SSH configuration, agent or known hosts is used.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field

from release.doors.servers.scratch import Scratch, scratch_here
from release.process.errors import Broken, NotBegun
from release.process.interruption import INTERRUPTION
from release.process.leftovers import DEPLOYMENT
from release.process.text import bounded, quoted

CONNECT_LIMIT = 10
ANSWER_LIMIT = 60.0
NOT_REACHED = 255  # what ssh ends with when it could not connect
ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}")

OPTIONS = """\
Host *
    BatchMode yes
    ConnectTimeout {limit}
    ConnectionAttempts 1
    GlobalKnownHostsFile /dev/null
    HostKeyAlgorithms ssh-ed25519
    IdentitiesOnly yes
    IdentityAgent none
    IdentityFile {key}
    LogLevel ERROR
    ServerAliveCountMax 3
    ServerAliveInterval 5
    StrictHostKeyChecking yes
    UpdateHostKeys no
    UserKnownHostsFile {known_hosts}
"""


class NotReached(Broken):
    """Nobody answered, or not to the end; or it was not who it should be, or it did not let us in.

    Where it had let us in before, whether a command was run is not known.
    """


class NoAnswer(NotReached):
    """It did not answer in time: it may still be at work."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """How a kind of host is reached; `host_key` is the public key that it must show, in OpenSSH's format."""

    user: str
    port: int
    host_key: str


@dataclass(frozen=True, kw_only=True)
class Bastion:
    """The host that leads to servers without a public address."""

    address: str
    door: Door


@dataclass(frozen=True, kw_only=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class Ssh:
    """All servers of an environment, which have one user and one host key.

    For a ``deployment`` no command is broken off: a Ctrl-C does not reach it, and where it outlives this process it is
    found by that name.
    """

    servers: Door
    bastion: Bastion | None = None
    private_key: str = field(repr=False)
    answer_limit: float = ANSWER_LIMIT
    deployment: str = ""
    scratch: Scratch = field(default_factory=scratch_here)

    def run(self, address: str, command: str, data: str = "") -> Said:
        """Run a fixed command on one server, with `data` on its stdin. Raises NotReached; NotBegun without ssh."""
        with self._line(address) as line:
            said = self._call([*line, command], address, data)
        if said.code == NOT_REACHED:
            raise NotReached(f"cannot log in to {address}: {_last_line(said.err)}")
        return said

    @contextmanager
    def leading_to(self, address: str, place: str) -> Iterator[list[str]]:
        """The command whose stdin and stdout lead through one server to a `host:port`, for the length of the block."""
        _refuse_strange(place)
        with self._line(address, "-W", place) as line:
            yield line

    @contextmanager
    def _line(self, address: str, *options: str) -> Iterator[list[str]]:
        _refuse_strange(address)
        with self._config() as config:
            yield ["ssh", "-T", "-F", config, "-o", f"HostName={address}", *options, "server"]

    def _call(self, line: list[str], address: str, data: str) -> Said:
        """Run it, and keep of what it says as much as there is room for."""
        with self.scratch.room() as out, self.scratch.room() as err:
            with self._started(line, out, err) as process:
                try:
                    process.communicate(data.encode(), self.answer_limit)
                except subprocess.TimeoutExpired:
                    raise NoAnswer(f"{address} does not answer within {self.answer_limit:.0f} seconds") from None
                finally:
                    self._end(process)
            return Said(code=process.returncode, out=_written(out), err=_written(err))

    @contextmanager
    def _started(self, line: list[str], out: int, err: int) -> Iterator["subprocess.Popen[bytes]"]:
        apart, mark = bool(self.deployment), {DEPLOYMENT: self.deployment} if self.deployment else {}
        try:
            process = subprocess.Popen(
                self.scratch.within(line),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                env={**os.environ, **mark},
                start_new_session=apart,
            )
        except FileNotFoundError:
            raise NotBegun("there is no ssh on PATH", hint="install OpenSSH's client") from None
        with process, INTERRUPTION.sparing(process) if apart else nullcontext():
            yield process

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        """End what did not end by itself, with the ssh that leads through the bastion."""
        if process.poll() is not None:
            return
        if self.deployment:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()

    @contextmanager
    def _config(self) -> Iterator[str]:
        """The path of a configuration for ssh, which holds until the end of the block."""
        with ExitStack() as files:
            key = files.enter_context(self.scratch.told(f"{self.private_key.strip()}\n"))
            known_hosts = files.enter_context(self.scratch.told(self._known_hosts()))
            yield files.enter_context(self.scratch.told(self._options(key, known_hosts)))

    def _known_hosts(self) -> str:
        bastion = [f"bastion {self.bastion.door.host_key}"] if self.bastion else []
        return "\n".join([f"server {self.servers.host_key}", *bastion]) + "\n"

    def _options(self, key: str, known_hosts: str) -> str:
        """A jump through a bastion is made with the same file: options in argv would not hold for it."""
        everywhere = OPTIONS.format(limit=CONNECT_LIMIT, key=key, known_hosts=known_hosts)
        server = _host("server", self.servers)
        if self.bastion is None:
            return everywhere + server
        _refuse_strange(self.bastion.address)
        bastion = f"{_host('bastion', self.bastion.door)}    HostName {self.bastion.address}\n"
        return f"{everywhere}{server}    ProxyJump bastion\n{bastion}"


def _written(file: int) -> str:
    """What was written: its writers and we share one offset."""
    return os.pread(file, os.lseek(file, 0, os.SEEK_CUR), 0).decode(errors="replace")


def _host(name: str, door: Door) -> str:
    return f"Host {name}\n    HostKeyAlias {name}\n    Port {door.port}\n    User {door.user}\n"


def _refuse_strange(address: str) -> None:
    """An address comes from the stack's outputs: what is none must not become an option of ssh."""
    if not ADDRESS.fullmatch(address):
        raise NotReached(f"{quoted(address)} is not an address", hint="look at: pulumi stack output servers")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return bounded(lines[-1]) if lines else "ssh did not say why"
