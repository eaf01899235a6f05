"""The command `local-cloud`: AWS on this machine, as one background process of the project that you stand in.

    eval "$(local-cloud env)"      then plain `pulumi up -s dev` and `release ...` work in that shell

Exit codes: 0 done, 1 broken, 2 usage; `status` answers 1 when the cloud is down or a part of it has crashed; `ssh`
and `psql` end as the program that they run.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from local import background, showing
from local.background import RESUME_LIMIT, START_LIMIT, Standing, State
from local.control import ask
from local.errors import CloudError
from local.fault_cli import fault
from local.options import Options, parse_port, read_options, write_options
from local.paths import Paths, find_project

BROKEN = 1
ANSWER_LIMIT = 10
Verb = TypeVar("Verb", bound=Callable[..., Any])


@click.group(help="Run AWS on this machine: real servers, load balancers and databases behind a local AWS API.")
@click.pass_context
def commands(context: click.Context) -> None:
    """Find the project; every command works on its cloud."""
    context.obj = Paths(project=find_project(os.environ, Path.cwd()))


def main(words: Sequence[str] | None = None) -> None:
    """Run the words of this process, or these: one line for every failure that people can do something about."""
    try:
        commands(words)
    except CloudError as error:
        click.echo(f"local-cloud: {error}", err=True)
        sys.exit(BROKEN)
    except BrokenPipeError:
        sys.exit(BROKEN)


class Port(click.ParamType[tuple[str, int]]):
    """NAME=NUMBER."""

    name = "NAME=NUMBER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Turn it into both."""
        try:
            return parse_port(str(value))
        except CloudError as error:
            self.fail(str(error), param, ctx)


def with_options(verb: Verb) -> Verb:
    """What a cloud is started with."""
    pace = click.option(
        "--pace",
        type=click.FloatRange(min=0, min_open=True),
        help="How much faster than declared health checks, draining and alarms run (default 10; 1: as declared).",
    )
    ports = click.option(
        "--port", "ports", multiple=True, type=Port(), help="Another port for api, ssh, live or preview."
    )
    return pace(ports(verb))


@commands.command()
@with_options
@click.pass_obj
def up(paths: Paths, pace: float | None, ports: tuple[tuple[str, int], ...]) -> None:
    """Start the cloud, unless it is up, and write the workspace. A kept one continues."""
    _up(paths, pace, dict(ports))


@commands.command()
@click.option("--keep", is_flag=True, help="Keep its state: the next `up` continues, like after a power cut.")
@click.pass_obj
def down(paths: Paths, keep: bool) -> None:
    """Stop the cloud with all its processes and forget its state."""
    if not paths.root.is_dir():
        click.echo("the local cloud was not up")
        return
    began = time.monotonic()
    with background.only_one(paths):
        said = _keep(paths, began) if keep else _forget(paths, began)
    click.echo(f"the local cloud {said}")


@commands.command()
@with_options
@click.pass_obj
def reset(paths: Paths, pace: float | None, ports: tuple[tuple[str, int], ...]) -> None:
    """Forget everything, also what was kept, and start an empty cloud."""
    if paths.root.is_dir():
        with background.only_one(paths):
            _forget(paths, time.monotonic())
    _up(paths, pace, dict(ports))


@commands.command()
@click.option("--account", metavar="ID", help="Another AWS account than that of the tracked stack files.")
@click.pass_obj
def env(paths: Paths, account: str | None) -> None:
    """Print shell lines that make a shell work on the cloud: eval "$(local-cloud env)"."""
    from local.access import read_access
    from local.workspace import environment

    wanted = {"account": account} if account else {}
    access = read_access(ask(paths.control, {"do": "access", **wanted}, timeout=ANSWER_LIMIT))
    click.echo(environment(paths, os.environ, access).as_shell(), nl=False)


