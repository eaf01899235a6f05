"""The background process: everything that is the cloud, started from top to bottom, closed from bottom to top.

`local-cloud up` starts it as `python -m local.daemon PROJECT` in a session of its own. It answers on the control
socket when everything is there; until then, and if it cannot start, its log's last line says why.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread
from typing import Any

from local import aws_api, hooks
from local.access import AccessKey
from local.addresses import AWS_PORT, find_addresses
from local.aws_api import AwsApi
from local.balancer import Balancers
from local.control import Connection, ControlServer, Handler
from local.databases import Databases
from local.errors import CloudError
from local.hooks.instances import instance_address
from local.hooks.parts import Parts
from local.paths import Paths
from local.postgres import find_programs
from local.processes import adopt_orphans, descendants, end
from local.providers import Providers, make_aws, make_command
from local.servers import Servers, aws_handler, systemctl_handler

log = logging.getLogger("local.daemon")


def main() -> None:
    """Run the cloud of the project in argv until it is asked to stop."""
    paths = Paths(project=Path(sys.argv[1]))
    _log_to_stderr()
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        with ExitStack() as running:
            start(paths, running, stopping)
            log.info("the local cloud is up")
            stopping.wait()
    except CloudError as error:
        log.error("%s", error)
        sys.exit(1)
    log.info("the local cloud is down")


def start(paths: Paths, running: ExitStack, stopping: Event) -> None:
    """Start every part; `running` closes them in reverse order. Raises `CloudError`."""
    addresses = find_addresses(paths.project)
    adopt_orphans()
    running.callback(lambda: end(descendants(os.getpid())))  # whatever the parts leave behind when they are closed

    api = AwsApi(addresses.api, AWS_PORT)
    servers = Servers(paths.servers, paths.control, str(Path(sys.executable).resolve()))
    running.callback(servers.close)
    balancers = Balancers(instance_address)
    balancers.start()
    running.callback(balancers.close)
    databases = Databases(paths.databases, paths.cache, addresses.databases(), find_programs())
    running.callback(databases.close)

    running.enter_context(
        hooks.install(
            Parts(
                servers=servers,
                server_addresses=addresses.servers(),
                balancers=balancers,
                balancer_addresses=addresses.balancers(),
                databases=databases,
            )
        )
    )
    key = aws_api.create_user()
    os.environ.update(AWS_ACCESS_KEY_ID=key.id, AWS_SECRET_ACCESS_KEY=key.secret)  # for roles that servers assume
    api.start()
    running.callback(api.close)
    databases.prepare()

    def status(request: dict[str, Any], connection: Connection) -> dict[str, Any]:
        parts = {"servers": servers.status, "load_balancers": balancers.status, "databases": databases.status}
        shown = {name: ask() for name, ask in parts.items()}
        return {"url": api.url, "pid": os.getpid(), "block": addresses.block, **shown}

    answering = {"status": status, "access": _access(api, key), "stop": _stop(stopping)}
    control = ControlServer(paths.control, {**answering, **_tools(servers, api)})
    running.callback(control.close)
    control.start()
    Thread(target=_warm_up, name="warm-up", daemon=True).start()


def _tools(servers: Servers, api: AwsApi) -> dict[str, Handler]:
    """What plugin launchers and the servers' own commands ask for."""
    return {
        "provider": Providers({"aws": make_aws, "command": make_command}).handle,
        "aws": aws_handler(servers, endpoint=api.url),
        "systemctl": systemctl_handler(servers),
    }


def _access(api: AwsApi, key: AccessKey) -> Handler:
    return lambda request, connection: {"url": api.url, "region": aws_api.REGION, "key": asdict(key)}


def _stop(stopping: Event) -> Handler:
    def stop(request: dict[str, Any], connection: Connection) -> dict[str, Any]:
        stopping.set()
        return {"pid": os.getpid()}

    return stop


def _warm_up() -> None:
    """Import what the first `pulumi up` needs, while nobody waits for it."""
    loaders: tuple[Callable[[], object], ...] = (lambda: make_aws({"env": {}}), lambda: make_command({"cwd": "."}))
    for load in loaders:
        load()


def _log_to_stderr() -> None:
    """Dated lines, in UTC; stderr is the log file."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(level=logging.INFO, format="%(asctime)sZ %(name)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")
    for chatty in ("botocore", "asyncssh", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


if __name__ == "__main__":
    main()
