"""``release config``: the secrets of an environment's application, set without the lease, applied by a deployment."""

import sys
from pathlib import Path
from typing import Any

import click

from contract.configuration import MOST_VALUE, SHORTEST_SECRET, name_fault, value_fault
from release.call import Call, environment_argument, environments, pass_call
from release.environment import Environment
from release.process.errors import Refused, WrongUsage
from release.process.output import table
from release.process.text import quoted
from release.records.configurations import Version, digest_of, refuse_both
from release.rules.configuring import compared, differences, looks_secret, secrets_warning

HEADINGS = ("name", "kept in", "version")
MOST_READ = 32 * MOST_VALUE  # bytes: enough to tell how much too long a value is


@click.group("config")
def command() -> None:
    """Keep the application's secrets, in versions.

    What is set comes with the next deployment, and is rolled back with it: `redeploy` applies it at once. What all may
    read stands in the stack file, as app.environment. No verb ever shows a value.

    \b
    Example: release config list dev
    """


@command.command("set")
@environment_argument
@click.argument("variable", metavar="NAME")
@click.argument("more", nargs=-1, metavar="")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read the value from here.")
@pass_call
def set_(call: Call, name: str, variable: str, more: tuple[str, ...], file: Path | None) -> None:
    """Set the secret NAME of ENVIRONMENT, from stdin or a file.

    Never by an argument: others see those. One line end at the value's end is dropped, all others stay. Nothing that
    runs changes by it, nor a deployment that is at work.

    Refused (3) for a name that the server sets itself, and for a value that no variable can carry.

    \b
    Example: release config set dev MAIL_PASSWORD < password
    """
    _refuse_argument(variable, more)
    value = _without_line_end(_given(variable, file))
    _refuse_bad(variable, value)
    environment, writer = call.at_work(name)
    refuse_both(environment.settings.app.environment, {variable: 0})
    after = environment.configurations.change(
        lambda values: {**values, variable: value}, writer.principal, f"set {variable}"
    )
    _show_changed(call, environment, after, f"{variable} is set in {name}")
    if len(value) < SHORTEST_SECRET:
        call.progress.note(
            f"{variable} is shorter than {SHORTEST_SECRET} characters: what the application says of it stays"
        )


@command.command("unset")
@environment_argument
@click.argument("variable", metavar="NAME")
@pass_call
def unset(call: Call, name: str, variable: str) -> None:
    """Take the secret NAME away from ENVIRONMENT.

    Releases that run keep it until the next deployment, and those that are rolled back to have it again.

    Refused (3) where it is not set.

    \b
    Example: release config unset dev MAIL_PASSWORD
    """
    environment, writer = call.at_work(name)
    if variable not in environment.configurations.newest().names:
        raise Refused(f"{quoted(variable)} is not set in {name}", hint=f"see: release config list {name}")
    after = environment.configurations.change(
        lambda values: {one: value for one, value in values.items() if one != variable},
        writer.principal,
        f"unset {variable}",
    )
    _show_changed(call, environment, after, f"{variable} is not set in {name} any more")


@command.command("list")
@environment_argument
@pass_call
def list_(call: Call, name: str) -> None:
    """Show the names that ENVIRONMENT's application is given.

    With the version in which a secret was set last, and what of it the live release does not have yet.

    \b
    Example: release config list prod
    """
    report = listing(call.opened(name))
    call.show(report, listing_text(report))


@command.command("diff")
@click.argument("one", metavar="ENVIRONMENT", shell_complete=environments)
@click.argument("other", metavar="OTHER", shell_complete=environments)
@pass_call
def diff(call: Call, one: str, other: str) -> None:
    """Show which names ENVIRONMENT has and OTHER has not.

    And which values of app.environment differ. Whether two secrets are the same is not told.

    \b
    Example: release config diff qa prod
    """
    lines = compared(_names_in(call.opened(one)), _names_in(call.opened(other)), one, other)
    call.show(
        {"one": one, "other": other, "differences": lines}, "\n".join(lines) or f"{one} and {other} have the same"
    )


def listing(environment: Environment) -> dict[str, Any]:
    """The names, where each is kept, and what the live release does not have yet."""
    configurations, stated = environment.configurations, environment.settings.app.environment
    newest, live = configurations.newest(), environment.ledger.head().state.live
    wanted = configurations.chosen(stated)
    runs = live.configuration if live else None
    waits = live is not None and runs != (wanted and digest_of(wanted))
    return {
        "environment": environment.name,
        "version": newest.version,
        "changed": {"what": newest.change, "by": newest.by, "at": newest.at},
        "environment_names": sorted(stated),
        "secrets": dict(sorted(newest.names.items())),
        "live": runs,
        "waiting": differences(configurations.read(runs) if runs else None, wanted) if waits else "",
        "looks_secret": list(looks_secret(stated)),
    }


def listing_text(report: dict[str, Any]) -> str:
    """The same as a table, and what to do."""
    name, changed = report["environment"], report["changed"]
    rows = [(one, "the stack file", "") for one in report["environment_names"]]
    rows += [(one, "secret", str(version)) for one, version in report["secrets"].items()]
    last = f"version {report['version']}: {changed['what']} by {changed['by']} at {changed['at']}"
    return "\n".join(
        (
            table(HEADINGS, rows) if rows else f"{name} has no configuration",
            *([last] if report["version"] else []),
            *([f"not live yet: {report['waiting']}; apply it: release redeploy {name}"] if report["waiting"] else []),
            *([secrets_warning(report["looks_secret"], name)] if report["looks_secret"] else []),
        )
    )


def _names_in(environment: Environment) -> dict[str, str | None]:
    """What is set in an environment, with the values that all may read; None for a secret."""
    secrets = environment.configurations.newest().names
    return {**environment.settings.app.environment, **dict.fromkeys(secrets)}


def _refuse_argument(variable: str, more: tuple[str, ...]) -> None:
    """A value that came as an argument is not shown: it may be a secret."""
    if more or "=" in variable:
        raise WrongUsage(
            "a value is no argument, as everybody on this machine sees those", hint="give it by stdin or --file"
        )


def _given(variable: str, file: Path | None) -> str:
    if file is not None:
        with file.open("rb") as opened:
            return opened.read(MOST_READ).decode("utf-8", "surrogateescape")
    if sys.stdin.isatty():
        return str(click.prompt(variable, hide_input=True, err=True))
    return sys.stdin.buffer.read(MOST_READ).decode("utf-8", "surrogateescape")


def _without_line_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _refuse_bad(variable: str, value: str) -> None:
    """Refused with everything that is wrong; the value itself is not shown."""
    about_value = "it is empty; give one, or unset it" if not value else value_fault(value)
    faults = [fault for fault in (name_fault(variable), about_value) if fault]
    if faults:
        raise Refused(f"{quoted(variable)} can not be set: {'; '.join(faults)}", hint="nothing was changed")


def _show_changed(call: Call, environment: Environment, after: Version, said: str) -> None:
    name = environment.name
    report = {"environment": name, "version": after.version, "secrets": dict(sorted(after.names.items()))}
    call.show(report, f"{said} (version {after.version}); it comes with the next deployment: release redeploy {name}")
