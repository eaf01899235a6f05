"""Puts releases into the two slots of a server, and starts what a slot holds.

This file is copied to `~/stageline/slot.py` and run there by `python3`, so it is one file, standard library only,
Python 3.9 or newer. It belongs to the server's application user and needs no root. Its verbs:

    install    one slot's content as JSON on stdin: {"slot", "port", "release", "digest", "deployment"};
               without a release (and digest: null) the slot is emptied
    empty      {"slot"} on stdin: stop the slot and forget what it holds
    status     what both slots hold, whether their units run and what they answer
    run SLOT   what the slot's systemd unit executes: fetch the database's address and become the application

Verbs answer one JSON object on stdout. A failure also says one line on stderr and exits with 1. Nothing printed
here ever holds a secret, because the caller puts all of it into its own error texts.

A slot is a folder, `slots/<slot>/`, with `release/`, `slot.json` and a copy of this file; without `slot.json` it is
empty. An install prepares a second folder beside it and swaps the two. The folders beside it say how far it came,
so that whoever is killed at any moment leaves a state which the next run (`recover`) puts back to what it was before:

    .<slot>.new      being prepared, the slot is untouched
    .<slot>.ready    prepared; the slot's unit may be stopped already
    .<slot>.old      what the slot held before; what stands in the slot is not proven healthy
    .<slot>.trash    not needed any more
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import signal
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
HEALTH_LIMIT = 20.0
HEALTH_ERRORS_LIMIT = 5.0  # answering errors for so long is a bad release, not a slow start
HEALTH_PAUSE = 0.2
PROBE_LIMIT = 2.0
AWS_LIMIT = 300.0
SYSTEMCTL_LIMIT = 120.0
MIGRATE_LIMIT = 1800.0

ATTEMPTS = 3
RETRY_PAUSE = 1.0

# Limits of an artifact: far above real ones, far below what fills a disk or the memory.
ENTRIES_LIMIT = 100_000
ENTRY_LIMIT = 1 << 30
UNPACKED_LIMIT = 2 << 30
HEADER_LIMIT = 1 << 20
PATH_LIMIT = 1000

T = TypeVar("T")


class Failure(Exception):
    """Something broke. The text is one line without secrets: what happened, why, what to do next."""


class Refused(Failure):
    """A rule said no before the slot was touched."""


# --- What stands in a slot ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Content:
    """What one slot shall hold, as the environment's program sends it and as `slot.json` keeps it."""

    slot: str
    port: int
    release: str
    digest: str
    deployment: str


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
    def migrate_log(self) -> Path:
        return self.home / "log" / f"{self.name}-migrate.log"

    @property
    def unit(self) -> str:
        return f"stageline-{self.name}.service"

    def beside(self, what: str) -> Path:
        return self.home / "slots" / f".{self.name}.{what}"


@dataclass(frozen=True)
class Server:
    """What boot.py wrote down about this server."""

    region: str
    artifact_bucket: str
    database_parameter: str
    address: str


CONTENT_KEYS = ("slot", "port", "release", "digest", "deployment")
TEXT_RULES = {
    "slot": (re.compile("blue|green"), "blue or green"),
    "release": (re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){2}([-+][0-9A-Za-z.+-]{1,60})?"), "a version such as 1.2.3"),
    "digest": (re.compile("[0-9a-f]{64}"), "64 hexadecimal digits"),
    "deployment": (re.compile("[A-Za-z0-9_.-]{1,100}"), "1 to 100 letters, digits, '_', '.' or '-'"),
}


def parse_content(text: str) -> Content:
    fields = parse_fields(text, CONTENT_KEYS)
    port = fields["port"]
    if type(port) is not int or not 1024 <= port <= 65535:
        raise Refused("the input is not valid: port must be a whole number from 1024 to 65535")
    return Content(port=port, **{key: checked_text(key, fields[key]) for key in TEXT_RULES})


