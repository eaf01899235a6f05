"""The locks of Pulumi's own backend: who holds a stack, and whether they still can.

A `pulumi` that changes a stack puts a small file beside its state and takes it away when it ends. It has no expiry: a
Pulumi that was killed leaves it behind, and everybody after it is refused. `release` removes one by itself only when
the process is of this host and known to be dead. For all others there is `release unlock`, by which a person names
the very lock.

The backends that keep such files are folders (`file://`) and buckets (`s3://`); the layout is that of Pulumi 3.
"""

import json
import os
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from release.errors import Broken, Refused

FOLDER = ".pulumi/locks/organization"
LOCK = re.compile(
    r"/(?P<id>[^/?\s]+)\.json\S*: created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\)(?: at (?P<since>\S+))?"
)


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock's id, the process that it names, and since when (UTC). What an unreadable one does not say is empty."""

    id: str
    user: str = ""
    host: str = ""
    pid: int = 0
    since: str = ""

    def __str__(self) -> str:
        who = f"process {self.pid} of {self.user} on {self.host}" if self.pid else "an unknown process"
        return f"{who}{f' since {self.since}' if self.since else ''} (lock {self.id})"

    def is_dead(self) -> bool:
        """Whether its process is known to have ended with all its group: only of this host's can that be told."""
        return self._is_here() and _is_gone(os.kill, self.pid) and _is_gone(os.killpg, self.pid)

    def is_alive(self) -> bool:
        """Whether its process is known to be at work on this host."""
        return self._is_here() and not self.is_dead()

    def _is_here(self) -> bool:
        return self.pid > 0 and self.host == socket.gethostname()


class Locks(Protocol):
    """The locks of one stack, wherever its backend keeps them."""

    def all(self) -> tuple[Lock, ...]:
        """Every lock that there is."""

    def remove(self, lock: Lock) -> None:
        """Take away this one. One that is gone already is none to complain about."""


class FolderLocks:
    """The locks of a stack in a `file://` backend."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> tuple[Lock, ...]:
        """Every lock that there is."""
        try:
            return tuple(parse_lock(file.stem, file.read_bytes()) for file in sorted(self._folder.glob("*.json")))
        except OSError as error:
            raise Broken(f"cannot read the locks in {self._folder}: {error.strerror}") from None

    def remove(self, lock: Lock) -> None:
        """Take away the lock's file, and the attributes that Pulumi keeps beside it."""
        try:
            for name in (f"{lock.id}.json", f"{lock.id}.json.attrs"):
                (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise Broken(f"cannot remove the lock {lock.id}: {error.strerror}") from None


def chosen(locks: tuple[Lock, ...], id: str, stack: str) -> Lock:
    """The lock that is named; Refused when there is none of that name, or its process is alive on this host."""
    lock = next((lock for lock in locks if lock.id == id), None)
    if lock is None:
        there = "; ".join(map(str, locks)) or "none"
        raise Refused(f"{stack} has no lock {id}", hint=f"there is: {there}")
    if lock.is_alive():
        raise Refused(f"{stack} is in use by {lock}", hint="wait for it, or end that process first")
    return lock


def parse_lock(id: str, data: bytes) -> Lock:
    """A lock from its file; one that is not readable is a lock none the less."""
    try:
        said = json.loads(data)
        return Lock(id=id, user=said["username"], host=said["hostname"], pid=said["pid"], since=said["timestamp"])
    except (ValueError, KeyError, TypeError):
        return Lock(id=id)


def locks_in(output: str) -> tuple[Lock, ...]:
    """The locks that hold a stack, when they are why Pulumi failed."""
    if "the stack is currently locked by" not in output:
        return ()
    return tuple(
        Lock(id=found["id"], user=found["user"], host=found["host"], pid=int(found["pid"]), since=found["since"] or "")
        for found in LOCK.finditer(output)
    )


def folder_of(backend: str, project_dir: Path) -> Path:
    """The folder of a `file://` backend: absolute, below the home folder (`~`), or beside the project."""
    place = urlsplit(backend)
    return project_dir / Path(place.netloc + place.path).expanduser()


def bucket_of(backend: str) -> tuple[str, str]:
    """Bucket and prefix of an `s3://` backend; the prefix is empty, or ends with a slash."""
    place = urlsplit(backend)
    prefix = place.path.strip("/")
    return place.netloc, f"{prefix}/" if prefix else ""


def _is_gone(ask: Callable[[int, int], None], number: int) -> bool:
    try:
        ask(number, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
