"""Puts releases into the two slots of a server, and starts what a slot holds.

This file is copied to `~/stageline/slot.py` and run there by `python3`, so it is one file, standard library only,
Python 3.9 or newer. It belongs to the server's application user and needs no root. Its verbs:

    install     an order as JSON on stdin: {"slot", "port", "release", "digest", "deployment", "reuse"}; without a
                release (and digest: null) the slot is emptied. An order that was carried out before changes nothing
                where the slot's unit runs; where it does not, it is started, and only where that does not help
                installed again. With `reuse` a slot that holds these very bytes by another deployment keeps them: it
                is relabelled, or started, and only where that does not help installed. `--settle SECONDS`: how long
                the release must stay healthy before it counts as installed
    empty       {"slot"} on stdin: stop the slot and forget what it holds
    start SLOT  make the release that the slot holds run, and wait until it is healthy
    status      what both slots hold, whether their units run, what they answer and which deployment's migration began
                last; like every verb it first puts back what a killed run left
    run SLOT    what the slot's systemd unit executes: fetch the database's address and become the application

Verbs answer one JSON object on stdout, whose `result` is one of these:

    installed, unchanged    the slot holds this content, and it is healthy; unchanged with a `note`: it was proven
                            healthy when this very order was carried out, it runs, and it is not healthy now
    relabelled              the same, and only its label is new: it held and ran these very bytes before
    started                 the same, and it had to be started for that
    refused, restored       it does not, and the slot is what it was before; refused: by a rule
    emptied                 the slot is empty; as before, when there is a `why`
    broken                  the server failed, also in putting the slot back: `why` says what to do

A failure also says its `why` as one line on stderr and exits with 1; a `note` is no failure. Nothing printed here ever
holds a secret, because the caller puts all of it into its own error texts.

`install` also says what became of bin/migrate, as `migration`: none (the release has none, or it did not come to that),
not asked for, done, failed. A migration runs only while the environment's parameter for that holds the very deployment
of the order: so nothing migrates again but a deployment that goes forward.

A slot is a folder, `slots/<slot>/`, with `release/`, `slot.json` and a copy of this file; without `slot.json` it is
empty. An install prepares a second folder beside it and swaps the two. The folders beside it say how far it came,
so that whoever is killed at any moment leaves a state which the next run (`recover`) puts back to what it was before:

    .<slot>.new      being prepared, the slot is untouched
    .<slot>.ready    prepared; the slot's unit may be stopped already
    .<slot>.old      what the slot held before; what stands in the slot is not proven healthy
    .<slot>.trash    not needed any more

A power cut is a kill that also forgets what was not yet on the disk, so what is swapped in is written out first. The
programs that a run starts carry a mark in their environment: the next run ends those that outlived a killed one.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import fcntl
import gzip
import hashlib
import http.client
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import time
import unicodedata
import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, TypeVar
from urllib.parse import quote

SLOTS = ("blue", "green")

# Limits, in seconds.
LOCK_LIMIT = 60.0
LOOK_LIMIT = 2.0  # another look at the slot has ended by then; an install has not
HEALTH_LIMIT = 20.0
LONGEST_HEALTH = 1 << 16  # bytes of an answer that are read
HEALTH_ERRORS_LIMIT = 5.0  # answering errors for so long is a bad release, not a slow start
HEALTH_PAUSE = 0.2
SETTLE = 5.0  # how long a release must stay healthy, where the command line does not say it
SETTLE_PAUSE = 0.5
PROBE_LIMIT = 2.0
AWS_LIMIT = 300.0
SYSTEMCTL_LIMIT = 120.0
MIGRATE_LIMIT = 1800.0
END_LIMIT = 5.0
HEAR_PAUSE = 0.1  # how often it is looked whether a program ended whose output others keep open

# What programs say is not trusted to be little: only the end of it is kept, in memory and on the disk.
OUTPUT_LIMIT = 256 << 10
PIPE_LIMIT = 1 << 20  # more than a pipe holds

ATTEMPTS = 3
RETRY_PAUSE = 1.0

# Limits of an artifact: far above real ones, far below what fills a disk or the memory.
ENTRIES_LIMIT = 50_000
ENTRY_LIMIT = 1 << 30
UNPACKED_LIMIT = 2 << 30
HEADER_LIMIT = 1 << 20
PATH_LIMIT = 1000
UNWANTED_SIGNS = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, invisible signs, halves of signs, line ends
SPARE_MB = 200  # what must be free beside it: a full disk also stops the slot that is live

MARK = "STAGELINE_INSTALL"
NO_MIGRATION = "none"  # what the parameter of migrations holds while nothing may migrate
T = TypeVar("T")


class Failure(Exception):
    """Something broke. The text is one line without secrets: what happened, why, what to do next."""


class Refused(Failure):
    """A rule said no before the slot was touched."""


class NotHealthy(Failure):
    """What runs in the slot is not the healthy release that it should be."""


class Stopped(Failure):
    """Somebody, or a time limit, told this run to stop."""


# --- What stands in a slot ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Content:
    """What one slot shall hold, as the environment's program sends it and as `slot.json` keeps it.

    `slot.json` holds these keys and no others: a relabelled slot has the copy of this file that it was installed with,
    and that one must be able to read it.
    """

    slot: str
    port: int
    release: str
    digest: str
    deployment: str

    def differs_in_its_label_only(self, other: Content) -> bool:
        """Whether it is the same artifact, run in the same way, whoever put it there."""
        return dataclasses.replace(self, deployment=other.deployment) == other


@dataclass(frozen=True)
class Order:
    """What an install is told. `reuse`: bytes that the slot holds already stay; else they are installed anew."""

    content: Content
    reuse: bool


@dataclass(frozen=True)
class Slot:
    """The paths and the unit of one slot."""

    name: str

    @property
    def home(self) -> Path:
        return Path.home() / "stageline"

    @property
    def folder(self) -> Path:
        return self.home / "slots" / self.name

    @property
    def lock(self) -> Path:
        return self.beside("lock")

    @property
    def label(self) -> Path:
        return self.folder / "slot.json"

    @property
    def migrate_log(self) -> Path:
        return self.home / "log" / f"{self.name}-migrate.log"

    @property
    def migration(self) -> Path:
        """Which deployment's migration began last. Beside the slots, because putting a slot back must not forget it."""
        return self.home / "log" / f"{self.name}-migration.json"

    @property
    def unit(self) -> str:
        return f"stageline-{self.name}.service"

    def beside(self, what: str) -> Path:
        return self.home / "slots" / f".{self.name}.{what}"