def parse_emptied(text: str) -> Optional[Slot]:
    """The slot that a content without a release empties; None when the content has one."""
    fields = parse_fields(text, CONTENT_KEYS)
    if fields["release"] is not None or fields["digest"] is not None:
        return None
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


def checked_text(key: str, value: Any) -> str:
    rule, allowed = TEXT_RULES[key]
    if not isinstance(value, str) or not rule.fullmatch(value):
        raise Refused(f"the input is not valid: {key} must be {allowed}")
    return value


def read_content(slot: Slot) -> Optional[Content]:
    """What the slot holds, None when it is empty."""
    try:
        return parse_content((slot.folder / "slot.json").read_text("utf-8"))
    except (FileNotFoundError, Refused):
        return None


def read_server() -> Server:
    path = Path.home() / "stageline" / "server.json"
    try:
        values = json.loads(path.read_text("utf-8"))
        return Server(**{name: str(values[name]) for name in Server.__dataclass_fields__})
    except (OSError, ValueError, KeyError, TypeError):
        raise Failure(f"cannot use {path}: boot.py did not finish; look at the server's boot log") from None


# --- The verbs ---------------------------------------------------------------------------------------------------


def install(content: Content) -> Dict[str, Any]:
    """Make the slot hold this content and prove it healthy; on any failure leave the slot as it was."""
    slot = Slot(content.slot)
    with locked(slot, LOCK_LIMIT):
        recover(slot)
        server = read_server()
        if read_content(slot) == content and is_healthy(slot, content, server):
            return answer("unchanged", content)
        try:
            prepare(slot, content, server)
            replace(slot)
            wait_for_health(slot, content, server)
            ignore_signals()
            commit(slot)
        except Exception as error:
            ignore_signals()
            return undo(slot, content, server, error)
        return answer("installed", content)


def undo(slot: Slot, content: Content, server: Server, error: Exception) -> Dict[str, Any]:
    """Put back what was there before the failed install, and say how that went."""
    touched = recover(slot)
    earlier = read_content(slot)
    why = describe(error)
    if earlier and touched:
        why += f"; {slot.name} is back on {earlier.release}{complaint(slot, earlier, server)}"
    if isinstance(error, Refused):
        return answer("refused", content, why)
    return answer("restored" if earlier else "emptied", content, why)


def complaint(slot: Slot, earlier: Content, server: Server) -> str:
    try:
        wait_for_health(slot, earlier, server)
    except Failure as failure:
        return f", which does not answer either ({failure})"
    return ""


def empty(slot: Slot) -> Dict[str, Any]:
    """Stop the slot and forget its content."""
    with locked(slot, LOCK_LIMIT):
        recover(slot)
        before = read_content(slot)
        install_unit(slot)  # a unit unknown here cannot be stopped: the deployment failed before it came this far
        os.rename(slot.folder, slot.beside("trash"))
        recover(slot)
    return {"result": "emptied" if before else "unchanged", "slot": slot.name}


def status() -> Dict[str, Any]:
    return {name: slot_status(Slot(name), read_server()) for name in SLOTS}


def slot_status(slot: Slot, server: Server) -> Dict[str, Any]:
    """One slot as it is. `busy`: an install is running, so what is seen is not the last word."""
    busy = False
    try:
        with locked(slot, 0):
            recover(slot)
    except Refused:
        busy = True
    content = read_content(slot)
    health = asdict(probe(server.address, content.port)) if content else None
    return {"content": asdict(content) if content else None, "unit": unit_state(slot), "health": health, "busy": busy}


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
    if isinstance(error, (Failure, OSError)):
        return str(error)
    return f"the installer failed unexpectedly ({type(error).__name__}); report this"


# --- Swapping: each step leaves a state that `recover` understands ---------------------------------------------


def prepare(slot: Slot, content: Content, server: Server) -> None:
    """Everything that can fail without touching what runs in the slot, in `.new`, migration included."""
    new = slot.beside("new")
    new.mkdir()
    artifact = new / "artifact"
    retried(lambda: download(artifact, content.digest, server))
    unpack(artifact, new / "release")
    artifact.unlink()
    check_contract(new / "release")
    migrate(slot, content, server)
    shutil.copyfile(__file__, new / "slot.py")
    (new / "slot.json").write_text(json.dumps(asdict(content)), "utf-8")


