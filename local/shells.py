"""`local-cloud ssh` and `psql`: the programs of this machine, given a key or password that is nowhere else.

The deploy key lies in a file of mode 0600 below `.local/` while `ssh` runs, and is gone afterwards. The host key is
pinned: nothing of `~/.ssh` is read or written. `psql` gets its password by its environment, never in its arguments.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local.errors import CloudError
from local.paths import Paths

SIGNALLED = 128
UNREACHABLE = 255  # as of ssh itself


@dataclass(frozen=True, kw_only=True)
class SshDoor:
    """Where a server listens; `private` opens it, and by `host_key` it is known."""

    address: str
    port: int
    user: str
    private: str = field(repr=False)
    host_key: str


@dataclass(frozen=True, kw_only=True)
class PsqlDoor:
    """Where a database listens, and who comes in."""

    address: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)


def run_ssh(paths: Paths, door: SshDoor, command: Sequence[str], client: str | None) -> int:
    """Run a command there, or a shell; its exit code. Without a client program (None) asyncssh is the client."""
    if client is None:
        return asyncio.run(_by_asyncssh(door, command))
    with _key_files(paths, door) as folder:
        return _exit_code([client, *ssh_arguments(door, folder, command, is_terminal=sys.stdin.isatty())], os.environ)


def ssh_arguments(door: SshDoor, folder: Path, command: Sequence[str], *, is_terminal: bool) -> list[str]:
    """All that the client is told; it reads no configuration. A shell for a person prompts, though it has no pty."""
    options = {
        "IdentityFile": _quoted(folder / "key"),
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "UserKnownHostsFile": _quoted(folder / "known_hosts"),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "PasswordAuthentication": "no",
        "LogLevel": "ERROR",
    }
    said = list(command) or (["/bin/sh", "-i"] if is_terminal else [])
    return [
        *("-F", "none", "-T", "-p", str(door.port)),
        *(word for name, value in options.items() for word in ("-o", f"{name}={value}")),
        f"{door.user}@{door.address}",
        *(["--", *said] if said else []),
    ]


def run_psql(door: PsqlDoor, arguments: Sequence[str], program: Path) -> int:
    """Run `psql` on it; its exit code."""
    place = ["-h", door.address, "-p", str(door.port), "-U", door.user, "-d", door.name, "-w"]
    return _exit_code([str(program), *place, *arguments], {**os.environ, "PGPASSWORD": door.password})


def find_psql() -> Path:
    """The `psql` beside the PostgreSQL that runs here, or the one on PATH. Raises `CloudError`."""
    from local.postgres import find_programs

    own, other = find_programs().folder / "psql", shutil.which("psql")
    if own.is_file():
        return own
    if other is None:
        raise CloudError("there is no psql on this machine: install PostgreSQL's client programs")
    return Path(other)


@contextmanager
def _key_files(paths: Paths, door: SshDoor) -> Iterator[Path]:
    paths.doors.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=paths.doors) as name:
        folder = Path(name)
        (folder / "key").touch(mode=0o600)
        (folder / "key").write_text(door.private)
        (folder / "known_hosts").write_text(known_host(door))
        yield folder


def known_host(door: SshDoor) -> str:
    """The line of `known_hosts` that pins the server's key."""
    kind, key = door.host_key.split()[:2]
    return f"[{door.address}]:{door.port} {kind} {key}\n"


def _quoted(path: Path) -> str:
    """ssh takes a space for the end of a name, and % for one of its own words."""
    return '"' + str(path).replace("%", "%%") + '"'


def _exit_code(command: Sequence[str], environment: Mapping[str, str]) -> int:
    return _as_shells_say(subprocess.run(command, env=environment, check=False).returncode)


def _as_shells_say(code: int) -> int:
    return code if code >= 0 else SIGNALLED - code


async def _by_asyncssh(door: SshDoor, command: Sequence[str]) -> int:
    import asyncssh

    try:
        async with asyncssh.connect(
            door.address,
            door.port,
            username=door.user,
            client_keys=[asyncssh.import_private_key(door.private)],
            known_hosts=asyncssh.import_known_hosts(known_host(door)),
            agent_path=None,
            config=None,
        ) as connection:
            said = " ".join(command) or None
            done = await connection.run(said, stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr)
    except (OSError, asyncssh.Error) as error:
        raise CloudError(f"{door.address}:{door.port} cannot be reached: {error}") from error
    return (
        UNREACHABLE
        if done.returncode is None
        else done.returncode
        if done.returncode >= 0
        else SIGNALLED - done.returncode
    )
