"""``release check FILE``: try an artifact on this machine, before a version is spent on it."""

import re
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import click

from release.call import Call, pass_call
from release.process.errors import WrongUsage
from release.process.text import quoted
from release.records.artifacts.archive import Artifact, inspect_artifact
from release.records.artifacts.build import stated_commands
from release.records.artifacts.manifest import checked_version
from release.records.artifacts.smoke import agreed_checks
from release.work.trial import Tried, try_out

OURS = ("HOST", "PORT", "RELEASE_VERSION", "SLOT")
UNKNOWN_VERSION = "0.0.0-check"


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--version", help="The version to try it as.  [default: that of its release.json]")
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="A variable that it is given.")
@click.option("--no-database", is_flag=True, help="Without a database: nothing is migrated then.")
@click.option("--smoke", type=click.Path(path_type=Path), help="Its smoke checks, where the artifact has none.")
@click.option("--start", help="What starts it, where it does not say.")
@click.option("--migrate", help="What migrates its database, where it does not say.")
@click.option("--log", type=click.Path(path_type=Path, dir_okay=False), help="Write what it says into this file.")
@pass_call
def command(
    call: Call,
    file: Path,
    version: str | None,
    variables: tuple[str, ...],
    no_database: bool,
    smoke: Path | None,
    start: str | None,
    migrate: str | None,
    log: Path | None,
) -> None:
    """Try the artifact FILE here, as servers will run it.

    Unpacks, migrates, starts, asks for its health and runs its smoke checks, in a folder of its own and with no
    variables of this shell but PATH and the language; then all of it is gone. Without DATABASE_URL among --env it gets
    an empty PostgreSQL where there is one on this machine. Needs no cloud, and spends no version.

    Refused (3) where a server would fail: in one line what is wrong, and how it is mended.

    \b
    Example: release check app-1.4.0.tar.gz --env LOG_LEVEL=debug
    """
    given = parsed_variables(variables)
    with call.progress.step(file.name, "inspected"):
        artifact = inspect_artifact(file, said=stated_commands(start, migrate))
        artifact = replace(artifact, checks=agreed_checks(artifact, smoke))
    tried = try_out(
        artifact,
        version=checked_version(version or artifact.build.version or UNKNOWN_VERSION),
        given=given,
        database=not no_database,
        progress=call.progress,
        kept=partial(keep, log),
    )
    report = {"file": file.name, "digest": artifact.digest, "commands": asdict(artifact.commands), **asdict(tried)}
    call.show(report, told(artifact, tried))


def keep(log: Path | None, output: str) -> None:
    """Write into the file, where one is wanted, what the release said."""
    if log:
        log.write_text(output, "utf-8")


def parsed_variables(texts: tuple[str, ...]) -> dict[str, str]:
    """Variables as options state them: ``NAME=VALUE``."""
    pairs = [text.partition("=") for text in texts]
    for name, equals, value in pairs:
        if not equals or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or "\0" in value:
            raise WrongUsage(f"{quoted(name)} is no variable", hint="give a name and a value: --env LOG_LEVEL=debug")
        if name in OURS:
            raise WrongUsage(f"{name} is given by the server", hint="leave it out")
    return {name: value for name, _, value in pairs}


def told(artifact: Artifact, tried: Tried) -> str:
    """What was found, for people."""
    migrated = "migrated, " if tried.migrated else ""
    ends = "" if tried.ends else "; it does not end by SIGTERM within 20 s, so servers will kill it"
    checks = f"{tried.checks} smoke checks passed"
    return f"{artifact.path.name} works here: {migrated}healthy after {tried.seconds:.1f} s, {checks}{ends}"