def replace(slot: Slot) -> None:
    """Stop the slot, put the prepared folder in its place, start it."""
    install_unit(slot)
    os.rename(slot.beside("new"), slot.beside("ready"))
    systemctl("stop", slot.unit)
    os.rename(slot.folder, slot.beside("old"))
    os.rename(slot.beside("ready"), slot.folder)
    systemctl("start", slot.unit)


def commit(slot: Slot) -> None:
    os.rename(slot.beside("old"), slot.beside("trash"))
    remove(slot.beside("trash"))


def recover(slot: Slot) -> bool:
    """Put back what an unfinished run left, and say whether it had touched the slot.

    A slot that holds something is meant to run and an empty one is not: whatever was touched ends like that.
    The folders that tell about the unfinished run go last, so that being killed here changes nothing.
    """
    touched = any(slot.beside(what).exists() for what in ("ready", "old", "trash"))
    if slot.beside("old").exists():
        take_back(slot)
    slot.folder.mkdir(parents=True, exist_ok=True)
    if touched:
        systemctl("start" if read_content(slot) else "stop", slot.unit)
    for what in ("new", "ready", "trash"):
        remove(slot.beside(what))
    return touched


def take_back(slot: Slot) -> None:
    systemctl("stop", slot.unit)
    if slot.folder.exists():
        remove(slot.beside("ready"))
        os.rename(slot.folder, slot.beside("ready"))
    os.rename(slot.beside("old"), slot.folder)


def remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


@contextlib.contextmanager
def locked(slot: Slot, limit: float) -> Iterator[None]:
    """Hold the slot's lock; the kernel frees it when this process ends, however it ends."""
    slot.lock.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + limit
    with slot.lock.open("a") as file:
        while not try_lock(file):
            if time.monotonic() >= deadline:
                raise Refused(f"slot {slot.name} is being changed by another run: wait for it and try again")
            time.sleep(0.1)
        yield


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
        write_entries(entries, lambda entry: archive.open(entry.member), target)


def zip_entry(info: zipfile.ZipInfo) -> Entry:
    """Judged by the name that stands in the archive: zipfile cuts names at NUL. `jar` records no mode at all."""
    mode = info.external_attr >> 16
    if mode == 0 and info.filename.startswith("bin/"):
        mode = stat.S_IXUSR
    kinds = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "directory"}
    kind = "directory" if info.is_dir() and not stat.S_IFMT(mode) else kinds.get(stat.S_IFMT(mode), "link or device")
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
    if "\\" in name or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name):
        raise unsafe(entry, "has a sign that does not belong in a path")
    if any(part in ("", ".", "..") for part in entry.path.split("/")):
        raise unsafe(entry, "does not name a path below the release")
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


def database_url(server: Server) -> Tuple[str, List[str]]:
    """The database's address with its credentials, fetched with the server's own role."""
    name = server.database_parameter
    output = ("--output", "text")
    parameter = ("ssm", "get-parameter", "--name", name, "--query", "Parameter.Value", *output)
    database = fetch_json(server, ("engine", "host", "port", "name", "secret"), parameter)
    secret = ("secretsmanager", "get-secret-value", "--secret-id", database["secret"])
    login = fetch_json(server, ("username", "password"), (*secret, "--query", "SecretString", *output))
    scheme = "mysql" if "mysql" in database["engine"] else "postgresql"
    user, password = quote(login["username"], safe=""), quote(login["password"], safe="")
    url = f"{scheme}://{user}:{password}@{database['host']}:{database['port']}/{database['name']}"
    return url, sorted({url, password, login["password"]}, key=len, reverse=True)