@dataclass(frozen=True)
class Server:
    """What boot.py wrote down about this server. Whoever booted before there was a `migration_parameter` has ""."""

    region: str
    artifact_bucket: str
    database_parameter: str
    address: str
    migration_parameter: str


CONTENT_KEYS = ("slot", "port", "release", "digest", "deployment")
ORDER_KEYS = (*CONTENT_KEYS, "reuse")
TEXT_RULES = {
    "slot": (re.compile("blue|green"), "blue or green"),
    "release": (re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){2}([-+][0-9A-Za-z.+-]{1,60})?"), "a version such as 1.2.3"),
    "digest": (re.compile("[0-9a-f]{64}"), "64 hexadecimal digits"),
    "deployment": (re.compile("[A-Za-z0-9_.-]{1,100}"), "1 to 100 letters, digits, '_', '.' or '-'"),
}


def parse_order(text: str) -> Order:
    fields = parse_fields(text, ORDER_KEYS)
    return Order(checked_content(fields), checked_reuse(fields))


def parse_content(text: str) -> Content:
    return checked_content(parse_fields(text, CONTENT_KEYS))


def checked_content(fields: Dict[str, Any]) -> Content:
    port = fields["port"]
    if type(port) is not int or not 1024 <= port <= 65535:
        raise Refused("the input is not valid: port must be a whole number from 1024 to 65535")
    return Content(port=port, **{key: checked_text(key, fields[key]) for key in TEXT_RULES})


def parse_emptied(text: str) -> Optional[Slot]:
    """The slot that an order without a release empties; None when the order has one."""
    fields = parse_fields(text, ORDER_KEYS)
    if fields["release"] is not None or fields["digest"] is not None:
        return None
    checked_reuse(fields)
    return Slot(checked_text("slot", fields["slot"]))


def parse_slot(text: str) -> Slot:
    return Slot(checked_text("slot", parse_fields(text, ("slot",))["slot"]))


