"""An artifact tried on this machine, by what servers do with it: unpacked, migrated, started, healthy, smoke checks."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contract.commands import migrate_command, start_command
from contract.health import HEALTH_ERRORS_LIMIT, HEALTH_LIMIT, stated_version, verdict
from contract.unpacking import Unusable, unpack
from release.doors.database.scratch import programs, scratch_database
from release.doors.probe import Probe
from release.doors.trial import PACE, Pace, Trial, free_port, trial
from release.process.errors import Refused, WrongUsage
from release.process.interruption import INTERRUPTION
from release.process.output import Progress
from release.process.text import quoted
from release.records.artifacts.archive import Artifact
from release.records.artifacts.manifest import Check
from release.rules.objections import HEALTH, as_request, check_objection, version_objection

MIGRATE_LIMIT = 1800.0  # seconds, as on servers
PAUSE = 0.05
DATABASE_URL = "DATABASE_URL"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a trial found: whether it migrated and ended when it was asked to, and after how many seconds it answered.

    ``output`` is what it said, without the variables that it was given.
    """

    migrated: bool
    seconds: float
    checks: int
    ends: bool
    output: str


def try_out(
    artifact: Artifact,
    *,
    version: str,
    given: Mapping[str, str],
    database: bool,
    progress: Progress,
    kept: Callable[[str], None],
    pace: Pace = PACE,
    place: Path | None = None,
) -> Tried:
    """Do with an artifact what a server will do; Refused, with the way out, where it would fail there.

    ``kept`` is given all that the release said, also where it failed. Nothing is left behind, in ``place``
    or where temporary files lie.
    """
    with INTERRUPTION.watched(), trial(given, version, pace, place) as (tried, folder):
        try:
            with _database(tried, folder, given, database) as has_database:
                return _tried(tried, artifact, version, has_database, progress, pace)
        finally:
            kept(tried.output())


def _tried(
    tried: Trial,
    artifact: Artifact,
    version: str,
    has_database: bool,
    progress: Progress,
    pace: Pace,
) -> Tried:
    name = artifact.path.name
    with progress.step(name, "unpacked"):
        _unpack(artifact, tried.release)
    migration = migrate_command(artifact.commands, tried.release) if has_database else ()
    if migration:
        with progress.step(name, "migrated"):
            _migrate(tried, migration)
    with progress.step(name, "healthy"):
        began = pace.ticks()
        tried.start(start_command(artifact.commands))
        _wait_for_health(tried, Probe(), version, pace)
        seconds = pace.ticks() - began
    with progress.step(name, "smoke checks passed"):
        _refuse_failed(tried, Probe(), artifact.checks)
    with progress.step(name, "ended"):
        ends = tried.stop()
    return Tried(
        migrated=bool(migration), seconds=seconds, checks=len(artifact.checks), ends=ends, output=tried.output()
    )


@contextmanager
def _database(tried: Trial, folder: Path, given: Mapping[str, str], wanted: bool) -> Iterator[bool]:
    """Whether there is one: that which was given, or one of its own."""
    if DATABASE_URL in given or not wanted:
        yield DATABASE_URL in given
        return
    here = programs()
    if here is None:
        raise WrongUsage(
            "there is no PostgreSQL on this machine to try it with",
            hint="give a database: --env DATABASE_URL=…, or none: --no-database",
        )
    with scratch_database(folder / "database", here, free_port()) as url:
        tried.give(DATABASE_URL, url)
        yield True


def _unpack(artifact: Artifact, release: Path) -> None:
    try:
        unpack(artifact.path, release, artifact.commands, lambda *_: None)
    except Unusable as error:
        raise Refused(f"{artifact.path.name}: {error}") from None
    except FileExistsError as error:
        raise Refused(
            f"{artifact.path.name}: {quoted(str(error.filename))} is there twice on this machine, whose file system "
            "does not tell names apart that differ in case; on servers both are there",
            hint="try it on Linux",
        ) from None


def _migrate(tried: Trial, command: tuple[str, ...]) -> None:
    code = tried.run(command, MIGRATE_LIMIT)
    if code is None:
        raise Refused(f"{command[0]} did not end within {MIGRATE_LIMIT:.0f} s")
    if code:
        raise _failed(tried, f"{command[0]} failed with {code}", "mend that; it must be harmless a second time, too")


def _wait_for_health(tried: Trial, probe: Probe, version: str, pace: Pace) -> None:
    """Return at the first good answer; Refused as soon as it is clear that none comes, by the limits of servers."""
    began = good = pace.ticks()
    while True:
        INTERRUPTION.check()
        answer = probe.send(tried.url, HEALTH)
        now = pace.ticks()
        state = verdict(answer.status or None, stated_version(answer.body), version)
        if (code := tried.exit_code()) is not None:
            raise _failed(tried, f"it does not stay up, it ended with {code}", "it has to run until SIGTERM ends it")
        if state == "healthy":
            return
        if state == "wrong":
            objection = version_objection(answer, version)
            why = objection.why if objection else ""
            raise Refused(why, hint="answer with $RELEASE_VERSION, or try it as what it is: --version V")
        good = good if state == "failing" else now
        if now - good >= HEALTH_ERRORS_LIMIT:
            hint = "health checks come by plain HTTP, with an address in the header Host: let both pass"
            raise _failed(tried, f"{HEALTH.path} keeps answering {answer.status}", hint)
        if now - began >= HEALTH_LIMIT:
            said = f"answers {answer.status}" if answer.status else "does not answer"
            hint = "it has to listen on $HOST:$PORT, and to answer there with 200"
            raise _failed(tried, f"it is not healthy after {HEALTH_LIMIT:.0f} s ({HEALTH.path} {said})", hint)
        pace.pause(PAUSE)


def _refuse_failed(tried: Trial, probe: Probe, checks: tuple[Check, ...]) -> None:
    """Each check, asked again where its first answer was too slow, as behind a listener."""
    for check in checks:
        objection = check_objection(check, probe.send(tried.url, as_request(check)))
        if objection and check.repeatable:
            objection = check_objection(check, probe.send(tried.url, as_request(check)))
        if objection:
            raise _failed(tried, objection.why, "mend that, or the smoke check")


def _failed(tried: Trial, what: str, hint: str) -> Refused:
    return Refused(f"{what}; it said last: {tried.last_line()}", hint=hint)