def fetch_json(server: Server, keys: Sequence[str], arguments: Sequence[str]) -> Dict[str, str]:
    """These keys of the JSON object that an aws call answers; its text is never shown, it may be a secret."""
    text = retried(lambda: aws(server, *arguments))
    try:
        values = json.loads(text)
        return {key: str(values[key]) for key in keys}
    except (ValueError, KeyError, TypeError):
        raise Failure(f"{' '.join(arguments[:4])} must be JSON with {', '.join(keys)}: run pulumi up") from None


def migrate(slot: Slot, content: Content, server: Server) -> None:
    """Run the new release's bin/migrate, if it has one, while the earlier release still runs."""
    release = slot.beside("new") / "release"
    command = release / "bin" / "migrate"
    if not command.exists():
        return
    environment, secrets = application_environment(server, content)
    slot.migrate_log.parent.mkdir(exist_ok=True)
    try:
        with slot.migrate_log.open("wb") as log:
            code = run_migrate(command, release, environment, log)
    finally:
        output = scrub(slot.migrate_log.read_text("utf-8", "replace"), secrets)
        slot.migrate_log.write_text(output, "utf-8")
    if code != 0:
        raise Failure(f"bin/migrate failed with {code}: {last_line(output)} (whole output: {slot.migrate_log})")


def run_migrate(command: Path, release: Path, environment: Dict[str, str], log: IO[bytes]) -> int:
    try:
        return subprocess.run(
            [str(command)],
            cwd=release,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=MIGRATE_LIMIT,
        ).returncode
    except subprocess.TimeoutExpired:
        raise Failure(f"bin/migrate did not end within {MIGRATE_LIMIT:.0f} s") from None
    except OSError as error:
        raise Failure(f"bin/migrate cannot be started: {error.strerror}") from None


def scrub(text: str, secrets: Sequence[str]) -> str:
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text


def last_line(text: str) -> str:
    """The last line that says something, printable and short."""
    line = text.strip().rpartition("\n")[2][:300]
    return "".join(sign if sign.isprintable() else " " for sign in line) or "no output"


# --- The unit and its health --------------------------------------------------------------------------------------

# An empty slot's unit stays enabled, and the condition keeps it quiet at boot. No start limit: after a reboot the
# database may be away for longer than any such limit.
UNIT = """\
[Unit]
Description=Stageline slot {slot}
ConditionPathExists=%h/stageline/slots/{slot}/slot.json
StartLimitIntervalSec=0

[Service]
ExecStart=python3 %h/stageline/slots/{slot}/slot.py run {slot}
Restart=on-failure
RestartSec=2
TimeoutStopSec=20
NoNewPrivileges=true

[Install]
WantedBy=default.target
"""


def install_unit(slot: Slot) -> None:
    path = Path.home() / ".config" / "systemd" / "user" / slot.unit
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(UNIT.format(slot=slot.name), "utf-8")
    systemctl("daemon-reload")
    systemctl("enable", slot.unit)


def systemctl(*arguments: str) -> None:
    done = execute(["systemctl", "--user", *arguments], SYSTEMCTL_LIMIT)
    if done.returncode != 0:
        raise Failure(f"systemctl --user {' '.join(arguments)} failed: {last_line(done.stderr)}")


def unit_state(slot: Slot) -> str:
    """active, inactive, failed, activating (which is: it died and waits to be restarted)."""
    return execute(["systemctl", "--user", "is-active", slot.unit], SYSTEMCTL_LIMIT).stdout.strip()


@dataclass(frozen=True)
class Health:
    """What /health answered. No status: nobody answered."""

    status: Optional[int]
    version: Optional[str]


def probe(address: str, port: int) -> Health:
    connection = http.client.HTTPConnection(address, port, timeout=PROBE_LIMIT)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        return Health(response.status, stated_version(response.read(1 << 16)))
    except (OSError, http.client.HTTPException):
        return Health(None, None)
    finally:
        connection.close()