def parse_fields(text: str, names: Sequence[str]) -> Dict[str, Any]:
    try:
        fields = json.loads(text, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise Refused("the input is not valid: give one JSON object on stdin, each key once")
    if sorted(fields) != sorted(names):
        raise Refused(f"the input is not valid: its keys must be {', '.join(names)} and no others")
    return fields


def unique_keys(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError
    return fields


def checked_reuse(fields: Dict[str, Any]) -> bool:
    reuse = fields["reuse"]
    if type(reuse) is not bool:
        raise Refused("the input is not valid: reuse must be true or false")
    return reuse


def checked_text(key: str, value: Any) -> str:
    rule, allowed = TEXT_RULES[key]
    if not isinstance(value, str) or not rule.fullmatch(value):
        raise Refused(f"the input is not valid: {key} must be {allowed}")
    return value


def read_content(slot: Slot) -> Optional[Content]:
    """What the slot holds, None when it is empty."""
    try:
        return parse_content(slot.label.read_text("utf-8"))
    except (FileNotFoundError, Refused):
        return None


def read_server() -> Server:
    path = Path.home() / "stageline" / "server.json"
    try:
        values = json.loads(path.read_text("utf-8"))
        needed = {name: str(values[name]) for name in ("region", "artifact_bucket", "database_parameter", "address")}
        return Server(**needed, migration_parameter=str(values.get("migration_parameter", "")))
    except (OSError, ValueError, KeyError, TypeError):
        raise Failure(f"cannot use {path}: boot.py did not finish; look at the server's boot log") from None


MEND = "mend that, then run: python3 stageline/slot.py status (it puts the slot back)"

# --- The verbs ---------------------------------------------------------------------------------------------------


@dataclass
class Migration:
    """What became of bin/migrate in this run so far: none, not asked for, failed (also while it runs), done."""

    outcome: str = "none"


def install(order: Order, settle: float) -> Dict[str, Any]:
    """Do what the order says, and say what became of its migration."""
    migration = Migration()
    slot, server = Slot(order.content.slot), read_server()
    with locked(slot, LOCK_LIMIT):
        try:
            recover(slot)
            done = keep(slot, order, server, settle) or exchange(slot, order.content, server, settle, migration)
        except Exception as error:
            ignore_signals()
            done = undo(slot, order.content, server, error)
    return {**done, "migration": migration.outcome}


def keep(slot: Slot, order: Order, server: Server, settle: float) -> Optional[Dict[str, Any]]:
    """The answer where nothing has to be installed, because the slot holds what it shall hold; else None."""
    held, content = read_content(slot), order.content
    if held == content:
        return as_it_is(slot, content, server, settle)
    if held is None or not order.reuse or not held.differs_in_its_label_only(content):
        return None
    if is_healthy(slot, content, server):
        return relabel(slot, content, "relabelled")
    return relabel(slot, content, "started") if comes_up(slot, content, server, settle) else None


def as_it_is(slot: Slot, content: Content, server: Server, settle: float) -> Optional[Dict[str, Any]]:
    """The answer to an order that was carried out before: the release was proven healthy then, and users may be on it.

    So what runs is neither restarted nor installed again, whatever is wrong with it now: a `pulumi up` in the middle of
    an incident repeats the orders of both slots, and to judge releases is the business of who watches them.
    """
    if unit_state(slot).active != "active":
        return answer("started", content) if comes_up(slot, content, server, settle) else None
    health = probe(server.address, content.port)
    state = verdict(health, content.release)
    if state == "healthy":
        return answer("unchanged", content)
    found = other_version(shown_version(health, content, server)) if state == "wrong" else said(health)
    return {**answer("unchanged", content), "note": f"{content.release} in {slot.name} is not healthy now: {found}"}


def comes_up(slot: Slot, content: Content, server: Server, settle: float) -> bool:
    """Start what the slot holds. Whatever keeps it from being healthy, installing it anew is worth a try."""
    try:
        restart(slot)
        wait_for_health(slot, content, server, settle)
    except Stopped:
        raise
    except (Failure, OSError):
        return False
    return True


def relabel(slot: Slot, content: Content, result: str) -> Dict[str, Any]:
    """Name this deployment as the one that filled the slot. Needs room for one small file, and can do without.

    With a full disk the label stays the earlier one, which is a note and no failure: the order is about what the slot
    holds and runs, and that is proven. `status` still tells the truth about it, drift shows the old label, and the
    next order writes it. To fail would ask more of putting back than of putting in.
    """
    try:
        write_durably(slot.label, json.dumps(asdict(content)))
    except OSError as error:
        return {
            **answer(result, content),
            "note": f"the label in {slot.name} is still the earlier one: {describe(error)}",
        }
    return answer(result, content)


def exchange(slot: Slot, content: Content, server: Server, settle: float, migration: Migration) -> Dict[str, Any]:
    """Install this content and prove it healthy; what fails here leaves a slot that `recover` puts back."""
    prepare(slot, content, server, migration)
    replace(slot, content, server)
    wait_for_health(slot, content, server, settle)
    ignore_signals()
    commit(slot)
    return answer("installed", content)


def undo(slot: Slot, content: Content, server: Server, error: Exception) -> Dict[str, Any]:
    """Put back what was there before the failed install, and say how that went."""
    why = describe(error)
    try:
        touched = recover(slot)
        earlier = read_content(slot)
        if earlier and touched:
            wait_for_health(slot, earlier, server)
    except NotHealthy as failure:
        return answer("broken", content, f"{why}; {slot.name} is put back, but {failure}")
    except Exception as failure:
        return answer("broken", content, f"{why}; {slot.name} could not be put back: {describe(failure)}; {MEND}")
    result = "refused" if isinstance(error, Refused) else "restored" if earlier else "emptied"
    return answer(result, content, f"{why}; {slot.name} {said_of(earlier, touched)}")


def said_of(earlier: Optional[Content], touched: bool) -> str:
    if earlier is None:
        return "is empty as before"
    return f"is back on {earlier.release}" if touched else f"was not touched and holds {earlier.release}"


def empty(slot: Slot) -> Dict[str, Any]:
    """Stop the slot and forget its content."""
    with locked(slot, LOCK_LIMIT):
        ignore_signals()
        recover(slot)
        before = read_content(slot)
        install_unit(slot)  # a unit unknown here cannot be stopped: the deployment failed before it came this far
        move(slot.folder, slot.beside("trash"))
        recover(slot)
    return {"result": "emptied" if before else "unchanged", "slot": slot.name}


def start(slot: Slot) -> Dict[str, Any]:
    """Make what the slot holds run; what it should hold is not asked. It stays started where that does not help."""
    server = read_server()
    with locked(slot, LOCK_LIMIT):
        recover(slot)
        content = read_content(slot)
        if content is None:
            raise Refused(f"slot {slot.name} is empty: there is nothing to start")
        if is_healthy(slot, content, server):
            return answer("unchanged", content)
        restart(slot)
        wait_for_health(slot, content, server)
    return answer("started", content)


def status() -> Dict[str, Any]:
    server = read_server()
    return {name: slot_status(Slot(name), server) for name in SLOTS}


def slot_status(slot: Slot, server: Server) -> Dict[str, Any]:
    """One slot as it is. `busy`: an install is running, so what is seen is not the last word. `problem`: why what an
    unfinished run left cannot be put back, or what cannot be told of the last migration."""
    busy, problem = put_back(slot)
    migration = None
    try:
        migration = last_migration(slot)
    except Failure as error:
        problem = problem or str(error)
    content, unit = read_content(slot), unit_state(slot)
    return {
        "content": asdict(content) if content else None,
        "unit": unit.active,
        "pid": unit.pid,
        "restarts": unit.restarts,
        "health": shown_health(content, server) if content else None,
        "migration": migration,
        "busy": busy,
        "problem": problem,
    }


def shown_health(content: Content, server: Server) -> Dict[str, Any]:
    health = probe(server.address, content.port)
    return {"status": health.status, "version": shown_version(health, content, server)}


def put_back(slot: Slot) -> Tuple[bool, Optional[str]]:
    """Put back what a killed run left; whether somebody is at work there, and why it cannot be done."""
    try:
        with locked(slot, LOOK_LIMIT):
            recover(slot)
    except Refused:
        return True, None
    except Exception as error:
        return False, describe(error)
    return False, None


def run(slot: Slot) -> None:
    """Become the application in this slot: executed by its unit, never returns."""
    content = read_content(slot)
    if content is None:
        raise Failure(f"slot {slot.name} is empty: nothing to run")
    environment, _ = application_environment(read_server(), content)
    release = slot.folder / "release"
    os.chdir(release)
    start = str(release / "bin" / "start")
    os.execve(start, [start], environment)


def answer(result: str, content: Content, why: str = "") -> Dict[str, Any]:
    said = {"result": result, "slot": content.slot, "release": content.release, "deployment": content.deployment}
    return {**said, "why": why} if why else said


def describe(error: Exception) -> str:
    """One line for people. Of errors that nobody foresaw only the kind: their text could hold anything."""
    if isinstance(error, Failure):
        return str(error)
    if isinstance(error, OSError):
        where = f" at {last_line(str(error.filename))}" if error.filename else ""  # releases name files as they like
        return f"the server failed with '{error.strerror}'{where}: look at its disk (df -h)"
    return f"the installer failed unexpectedly ({type(error).__name__}); report this"


# --- Swapping: each step leaves a state that `recover` understands ---------------------------------------------


def prepare(slot: Slot, content: Content, server: Server, migration: Migration) -> None:
    """Everything that can fail without touching what runs in the slot, in `.new`, migration included."""
    new = slot.beside("new")
    new.mkdir()
    artifact = new / "artifact"
    require_space(new, 0)
    retried(lambda: download(artifact, content.digest, server))
    unpack(artifact, new / "release")
    artifact.unlink()
    check_contract(new / "release")
    migrate(slot, content, server, migration)
    shutil.copyfile(__file__, new / "slot.py")
    (new / "slot.json").write_text(json.dumps(asdict(content)), "utf-8")
    os.sync()  # all at once: one by one, thousands of small files would take minutes


def replace(slot: Slot, content: Content, server: Server) -> None:
    """Stop the slot, put the prepared folder in its place, start it."""
    install_unit(slot)
    move(slot.beside("new"), slot.beside("ready"))
    systemctl("stop", slot.unit)
    require_free_port(server.address, content.port)
    move(slot.folder, slot.beside("old"))
    move(slot.beside("ready"), slot.folder)
    systemctl("start", slot.unit)


def restart(slot: Slot) -> None:
    """In one call, which systemd carries to its end also when this run is killed meanwhile."""
    install_unit(slot)
    systemctl("restart", slot.unit)


def commit(slot: Slot) -> None:
    """From the rename on the slot is installed; what cannot be removed now is left to the next run."""
    move(slot.beside("old"), slot.beside("trash"))
    with contextlib.suppress(OSError):
        remove(slot.beside("trash"))


def recover(slot: Slot) -> bool:
    """Put back what an unfinished run left, and say whether it had touched the slot.

    A slot that holds something is meant to run and an empty one is not: whatever was touched ends like that.
    The folders that tell about the unfinished run go last, so that being killed here changes nothing; `.new` goes
    first, because on a full disk the rest may need its room.
    """
    with uninterrupted():
        end_programs(slot)
        remove(slot.beside("new"))
        touched = any(slot.beside(what).exists() for what in ("ready", "old", "trash"))
        if slot.beside("old").exists():
            take_back(slot)
        slot.folder.mkdir(parents=True, exist_ok=True)
        if touched:
            start_or_stop(slot)
        for what in ("ready", "trash"):
            remove(slot.beside(what))
    return touched


def start_or_stop(slot: Slot) -> None:
    if read_content(slot):
        systemctl("start", slot.unit)
        return
    systemctl("stop", slot.unit)
    # Else the unit of an empty slot would tell of a failure. It is none when there is nothing to reset.
    execute(["systemctl", "--user", "reset-failed", slot.unit], SYSTEMCTL_LIMIT)


def take_back(slot: Slot) -> None:
    systemctl("stop", slot.unit)
    if slot.folder.exists():
        remove(slot.beside("ready"))
        move(slot.folder, slot.beside("ready"))
    move(slot.beside("old"), slot.folder)


def move(source: Path, target: Path) -> None:
    """Rename, and see that it is on the disk: the steps must be there in their order."""
    os.rename(source, target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_durably(path: Path, text: str) -> None:
    """Replace a file as a whole: also after a power cut it is the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(text, "utf-8")
    os.sync()
    move(draft, path)


def remove(folder: Path) -> None:
    if not folder.exists():
        return
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        # A release may have taken away its own right to change its folders, or have nested them without end.
        flatten(folder)
        shutil.rmtree(folder)


def flatten(folder: Path) -> None:
    """Leave nothing but files in it, however deep it is: what lies in each of its folders is moved up before that goes.

    So no path gets long, and nothing calls itself.
    """
    os.chmod(folder, stat.S_IRWXU)
    while folders := folders_in(folder):
        for one in folders:
            for below in folders_in(one):
                os.rename(below, folder / f".{random.getrandbits(128):x}")
            for file in one.iterdir():
                file.unlink()
            one.rmdir()


def folders_in(folder: Path) -> List[Path]:
    """Its folders, no links among them, each with the rights that it takes to look into it, empty it and move it."""
    folders = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    for one in folders:
        os.chmod(one, stat.S_IRWXU)
    return folders


def end_programs(slot: Slot) -> None:
    """End what outlived a killed run: a migration of it must not go on beside the next one."""
    deadline = time.monotonic() + END_LIMIT
    while True:
        left = marked_programs(slot)
        if not left:
            return
        if time.monotonic() >= deadline:
            raise Failure(f"processes of an earlier run do not end: {', '.join(map(str, left))}; end them by hand")
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def marked_programs(slot: Slot) -> List[int]:
    return [
        pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if pid != os.getpid() and is_marked(pid, slot)
    ]


def is_marked(pid: int, slot: Slot) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # somebody else's, or it has just ended
        return False
    return f"{MARK}={slot.folder}".encode() in environment.split(b"\0")


@contextlib.contextmanager
def locked(slot: Slot, limit: float) -> Iterator[None]:
    """Hold the slot's lock, and mark what is started meanwhile, and nothing later: the next holder ends what is marked.

    The kernel frees the lock when this process ends, however it ends: started programs do not inherit it.
    """
    slot.lock.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + limit
    with slot.lock.open("a") as file:
        while not try_lock(file):
            if time.monotonic() >= deadline:
                raise Refused(f"slot {slot.name} is being changed by another run: wait for it and try again")
            time.sleep(0.1)
        os.environ[MARK] = str(slot.folder)
        try:
            yield
        finally:
            del os.environ[MARK]


def try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# --- The artifact: downloaded, checked, then unpacked ---------------------------------------------------------


def download(artifact: Path, digest: str, server: Server) -> None:
    """Fetch the bytes that have this sha256: others (cut short, or changed in the bucket) are refused."""
    key = f"artifacts/{digest}"
    aws(server, "s3api", "get-object", "--bucket", server.artifact_bucket, "--key", key, str(artifact))
    if file_sha256(artifact) != digest:
        raise Refused(f"{key} in {server.artifact_bucket} does not have its sha256: publish or promote it again")


def require_space(folder: Path, size: int) -> None:
    needed, free = (size >> 20) + SPARE_MB, shutil.disk_usage(folder).free >> 20
    if free < needed:
        raise Refused(f"the server has {free} MB of disk left and needs {needed:.0f} MB: make room on it")


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True)
class Entry:
    """One entry of an archive. `kind`: file, directory, or what else it claims to be; `member`: how to open it."""

    name: str
    kind: str
    size: int
    mode: int
    member: Any

    @property
    def path(self) -> str:
        """The name as it will be written: without the leading and trailing marks that archivers add."""
        name = self.name[2:] if self.name.startswith("./") else self.name
        return name.rstrip("/")


class CautiousGzip(gzip.GzipFile):
    """Never reads much at once: a tar header that claims gigabytes must not fill the memory."""

    def read(self, size: Optional[int] = -1) -> bytes:
        if size is None or not 0 <= size <= HEADER_LIMIT:
            raise Refused("the archive is not safe: a header is too large")
        return super().read(size)


BROKEN_ARCHIVE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


def unpack(artifact: Path, target: Path) -> None:
    """Write the archive's files below target, after every entry was found safe.

    The whole list is judged before the first byte is written. Modes, owners and times of the archive are dropped:
    only "executable" is kept.
    """
    try:
        if starts_with(artifact, b"\x1f\x8b"):
            unpack_tar(artifact, target)
        elif starts_with(artifact, b"PK\x03\x04"):
            unpack_zip(artifact, target)
        else:
            raise Refused("the artifact is neither a .tar.gz nor a .zip or .jar")
    except BROKEN_ARCHIVE as error:
        raise Refused(f"the archive cannot be read ({type(error).__name__}): build and publish it again") from None


def starts_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def unpack_tar(artifact: Path, target: Path) -> None:
    with CautiousGzip(artifact) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
        write_entries(safe_entries(map(tar_entry, tar)), lambda entry: tar.extractfile(entry.member), target)


def tar_entry(member: tarfile.TarInfo) -> Entry:
    kinds = {tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.DIRTYPE: "directory"}
    kind = "sparse file" if member.issparse() else kinds.get(member.type, "link or device")
    return Entry(member.name, kind, member.size, member.mode, member)


def unpack_zip(artifact: Path, target: Path) -> None:
    with zipfile.ZipFile(artifact) as archive:
        entries = safe_entries(map(zip_entry, archive.infolist()))
        write_entries(entries, lambda entry: archive.open(longer(entry.member)), target)


def longer(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """The entry as if it said one byte more: zipfile reads as much as it says, and hides what lies beyond."""
    more = copy.copy(info)
    more.file_size += 1
    return more


def zip_entry(info: zipfile.ZipInfo) -> Entry:
    """Judged by the name that stands in the archive: zipfile cuts names at NUL. `jar` records no mode at all."""
    mode = info.external_attr >> 16
    if mode == 0 and info.filename.startswith("bin/"):
        mode = stat.S_IXUSR
    kinds = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "directory"}
    named = info.filename.endswith("/")  # is_dir() fails on an empty name
    kind = "directory" if named and not stat.S_IFMT(mode) else kinds.get(stat.S_IFMT(mode), "link or device")
    if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        kind = "file that is encrypted, or packed in another way than by deflate"
    return Entry(info.orig_filename, kind, info.file_size, stat.S_IMODE(mode), info)


def safe_entries(entries: Iterable[Entry]) -> List[Entry]:
    """All entries, or Refused at the first unsafe one: nothing beyond it is even read."""
    safe: List[Entry] = []
    taken: Dict[str, Tuple[str, str]] = {}
    total = 0
    for entry in entries:
        total += entry.size
        check_size(entry, len(safe) + 1, total)
        if entry.kind == "directory" and entry.path in ("", "."):
            continue
        check_kind(entry)
        check_path(entry)
        check_unique(entry, taken)
        safe.append(entry)
    return safe


def unsafe(entry: Entry, what: str) -> Refused:
    return Refused(f"the archive is not safe: {entry.name[:100]!a} {what}; build it again without that entry")


def check_size(entry: Entry, count: int, total: int) -> None:
    if count > ENTRIES_LIMIT:
        raise unsafe(entry, f"is one of more than {ENTRIES_LIMIT} entries")
    if not 0 <= entry.size <= ENTRY_LIMIT or total > UNPACKED_LIMIT:
        raise unsafe(entry, "makes it larger than allowed")


def check_kind(entry: Entry) -> None:
    if entry.kind not in ("file", "directory"):
        raise unsafe(entry, f"is a {entry.kind}")
    if entry.mode & (stat.S_ISUID | stat.S_ISGID):
        raise unsafe(entry, "is setuid or setgid")


def check_path(entry: Entry) -> None:
    name = entry.name
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        raise unsafe(entry, "is an absolute path")
    if "\\" in name or any(unicodedata.category(sign) in UNWANTED_SIGNS for sign in name):
        raise unsafe(entry, "has a sign that does not belong in a path")
    if any(part in ("", ".", "..") for part in entry.path.split("/")):
        raise unsafe(entry, "does not name a path below the release")
    if entry.kind == "file" and name.endswith("/"):
        raise unsafe(entry, "is a file with the name of a folder")
    if len(name.encode()) > PATH_LIMIT or any(len(part.encode()) > 255 for part in name.split("/")):
        raise unsafe(entry, "has a name that is too long")


def check_unique(entry: Entry, taken: Dict[str, Tuple[str, str]]) -> None:
    """No path twice, also not in another spelling of upper and lower case, and nothing below a file."""
    parts = entry.path.split("/")
    for length in range(1, len(parts)):
        parent = "/".join(parts[:length])
        known = taken.setdefault(spelling_key(parent), (parent, "parent"))
        if known[0] != parent or known[1] == "file":
            raise unsafe(entry, f"clashes with {known[0]!a}")
    known_or_none = taken.get(spelling_key(entry.path))
    if known_or_none and not (known_or_none == (entry.path, "parent") and entry.kind == "directory"):
        raise unsafe(entry, f"clashes with {known_or_none[0]!a}")
    taken[spelling_key(entry.path)] = (entry.path, entry.kind)


def spelling_key(path: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def write_entries(entries: List[Entry], opened: Callable[[Entry], Optional[IO[bytes]]], target: Path) -> None:
    require_space(target.parent, sum(entry.size for entry in entries))
    target.mkdir()
    for entry in entries:
        path = target / entry.path
        if entry.kind == "directory":
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, opened(entry), entry)


def write_file(path: Path, source: Optional[IO[bytes]], entry: Entry) -> None:
    mode = 0o755 if entry.mode & stat.S_IXUSR else 0o644
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(path, flags, mode), "wb") as file:
        if source:
            shutil.copyfileobj(source, file)
        if file.tell() != entry.size:
            raise EOFError


def check_contract(release: Path) -> None:
    if not os.access(release / "bin" / "start", os.X_OK) or not (release / "bin" / "start").is_file():
        raise Refused("the artifact has no executable bin/start: add it and publish a new version")


# --- The application's environment, and its migration -----------------------------------------------------------


def application_environment(server: Server, content: Content) -> Tuple[Dict[str, str], List[str]]:
    """The environment of the application's processes, and the secrets in it, longest first."""
    url, secrets = database_url(server)
    ours = {
        "PORT": str(content.port),
        "HOST": server.address,
        "DATABASE_URL": url,
        "RELEASE_VERSION": content.release,
        "SLOT": content.slot,
    }
    return {**os.environ, **ours}, secrets


SCHEMES = {"postgres": ("postgresql", "?sslmode=require"), "mysql": ("mysql", "?ssl-mode=REQUIRED")}


def database_url(server: Server) -> Tuple[str, List[str]]:
    """The database's address with its credentials, fetched with the server's own role."""
    keys = ("engine", "host", "port", "name", "secret", "tls")
    database = fetch_json(server, keys, parameter_call(server.database_parameter))
    secret = ("secretsmanager", "get-secret-value", "--secret-id", database["secret"])
    login = fetch_json(server, ("username", "password"), (*secret, "--query", "SecretString", "--output", "text"))
    scheme, tls = SCHEMES["mysql" if "mysql" in database["engine"] else "postgres"]
    user, password = quote(login["username"], safe=""), quote(login["password"], safe="")
    url = f"{scheme}://{user}:{password}@{database['host']}:{database['port']}/{database['name']}"
    url += tls if database["tls"] == "required" else ""
    return url, sorted({url, password, login["password"]}, key=len, reverse=True)


def parameter_call(name: str) -> Tuple[str, ...]:
    return ("ssm", "get-parameter", "--name", name, "--query", "Parameter.Value", "--output", "text")


def fetch_json(server: Server, keys: Sequence[str], arguments: Sequence[str]) -> Dict[str, str]:
    """These keys of the JSON object that an aws call answers; its text is never shown, it may be a secret."""
    text = retried(lambda: aws(server, *arguments))
    try:
        values = json.loads(text)
        return {key: str(values[key]) for key in keys}
    except (ValueError, KeyError, TypeError):
        raise Failure(f"{' '.join(arguments[:4])} must be JSON with {', '.join(keys)}: run pulumi up") from None


def migrate(slot: Slot, content: Content, server: Server, migration: Migration) -> None:
    """Run the new release's bin/migrate, if it has one and it is asked for, while the earlier release still runs.

    That it begins is on the disk before it does: whoever asks later must never be told that nothing was changed.
    """
    release = slot.beside("new") / "release"
    command = release / "bin" / "migrate"
    if not command.exists():
        return
    if not may_migrate(content, server):
        migration.outcome = "not asked for"
        return
    environment, secrets = application_environment(server, content)
    write_durably(slot.migration, json.dumps({"deployment": content.deployment}))
    migration.outcome = "failed"
    code, said = run_migrate(command, release, environment, secrets)
    slot.migrate_log.write_text(said.marked(), "utf-8")
    if code != 0:
        raise Failure(f"bin/migrate failed with {code}: {last_line(said.text)} (its output: {slot.migrate_log})")
    migration.outcome = "done"


def may_migrate(content: Content, server: Server) -> bool:
    """Whether this very deployment is asked to migrate. A server that cannot tell fails and does not guess.

    Taken for no, a release would start without its schema; taken for yes, an earlier release's migration would run
    against a newer schema.
    """
    if not server.migration_parameter:
        raise Failure("this server does not know who may migrate, it is older than that: release replace-server")
    asked = retried(lambda: aws(server, *parameter_call(server.migration_parameter))).strip()
    return asked == content.deployment and asked != NO_MIGRATION


def last_migration(slot: Slot) -> Optional[Dict[str, str]]:
    """The deployment whose migration began last on this server, in this slot; None when none ever did."""
    try:
        said = json.loads(slot.migration.read_text("utf-8"))
        return {"deployment": checked_text("deployment", said["deployment"])}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, Refused):
        raise Failure(f"{slot.migration} does not tell whose migration began last: delete it to say none") from None


def run_migrate(command: Path, release: Path, environment: Dict[str, str], secrets: Sequence[str]) -> Tuple[int, Said]:
    """How bin/migrate ended, and what it said last. It may tell secrets: on the disk is only what was scrubbed."""
    said = Tail(OUTPUT_LIMIT + half_a_secret(secrets))
    try:
        code = hear([str(command)], MIGRATE_LIMIT, said, cwd=release, env=environment)
    except subprocess.TimeoutExpired:
        raise Failure(f"bin/migrate did not end within {MIGRATE_LIMIT:.0f} s") from None
    except OSError as error:
        raise Failure(f"bin/migrate cannot be started: {error.strerror}") from None
    return code, scrubbed(said, secrets)


@dataclass(frozen=True)
class Said:
    """What a program said, without secrets. `cut`: only the end of it."""

    text: str
    cut: bool

    def marked(self) -> str:
        return f"(only the end of it is kept)\n{self.text}" if self.cut else self.text


def scrubbed(said: Tail, secrets: Sequence[str]) -> Said:
    """Where the beginning is cut off, half a secret may stand there, and goes too."""
    text = scrub(said.text(), secrets)
    return Said(text[half_a_secret(secrets) :] if said.cut else text, said.cut)


def half_a_secret(secrets: Sequence[str]) -> int:
    """How much of a text half a secret can take, also one in which shorter secrets were hidden."""
    return len(HIDDEN) * max((len(secret.encode()) for secret in secrets), default=0)


HIDDEN = "***"


def scrub(text: str, secrets: Sequence[str]) -> str:
    for secret in filter(None, secrets):
        text = text.replace(secret, HIDDEN)
    return text


def last_line(text: str) -> str:
    """The last line that says something, printable and short."""
    line = text.strip().rpartition("\n")[2][:300]
    return "".join(sign if sign.isprintable() else " " for sign in line) or "no output"


# --- The unit and its health --------------------------------------------------------------------------------------

# An empty slot's unit stays enabled, and the condition keeps it quiet at boot. A release is started again however it
# ended, also well or by a signal of somebody's: none is meant to end while its slot holds it. No start limit: after a
# reboot the database may be away for longer than any such limit.
UNIT = """\
[Unit]
Description=Stageline slot {slot}
ConditionPathExists=%h/stageline/slots/{slot}/slot.json
StartLimitIntervalSec=0

[Service]
ExecStart=python3 %h/stageline/slots/{slot}/slot.py run {slot}
Restart=always
RestartSec=2
TimeoutStopSec=20
NoNewPrivileges=true

[Install]
WantedBy=default.target
"""


def install_unit(slot: Slot) -> None:
    path = Path.home() / ".config" / "systemd" / "user" / slot.unit
    text = UNIT.format(slot=slot.name)
    if not path.exists() or path.read_text("utf-8") != text:
        write_durably(path, text)
    systemctl("daemon-reload")
    systemctl("enable", slot.unit)


def systemctl(*arguments: str) -> None:
    done = execute(["systemctl", "--user", *arguments], SYSTEMCTL_LIMIT)
    if done.returncode != 0:
        raise Failure(f"systemctl --user {' '.join(arguments)} failed: {last_line(done.stderr)}")


@dataclass(frozen=True)
class Unit:
    """`active`: active, inactive, failed, or activating (it died and waits to be restarted). No process: pid 0."""

    active: str
    pid: int
    restarts: int


def unit_state(slot: Slot) -> Unit:
    command = ["systemctl", "--user", "show", slot.unit, "--property=ActiveState,MainPID,NRestarts"]
    shown = dict(line.partition("=")[::2] for line in execute(command, SYSTEMCTL_LIMIT).stdout.splitlines())
    try:
        return Unit(shown["ActiveState"], int(shown["MainPID"]), int(shown["NRestarts"]))
    except (KeyError, ValueError):
        raise Failure(f"systemctl --user does not tell the state of {slot.unit}: try it on the server") from None


def require_free_port(address: str, port: int) -> None:
    """With the slot stopped nobody may listen there: whoever did would be taken for the release, or stop it."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((address, port))
        except OSError as error:
            raise Failure(f"port {port} is not free ({error.strerror}): ss -ltnp shows who holds it") from None


@dataclass(frozen=True)
class Health:
    """What /health answered. No status: nobody answered. The version is as it was said: `shown_version` may be told."""

    status: Optional[int]
    version: Optional[str]


def probe(address: str, port: int) -> Health:
    connection = http.client.HTTPConnection(address, port, timeout=PROBE_LIMIT)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        return Health(response.status, stated_version(response.read(LONGEST_HEALTH)))
    except (OSError, http.client.HTTPException):
        return Health(None, None)
    finally:
        connection.close()


def stated_version(body: bytes) -> Optional[str]:
    try:
        version = json.loads(body)["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return version.strip() if isinstance(version, str) else None


def shown_version(health: Health, content: Content, server: Server) -> Optional[str]:
    """The version that the release states, as it may leave the server: it could state all that it knows.

    Only of one that is not its own is it asked what must not be told; where that is not known it is not told at all.
    """
    if health.version in (None, content.release):
        return health.version
    try:
        return last_line(scrub(str(health.version), database_url(server)[1]))
    except Stopped:
        raise
    except Failure:
        return "another one, not told: the database's secret is not known to compare with"


def verdict(health: Health, release: str) -> str:
    """healthy; starting: wait; failing: an error that may pass; wrong: it never will be this release."""
    if health.status in (None, 503):
        return "starting"
    if health.status != 200:
        return "failing"
    return "healthy" if health.version == release else "wrong"


def is_healthy(slot: Slot, content: Content, server: Server) -> bool:
    health = probe(server.address, content.port)
    return verdict(health, content.release) == "healthy" and unit_state(slot).active == "active"


def wait_for_health(slot: Slot, content: Content, server: Server, settle: float = 0.0) -> None:
    """Return when one process has answered as this release for `settle` seconds without a break.

    Fails as soon as it is clear that it will not; after HEALTH_LIMIT, at the first answer that is not healthy.
    """
    first = unit_state(slot)
    started = time.monotonic()
    good = started  # when it was last seen not failing
    healthy_since = None
    while True:
        health = probe(server.address, content.port)
        now = time.monotonic()
        state = verdict(health, content.release)
        require_same_process(slot, content, first, unit_state(slot))
        good = good if state == "failing" else now
        healthy_since = (healthy_since or now) if state == "healthy" else None
        if healthy_since and now - healthy_since >= settle:
            return
        if state == "wrong":
            raise unhealthy(slot, content, other_version(shown_version(health, content, server)))
        require_hope(slot, content, health, now - good, now - started)
        time.sleep(SETTLE_PAUSE if healthy_since else HEALTH_PAUSE)


def other_version(version: Optional[str]) -> str:
    if version:
        return f"says it is version {version}"
    return f"does not say its version: /health has to answer JSON with it, of at most {LONGEST_HEALTH >> 10} kB"


def require_hope(slot: Slot, content: Content, health: Health, failing: float, waited: float) -> None:
    """Give up on an answer that will not become a good one; the times are in seconds."""
    if failing >= HEALTH_ERRORS_LIMIT:
        raise unhealthy(slot, content, f"keeps answering {health.status}")
    if verdict(health, content.release) != "healthy" and waited >= HEALTH_LIMIT:
        raise unhealthy(slot, content, f"is not healthy after {HEALTH_LIMIT:.0f} s ({said(health)})")


def said(health: Health) -> str:
    return f"/health answers {health.status}" if health.status else "/health does not answer"


def require_same_process(slot: Slot, content: Content, first: Unit, now: Unit) -> None:
    if now.active != "active":
        raise unhealthy(slot, content, f"does not stay up, its unit is {now.active}")
    if now != first:
        raise unhealthy(slot, content, "does not stay up, its unit restarted it")


def unhealthy(slot: Slot, content: Content, what: str) -> NotHealthy:
    return NotHealthy(f"{content.release} in {slot.name} {what}; look at: journalctl --user -u {slot.unit}")


# --- The outside: commands, signals, the command line -------------------------------------------------------------


def aws(server: Server, *arguments: str) -> str:
    done = execute(["aws", *arguments, "--region", server.region], AWS_LIMIT)
    if done.returncode != 0:
        raise Failure(f"aws {' '.join(arguments[:2])} failed with {done.returncode}: {last_line(done.stderr)}")
    return done.stdout


@dataclass(frozen=True)
class Ended:
    """How a program ended, and the end of what it said."""

    returncode: int
    stdout: str
    stderr: str


def execute(command: Sequence[str], limit: float) -> Ended:
    output, errors = Tail(OUTPUT_LIMIT), Tail(OUTPUT_LIMIT)
    try:
        return Ended(hear(command, limit, output, errors), output.text(), errors.text())
    except subprocess.TimeoutExpired:
        raise Failure(f"{command[0]} did not end within {limit:.0f} s") from None
    except OSError as error:
        raise Failure(f"{command[0]} cannot be run on this server: {error.strerror}") from None


class Tail:
    """The last bytes of what a program says: however much that is, no more is held."""

    def __init__(self, most: int) -> None:
        self.cut = False
        self.kept = bytearray()
        self.most = most

    def add(self, block: bytes) -> None:
        self.kept += block
        self.cut = self.cut or len(self.kept) > self.most
        del self.kept[: -self.most]

    def text(self) -> str:
        return self.kept.decode("utf-8", "replace")


def hear(command: Sequence[str], limit: float, output: Tail, errors: Optional[Tail] = None, **place: Any) -> int:
    """Run a program to its end and keep the end of what it says: its exit code. Without `errors` it is one stream.

    What the program leaves running is not waited for, also where that holds its output open.
    """
    deadline = time.monotonic() + limit
    second = subprocess.PIPE if errors else subprocess.STDOUT
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=second, bufsize=0, **place
    ) as program:
        try:
            listen(program, deadline, {program.stdout: output, program.stderr: errors})
            return program.wait(max(0.0, deadline - time.monotonic()))
        except BaseException:
            program.kill()
            raise


def listen(program: subprocess.Popen[bytes], deadline: float, tails: Dict[Any, Any]) -> None:
    """Until the program ended, or closed all that it says something by."""
    pipes = [pipe for pipe in tails if pipe]
    ended = False
    while pipes and not ended and time.monotonic() < deadline:
        ended = program.poll() is not None  # asked first: what it said until then is in the pipes, and no pipe has more
        for pipe in select.select(pipes, [], [], 0 if ended else HEAR_PAUSE)[0]:
            block = pipe.read(PIPE_LIMIT)
            tails[pipe].add(block)
            if not block:
                pipes.remove(pipe)


def retried(action: Callable[[], T]) -> T:
    """The action's result; tried again a bounded number of times, with growing pauses that differ by chance."""
    for attempt in range(ATTEMPTS - 1):
        try:
            return action()
        except Stopped:
            raise
        except Failure:
            time.sleep(RETRY_PAUSE * 2**attempt * random.uniform(0.5, 1.5))
    return action()


SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def fail_on_signals() -> None:
    """Being told to stop is a failure like any other: the slot is put back."""
    for number in SIGNALS:
        signal.signal(number, interrupted)


def interrupted(number: int, frame: Any) -> None:
    ignore_signals()
    raise Stopped(f"stopped by signal {number}, by a time limit or by hand")


def ignore_signals() -> None:
    """By a handler that does nothing: SIG_IGN would be inherited by everything started from here."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back being told to stop until the end: being put back half-way is the one thing a slot must not be."""
    held: List[int] = []
    handlers = {number: signal.signal(number, lambda number, _: held.append(number)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if held:
        signal.raise_signal(held[0])


def prepare_process() -> None:
    os.umask(0o077)
    # Over SSH there is no login session that would say where the user's systemd listens.
    os.environ.setdefault("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    fail_on_signals()


def perform(verb: str, arguments: Sequence[str]) -> Dict[str, Any]:
    if verb == "install":
        settle, text = parse_settle(arguments), sys.stdin.read(1 << 16)
        emptied = parse_emptied(text)
        return {**empty(emptied), "migration": "none"} if emptied else install(parse_order(text), settle)
    if verb == "empty" and not arguments:
        return empty(parse_slot(sys.stdin.read(1 << 16)))
    if verb == "status" and not arguments:
        return status()
    if verb == "start" and len(arguments) == 1 and arguments[0] in SLOTS:
        return start(Slot(arguments[0]))
    if verb == "run" and len(arguments) == 1 and arguments[0] in SLOTS:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        run(Slot(arguments[0]))
    raise usage()


def parse_settle(arguments: Sequence[str]) -> float:
    if not arguments:
        return SETTLE
    if (
        len(arguments) != 2
        or arguments[0] != "--settle"
        or not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", arguments[1])
    ):
        raise usage()
    return float(arguments[1])


def usage() -> Refused:
    return Refused("usage: slot.py install [--settle SECONDS, 0 to 999] | empty | status | start SLOT | run SLOT")


def main() -> int:
    prepare_process()
    try:
        result = perform(sys.argv[1] if len(sys.argv) > 1 else "", sys.argv[2:])
        ignore_signals()
    except Exception as error:
        ignore_signals()
        untouched = isinstance(error, (Refused, Stopped))
        result = {"result": "refused" if untouched else "broken", "why": describe(error)}
    print(json.dumps(result))
    if "why" in result:
        print(result["why"], file=sys.stderr)
    return 1 if "why" in result else 0


if __name__ == "__main__":
    sys.exit(main())
