"""The background process: everything that is the cloud, started from top to bottom, closed from bottom to top.

`local-cloud up` starts it as `python -m local.daemon PROJECT` in a session of its own. It answers on the control
socket when everything is there; until then, and if it cannot start, its log's last line says why.
"""

import gc

gc.disable()  # Until everything is there: nearly all that is imported and made stays.

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from local import aws_api, hooks, inventory, models
from local.addresses import Addresses, find_addresses, same_addresses
from local.answers import Looks, Stopping, access_handler, status_handler, stop_handler
from local.aws_api import AwsApi
from local.balancers import Balancers
from local.certificates import Certificates
from local.control import ControlServer, Handler
from local.databases import BreakDatabase, Databases
from local.doors import door_handlers
from local.errors import CloudError
from local.faults import Faults, fault_handler
from local.gate.calls import calls_handler
from local.gate.permissions import permissions_handler
from local.hooks.database_states import STATES, DatabaseStates
from local.hooks.load_balancers import DOORS
from local.hooks.parts import Parts
from local.hooks.resuming import resume
from local.interpreter.keeper import Keeper
from local.keeping import Kept, read_kept, read_models, write_kept
from local.options import Options, read_options
from local.paths import Paths
from local.postgres import INSTALLED, find_programs
from local.processes import adopt_orphans, descendants, end
from local.providers import Providers, make_aws, make_command
from local.servers import Servers, aws_handler, systemctl_handler
from local.servers.faults import KINDS as SERVER_FAULTS
from local.servers.faults import ServerFaults
from local.watching import Watching, balancer_metrics, database_metrics, server_metrics

log = logging.getLogger("local.daemon")

MADE_BY = {**models.made_by(), "PostgreSQL": INSTALLED}


def main() -> None:
    """Run the cloud of the project in argv until it is asked to stop."""
    paths = Paths(project=Path(sys.argv[1]))
    _log_to_stderr()
    stopping = Stopping()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.wanted.set())
    try:
        with ExitStack() as running:
            start(paths, running, stopping)
            _collect_garbage()
            log.info("the local cloud is up")
            stopping.wanted.wait()
    except CloudError as error:
        log.error("%s", error)
        sys.exit(1)
    log.info("the local cloud is down")


def _collect_garbage() -> None:
    """From here on, of what is made from here on: looking through all of moto took a tenth of the time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


def start(paths: Paths, running: ExitStack, stopping: Stopping) -> None:
    """Start every part; `running` closes them in reverse order. Raises `CloudError`."""
    options, kept = read_options(paths.options), read_kept(paths.kept)
    addresses = _addresses(paths, options, kept)
    if kept:
        models.load(read_models(paths.kept, kept, MADE_BY))
    running.callback(lambda: _keep(paths, addresses) if stopping.keep else None)  # last: parts write when they end
    adopt_orphans()
    running.callback(lambda: end(descendants(os.getpid())))  # whatever the parts leave behind when they are closed

    api = AwsApi(addresses.api, addresses.ports.api)
    servers, balancers, databases = _behind_the_api(paths, addresses, options, running)
    parts = Parts(
        servers=servers,
        server_addresses=addresses.servers(),
        balancers=balancers,
        balancer_addresses=addresses.balancers(),
        certificates=Certificates(paths.certificates),
        databases=databases,
    )
    running.enter_context(hooks.install(parts))
    key = aws_api.create_user()
    os.environ.update(AWS_ACCESS_KEY_ID=key.id, AWS_SECRET_ACCESS_KEY=key.secret)  # for roles that servers assume
    api.start()
    running.callback(api.close)
    databases.prepare()
    watching = _watching(servers, balancers, databases, options)
    running.callback(watching.close)

    states = DatabaseStates()
    running.callback(states.close)
    faults = _faults(api, servers, databases, states)
    about = {"url": api.url, "block": addresses.block, "pace": options.pace.factor}
    answering = {
        "stop": stop_handler(stopping),
        "access": access_handler(api.url, parts.certificates),
        "status": status_handler(about, _looks(api, servers, balancers, databases, watching, faults)),
        "fault": fault_handler(faults),
        "calls": calls_handler(api.counts),
        "permissions": permissions_handler(api.permissions),
        **door_handlers(paths, ssh_port=addresses.ports.ssh),
        **_tools(servers, api),
        "interpreter": Keeper(paths.root).handle,
    }
    control = ControlServer(paths.control, answering)
    running.callback(control.close)
    if kept:
        _resume(parts)
        paths.kept.unlink()  # from now on it would be an old state
    watching.start()
    control.start()
    Thread(target=_warm_up, name="warm-up", daemon=True).start()


def _behind_the_api(
    paths: Paths, addresses: Addresses, options: Options, running: ExitStack
) -> tuple[Servers, Balancers, Databases]:
    """The real things that AWS's answers speak of."""
    servers = Servers(paths.servers, paths.control, str(Path(sys.executable).resolve()), ssh_port=addresses.ports.ssh)
    running.callback(servers.close)
    balancers = Balancers(DOORS, options.pace)
    balancers.start()
    running.callback(balancers.close)
    databases = Databases(paths.databases, paths.cache, addresses.databases(), find_programs())
    running.callback(databases.close)
    return servers, balancers, databases