def stated_version(body: bytes) -> Optional[str]:
    try:
        version = json.loads(body)["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return last_line(version) if isinstance(version, str) else None


def verdict(health: Health, release: str) -> str:
    """healthy; starting: wait; failing: an error that may pass; wrong: it never will be this release."""
    if health.status in (None, 503):
        return "starting"
    if health.status != 200:
        return "failing"
    return "healthy" if health.version == release else "wrong"


def is_healthy(slot: Slot, content: Content, server: Server) -> bool:
    health = probe(server.address, content.port)
    return verdict(health, content.release) == "healthy" and unit_state(slot) == "active"


def wait_for_health(slot: Slot, content: Content, server: Server) -> None:
    """Return when the slot answers with its release; fail as soon as it is clear that it will not."""
    started = time.monotonic()
    good = started  # when it was last seen not failing
    while True:
        health = probe(server.address, content.port)
        now = time.monotonic()
        state = verdict(health, content.release)
        good = good if state == "failing" else now
        require_active(slot, content)
        if state == "healthy":
            return
        if state == "wrong":
            raise unhealthy(slot, content, f"says it is version {health.version or 'unknown'}")
        if now - good >= HEALTH_ERRORS_LIMIT:
            raise unhealthy(slot, content, f"keeps answering {health.status}")
        if now - started >= HEALTH_LIMIT:
            raise unhealthy(slot, content, f"is not healthy after {HEALTH_LIMIT:.0f} s ({said(health)})")
        time.sleep(HEALTH_PAUSE)


def said(health: Health) -> str:
    return f"/health answers {health.status}" if health.status else "/health does not answer"


def require_active(slot: Slot, content: Content) -> None:
    state = unit_state(slot)
    if state != "active":
        raise unhealthy(slot, content, f"does not stay up, its unit is {state}")


def unhealthy(slot: Slot, content: Content, what: str) -> Failure:
    return Failure(f"{content.release} in {slot.name} {what}; look at: journalctl --user -u {slot.unit}")


# --- The outside: commands, signals, the command line -------------------------------------------------------------


def aws(server: Server, *arguments: str) -> str:
    done = execute(["aws", *arguments, "--region", server.region], AWS_LIMIT)
    if done.returncode != 0:
        raise Failure(f"aws {' '.join(arguments[:2])} failed with {done.returncode}: {last_line(done.stderr)}")
    return done.stdout


def execute(command: Sequence[str], limit: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise Failure(f"{command[0]} did not end within {limit:.0f} s") from None
    except OSError as error:
        raise Failure(f"{command[0]} cannot be run on this server: {error.strerror}") from None


def retried(action: Callable[[], T]) -> T:
    """The action's result; tried again a bounded number of times, with growing pauses that differ by chance."""
    for attempt in range(ATTEMPTS - 1):
        try:
            return action()
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
    raise Failure(f"stopped by signal {number}, by a time limit or by hand")


def ignore_signals() -> None:
    """By a handler that does nothing: SIG_IGN would be inherited by everything started from here."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)


def prepare_process() -> None:
    os.umask(0o077)
    # Over SSH there is no login session that would say where the user's systemd listens.
    os.environ.setdefault("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    fail_on_signals()


def perform(verb: str, arguments: Sequence[str]) -> Dict[str, Any]:
    if verb == "install" and not arguments:
        text = sys.stdin.read(1 << 16)
        emptied = parse_emptied(text)
        return empty(emptied) if emptied else install(parse_content(text))
    if verb == "empty" and not arguments:
        return empty(parse_slot(sys.stdin.read(1 << 16)))
    if verb == "status" and not arguments:
        return status()
    if verb == "run" and len(arguments) == 1 and arguments[0] in SLOTS:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        run(Slot(arguments[0]))
    raise Refused("usage: slot.py install | empty | status | run blue|green")


def main() -> int:
    prepare_process()
    try:
        result = perform(sys.argv[1] if len(sys.argv) > 1 else "", sys.argv[2:])
    except Exception as error:
        result = {"result": "refused", "why": describe(error)}
    print(json.dumps(result))
    if "why" in result:
        print(result["why"], file=sys.stderr)
    return 1 if "why" in result else 0


if __name__ == "__main__":
    sys.exit(main())
