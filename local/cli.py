"""The command `local-cloud`: AWS on this machine, as one background process of the project that you stand in.

    eval "$(local-cloud env)"      then plain `pulumi up -s dev` and `release ...` work in that shell

Exit codes: 0 done, 1 broken, 2 usage; `status` answers 1 when the cloud is down.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from local.control import NotAnswering, NotRunning, ask
from local.errors import CloudError
from local.paths import CODE, Paths, find_project
from local.processes import MARK, end_marked, marked

START_LIMIT = 30.0
STOP_LIMIT = 20.0
BROKEN = 1


@click.group(help="Run AWS on this machine: real servers, load balancers and databases behind a local AWS API.")
@click.pass_context
def commands(context: click.Context) -> None:
    """Find the project; every command works on its cloud."""
    context.obj = Paths(project=find_project(os.environ, Path.cwd()))


def main() -> None:
    """Entry point: one line for every failure that people can do something about."""
    try:
        commands()
    except CloudError as error:
        click.echo(f"local-cloud: {error}", err=True)
        sys.exit(BROKEN)
    except BrokenPipeError:
        sys.exit(BROKEN)


@commands.command()
@click.pass_obj
def up(paths: Paths) -> None:
    """Start the cloud, unless it is up, and write the workspace."""
    from local.workspace import find_engine, write_workspace

    began = time.monotonic()
    engine = find_engine()
    with _only_one(paths):
        already = _status(paths)
        if already is None:
            _remove_leftovers(paths)
        write_workspace(paths, os.environ, engine)
        status = already or _start(paths)
    _tell_up(status, "was up already" if already else f"started in {time.monotonic() - began:.1f} s")


@commands.command()
@click.pass_obj
def down(paths: Paths) -> None:
    """Stop the cloud with all its processes and forget its state."""
    if not paths.root.is_dir():
        click.echo("the local cloud was not up")
        return
    began = time.monotonic()
    with _only_one(paths):
        was_up = _stop(paths)
        ended = _remove_leftovers(paths)
    left = f", {ended} leftover processes ended" if ended else ""
    said = f"stopped in {time.monotonic() - began:.1f} s" if was_up else "was not up"
    click.echo(f"the local cloud {said}{left}")


@commands.command()
@click.pass_obj
def env(paths: Paths) -> None:
    """Print shell lines that make a shell work on the cloud: eval "$(local-cloud env)"."""
    from local.access import AccessKey
    from local.workspace import environment

    access = ask(paths.control, {"do": "access"}, timeout=10)
    key = AccessKey(**access["key"])
    shell = environment(paths, os.environ, url=access["url"], region=access["region"], key=key).as_shell()
    click.echo(shell, nl=False)


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
@click.pass_obj
def status(paths: Paths, as_json: bool) -> None:
    """Show the parts and their addresses; exit 1 when the cloud is down."""
    found = _status(paths)
    if as_json:
        click.echo(json.dumps({"up": found is not None, **(found or {})}, indent=2))
    elif found:
        _show(found)
    else:
        click.echo("the local cloud is down")
    if found is None:
        sys.exit(BROKEN)


@commands.command()
@click.option("-f", "--follow", is_flag=True, help="Go on as the log grows, until interrupted.")
@click.pass_obj
def logs(paths: Paths, follow: bool) -> None:
    """Print the daemon's log."""
    if not paths.log.exists():
        raise CloudError("there is no log: `local-cloud up` starts the local cloud and its log")
    with paths.log.open() as log:
        shutil.copyfileobj(log, sys.stdout)
        while follow:
            time.sleep(0.2)
            shutil.copyfileobj(log, sys.stdout)
            sys.stdout.flush()


def _start(paths: Paths) -> dict[str, Any]:
    """Start the daemon and return its status. Raises `CloudError` with its last words if it ends."""
    with paths.log.open("wb") as output:
        daemon = _spawn(paths, output)
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if found := _status(paths):
            return found
        if _has_ended(daemon):
            raise CloudError(_last_words(paths))
    daemon.kill()
    raise CloudError(f"the daemon was not ready after {START_LIMIT:.0f} s: `local-cloud logs` shows how far it came")


def _spawn(paths: Paths, output: IO[bytes]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "local.daemon", str(paths.project)]
    without_aws = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(
        command,
        cwd=CODE,
        env={**without_aws, MARK: str(paths.root)},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def _has_ended(daemon: "subprocess.Popen[bytes]") -> bool:
    try:
        daemon.wait(0.05)
    except subprocess.TimeoutExpired:
        return False
    return True


def _last_words(paths: Paths) -> str:
    lines = paths.log.read_text().strip().splitlines()
    return f"the daemon did not start: {lines[-1] if lines else 'it said nothing'}"


def _stop(paths: Paths) -> bool:
    """Ask the daemon to stop and wait until its process is gone; whether there was one."""
    try:
        ask(paths.control, {"do": "stop"}, timeout=10)
    except NotRunning:
        return False
    except NotAnswering:
        return True  # it is ended by force with everything else
    deadline = time.monotonic() + STOP_LIMIT
    while marked(paths.root) and time.monotonic() < deadline:
        time.sleep(0.02)
    return True


def _remove_leftovers(paths: Paths) -> int:
    """End what a killed daemon left, remove everything but caches and the log; how many processes were ended."""
    ended = end_marked(paths.root)
    for path in paths.runtime:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return ended


def _status(paths: Paths) -> dict[str, Any] | None:
    try:
        return ask(paths.control, {"do": "status"}, timeout=10)
    except NotRunning:
        return None


@contextmanager
def _only_one(paths: Paths) -> Iterator[None]:
    """Two `up` or `down` at once would start two daemons or remove what one is writing."""
    paths.root.mkdir(exist_ok=True)
    with paths.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _tell_up(status: dict[str, Any], how: str) -> None:
    click.echo(f"the local cloud {how}")
    _show(status)
    click.echo('to work on it:  eval "$(local-cloud env)"')


def _show(status: dict[str, Any]) -> None:
    click.echo(f"  {'AWS API':<15} {status['url']}")
    for balancer in status["load_balancers"]:
        ports = ", ".join(str(port) for port in balancer["ports"]) or "no port yet"
        click.echo(f"  {'load balancer':<15} {balancer['address']:<15} {balancer['name']}: {ports}")
    for database in status["databases"]:
        state = "running" if database["running"] else "stopped"
        click.echo(f"  {'database':<15} {database['address']:<15} port {database['port']}, {state}")
    for server in status["servers"]:
        click.echo(f"  {'server':<15} {server['address']:<15} {server.get('id', '')} {server.get('state', '')}")


if __name__ == "__main__":
    main()