@commands.command()
@click.argument("switch", metavar="[on|off]", type=click.Choice(["on", "off"]), required=False)
@click.pass_obj
def permissions(paths: Paths, switch: str | None) -> None:
    """Judge AWS calls by the policies of who makes them (on), let everybody do everything (off), or say which."""
    wanted = {"enforced": switch == "on"} if switch else {}
    said = ask(paths.control, {"do": "permissions", **wanted}, timeout=ANSWER_LIMIT)
    click.echo("permissions are enforced" if said["enforced"] else "everybody may do everything")


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
@click.pass_obj
def status(paths: Paths, as_json: bool) -> None:
    """Show the parts and their addresses; exit 1 when the cloud is down or a part of it has crashed."""
    found = background.standing(paths)
    if as_json:
        click.echo(json.dumps(showing.as_json(found), indent=2))
    else:
        _show(found)
    if found.state is not State.UP or showing.problems(found.status):
        sys.exit(BROKEN)


@commands.command()
@click.argument("part", required=False)
@click.option("--unit", help="What this unit of the server has written, in place of the server's boot log.")
@click.option("-f", "--follow", is_flag=True, help="Go on as the log grows, until interrupted.")
@click.pass_obj
def logs(paths: Paths, part: str | None, unit: str | None, follow: bool) -> None:
    """Print a log: the daemon's, or that of PART, a server or a database."""
    with _log(paths, part, unit).open("rb") as log:
        shutil.copyfileobj(log, sys.stdout.buffer)
        while follow:
            sys.stdout.flush()
            time.sleep(0.2)
            shutil.copyfileobj(log, sys.stdout.buffer)


@commands.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("server")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def ssh(paths: Paths, server: str, command: tuple[str, ...]) -> None:
    """Run COMMAND, or a shell, on SERVER (an instance id, Name tag or address) as the user that runs releases."""
    from local.shells import SshDoor, run_ssh

    door = ask(paths.control, {"do": "ssh", "server": server}, timeout=ANSWER_LIMIT)
    user = _settings(paths, door.pop("environment")).servers.user
    sys.exit(run_ssh(paths, SshDoor(user=user, **door), _after_dashes(command), shutil.which("ssh")))


@commands.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("database")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def psql(paths: Paths, database: str, arguments: tuple[str, ...]) -> None:
    """Run psql on DATABASE (an RDS identifier, an address, or an environment) as its master user."""
    from local.shells import PsqlDoor, find_psql, run_psql

    door = PsqlDoor(**ask(paths.control, {"do": "psql", "database": database}, timeout=ANSWER_LIMIT))
    sys.exit(run_psql(door, _after_dashes(arguments), find_psql()))


@commands.command("open")
@click.argument("environment", metavar="[ENV]", required=False)
@click.pass_obj
def open_(paths: Paths, environment: str | None) -> None:
    """Print the live and preview URLs, of ENV or of all; on a terminal with a display, open ENV's live one."""
    balancers = ask(paths.control, {"do": "open"}, timeout=ANSWER_LIMIT)["load_balancers"]
    found = [one for one in balancers if environment in (None, one["environment"])]
    if not found:
        raise CloudError(
            f"there is no load balancer{f' of {environment}' if environment else ''}:"
            f" `pulumi up -s {environment or 'ENV'}` makes one"
        )
    for one in sorted(found, key=lambda one: str(one["environment"])):
        _open(paths, one["environment"], one["urls"], launch=environment is not None)


commands.add_command(fault)


def _up(paths: Paths, pace: float | None, ports: dict[str, int]) -> None:
    from local.workspace import find_engine, write_workspace

    began = time.monotonic()
    engine = find_engine()
    with background.only_one(paths):
        before = background.standing(paths)
        options = _options(paths, before, pace, ports)
        write_workspace(paths, os.environ, engine, options.ports)
        if before.state is State.UP:
            status, how = before.status, "was up already"
        else:
            write_options(paths.options, options)
            status = background.start(paths, limit=RESUME_LIMIT if before.state is State.KEPT else START_LIMIT)
            how = _how(before, time.monotonic() - began)
    _tell_up(Standing(state=State.UP, status=status), how)


