"""The locks of Pulumi's own backend: who holds a stack, and how one lock is removed.

A `pulumi` that changes a stack puts a small file beside its state and takes it away when it ends. It has no expiry: a
Pulumi that was killed leaves it behind, and everybody after it is refused. What the file says proves nothing: host
names are equal in many containers, and numbers of processes are given again. `release` removes one by itself only when
a trace names it (`traces.py`). For all others there is `release unlock`, by which a person names the very lock.

The backends that keep such files are folders (`file://`) and buckets (`s3://`); the layout is that of Pulumi 3.
"""

import json
import re
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from release.doors.engine.text import plain
from release.process.errors import Broken, NotBegun, Refused
from release.process.processes import Processes

FOLDER = ".pulumi/locks/organization"
LOCK = re.compile(
    r"/(?P<id>[^/?\s]+)\.json\S*: created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d{1,9})\)"
    r"(?: at (?P<since>\S+))?"
)
PROGRAM = "pulumi"
MOST_BYTES = 4096  # of a lock's file: Pulumi writes about a hundred
MOST_TEXT = 100  # characters of one thing that it says
BLUR = timedelta(seconds=5)  # between a process's start and what it writes, by a clock that is set meanwhile


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
        return f"{who}{f' since {self.since}' if self.since else ''} (lock {plain(self.id, MOST_TEXT)})"

    def is_alive(self, processes: Processes | None = None) -> bool:
        """Whether a process of this machine is to be taken for its owner: a Pulumi of that number, older than the lock.

        That is enough to wait and to leave it alone. The contrary says nothing: the owner may be another container's.
        """
        there = processes or Processes()
        if not self.names(self.pid) or not there.may_run(self.pid):
            return False
        began, program = there.began_at(self.pid), there.program(self.pid)
        is_older = began is None or began <= _time(self.since, began) + BLUR
        return is_older and (not program or program.startswith(PROGRAM))

    def names(self, pid: int) -> bool:
        """Whether it says that it is held by a process of this number on a host of our name."""
        return pid > 0 and (self.host, self.pid) == (socket.gethostname(), pid)


class Locked(NotBegun):
    """The stack is locked in the backend, by these locks.

    ``owner_lives`` says that a process of one is at work on this machine. Of all others nothing is known.
    """

    def __init__(self, message: str, *, hint: str = "", locks: tuple[Lock, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.locks = locks
        self.owner_lives = any(lock.is_alive() for lock in locks)


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
        """Every lock that there is. One that goes away meanwhile is none any more."""
        try:
            read = ((file.stem, _head_of(file)) for file in sorted(self._folder.glob("*.json")))
            return tuple(parse_lock(id, data) for id, data in read if data is not None)
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
        said = json.loads(data[:MOST_BYTES])
        user, host, since = (_said(said[key]) for key in ("username", "hostname", "timestamp"))
        return Lock(id=id, user=user, host=host, pid=_number(said["pid"]), since=since)
    except (ValueError, KeyError, TypeError, RecursionError):
        return Lock(id=id)


def locks_in(output: str) -> tuple[Lock, ...]:
    """The locks that hold a stack, when they are why Pulumi failed."""
    if "the stack is currently locked by" not in output:
        return ()
    return tuple(_shown(found) for found in LOCK.finditer(output))


def who(locks: tuple[Lock, ...]) -> str:
    """Whose they are, in one line."""
    return ", ".join(map(str, locks))


def folder_of(backend: str, project_dir: Path) -> Path:
    """The folder of a `file://` backend: absolute, below the home folder (`~`), or beside the project."""
    place = urlsplit(backend)
    return project_dir / Path(place.netloc + place.path).expanduser()


def bucket_of(backend: str) -> tuple[str, str]:
    """Bucket and prefix of an `s3://` backend; the prefix is empty, or ends with a slash."""
    place = urlsplit(backend)
    prefix = place.path.strip("/")
    return place.netloc, f"{prefix}/" if prefix else ""


def _head_of(file: Path) -> bytes | None:
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES)
    except FileNotFoundError:
        return None


def _shown(found: re.Match[str]) -> Lock:
    user, host, since = (plain(found[part] or "", MOST_TEXT) for part in ("user", "host", "since"))
    return Lock(id=found["id"], user=user, host=host, pid=int(found["pid"]), since=since)


def _said(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return plain(value, MOST_TEXT)


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value


def _time(text: str, otherwise: datetime) -> datetime:
    """What a lock says of its beginning; one that cannot be read is no reason to call its owner gone."""
    try:
        return datetime.fromisoformat(text).astimezone(otherwise.tzinfo)
    except (ValueError, OverflowError):
        return otherwise