def _looks(
    api: AwsApi, servers: Servers, balancers: Balancers, databases: Databases, watching: Watching, faults: Faults
) -> Looks:
    """How the parts are, and what is broken on purpose."""
    return Looks(
        services=lambda: [*api.status(), *watching.status()],
        load_balancers=balancers.status,
        databases=databases.status,
        servers=servers.status,
        faults=lambda: [asdict(fault) for fault in faults.list()],
    )


def _watching(servers: Servers, balancers: Balancers, databases: Databases, options: Options) -> Watching:
    sources = (
        lambda now: server_metrics(servers.metrics(), servers.status(), now),
        lambda now: balancer_metrics(balancers.metrics(), now),
        lambda now: database_metrics(databases.metrics(), now),
    )
    return Watching(sources, options.pace)


def _faults(api: AwsApi, servers: Servers, databases: Databases, states: DatabaseStates) -> Faults:
    """Every kind of fault, with what makes and mends it."""
    faults = Faults(
        {
            **dict.fromkeys(("delay", "drop", "throttle", "lose"), api.call_faults),
            **dict.fromkeys(SERVER_FAULTS, ServerFaults(servers, _server_id)),
            "clock": api.clock,
            "break": BreakDatabase(databases),
            **dict.fromkeys(STATES, states),
        }
    )
    api.call_faults.tell(faults.spent)
    return faults


def _tools(servers: Servers, api: AwsApi) -> dict[str, Handler]:
    """What plugin launchers and the servers' own commands ask for."""
    return {
        "provider": Providers({"aws": make_aws, "command": make_command}).handle,
        "aws": aws_handler(servers, endpoint=api.url),
        "systemctl": systemctl_handler(servers),
    }


def _resume(parts: Parts) -> None:
    try:
        resume(parts)
    except (AttributeError, KeyError, TypeError) as error:
        raise CloudError(
            f"the kept state is not of this version of the code ({type(error).__name__}: {error}): go back to that"
            " version, or forget the state by `local-cloud reset`"
        ) from error


def _addresses(paths: Paths, options: Options, kept: Kept | None) -> Addresses:
    if kept:
        return same_addresses(kept.block, ports=options.ports)
    return find_addresses(paths.project, ports=options.ports)


def _keep(paths: Paths, addresses: Addresses) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    write_kept(paths.kept, models.dump(), since=since, block=addresses.block, made_by=MADE_BY)


def _server_id(word: str) -> str:
    return inventory.find("server", word, inventory.servers()).id


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