def _options(paths: Paths, before: Standing, pace: float | None, ports: dict[str, int]) -> Options:
    """Those that were chosen now; for a kept cloud in place of those that it had. A running one keeps its own."""
    if before.state is not State.UP:
        background.end_leftovers(paths)
    if before.state in (State.DOWN, State.CRASHED):
        background.forget(paths)
    there = read_options(paths.options)
    chosen = there.changed(pace, ports)
    if before.state is State.UP and (other := there.difference(chosen)):
        raise CloudError(f"the cloud is up without {other}: `local-cloud down --keep`, then up again with it")
    return chosen


def _how(before: Standing, seconds: float) -> str:
    if before.state is State.KEPT:
        return f"continued in {seconds:.1f} s with the state kept since {before.since}"
    after = " empty, as the one before had crashed" if before.state is State.CRASHED else ""
    return f"started in {seconds:.1f} s{after}"


def _forget(paths: Paths, began: float) -> str:
    was_up = background.stop(paths)
    ended = background.end_leftovers(paths)
    was_kept = paths.kept.exists()
    background.forget(paths)
    left = f", {ended} leftover processes ended" if ended else ""
    was = f"stopped in {time.monotonic() - began:.1f} s" if was_up else "was not up"
    return f"{was}{', its kept state is forgotten' if was_kept else ''}{left}"


def _keep(paths: Paths, began: float) -> str:
    before = background.standing(paths)
    if before.state is State.KEPT:
        return f"is down already, its state is kept since {before.since}"
    if before.state is not State.UP:
        raise CloudError(f"there is nothing to keep: {showing.sentence(before)}")
    background.stop(paths, keep=True)
    background.end_leftovers(paths)
    if not paths.kept.exists():
        raise CloudError("the cloud ended without its state: `local-cloud logs` shows why")
    return f"stopped in {time.monotonic() - began:.1f} s, its state is kept: `local-cloud up` continues with it"


def _log(paths: Paths, part: str | None, unit: str | None) -> Path:
    if part is None and unit is not None:
        raise click.UsageError("--unit needs the server that it runs on")
    if part is not None:
        return Path(ask(paths.control, {"do": "log", "part": part, "unit": unit}, timeout=ANSWER_LIMIT)["path"])
    if not paths.log.exists():
        raise CloudError("there is no log: `local-cloud up` starts the local cloud and its log")
    return paths.log


def _after_dashes(words: tuple[str, ...]) -> tuple[str, ...]:
    """People may write `--` before words that are meant for another program."""
    return words[1:] if words[:1] == ("--",) else words


def _settings(paths: Paths, environment: str) -> Any:
    from settings.errors import InvalidSettings
    from settings.stackfile import load

    try:
        return load(paths.work, environment)
    except InvalidSettings as error:
        raise CloudError(str(error).splitlines()[0]) from error


def _open(paths: Paths, environment: str, urls: dict[str, str], *, launch: bool) -> None:
    ports = _settings(paths, environment).load_balancer
    for name, port in (("live", ports.live_port), ("preview", ports.preview_port)):
        click.echo(f"{environment:<12} {name:<8} {urls.get(str(port), 'no listener yet')}")
    live = urls.get(str(ports.live_port))
    if launch and live and sys.stdout.isatty() and os.environ.get("DISPLAY", os.environ.get("WAYLAND_DISPLAY")):
        click.launch(live)


def _tell_up(found: Standing, how: str) -> None:
    click.echo(f"the local cloud {how}")
    _show(found)
    click.echo('to work on it:  eval "$(local-cloud env)"')


def _show(found: Standing) -> None:
    if found.state is not State.UP:
        click.echo(showing.sentence(found))
        return
    for line in showing.lines(found.status):
        click.echo(line)
    for problem in showing.problems(found.status):
        click.echo(f"local-cloud: {problem}", err=True)


if __name__ == "__main__":
    main()
