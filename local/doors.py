"""What `local-cloud ssh`, `psql`, `open` and `logs` ask the daemon: where the door of a thing is, and its key.

Only who may use the control socket gets an answer, and that is who started the cloud.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local import inventory, models
from local.control import Connection, Handler
from local.errors import CloudError
from local.inventory import Owner, Server
from local.paths import Paths
from local.servers.layout import Layout
from settings.names import Names


def door_handlers(paths: Paths, *, ssh_port: int) -> dict[str, Handler]:
    """Answers to `ssh`, `psql`, `open` and `log`."""
    return {
        "ssh": _handler(lambda request: ssh_door(str(request["server"]), ssh_port)),
        "psql": _handler(lambda request: psql_door(str(request["database"]))),
        "open": _handler(lambda request: {"load_balancers": urls()}),
        "log": _handler(lambda request: {"path": str(log_of(paths, str(request["part"]), request.get("unit")))}),
    }


def ssh_door(word: str, port: int) -> dict[str, Any]:
    """Where a server listens, the key that opens it, and the key by which it is known."""
    server = inventory.find("server", word, inventory.servers())
    names = _names(server.owner, server.id)
    return {
        "address": server.address,
        "port": port,
        "environment": server.owner.environment,
        "private": _secret(server.owner, names.deploy_key)["private"],
        "host_key": _secret(server.owner, _host_key(server, names))["public"],
    }


def psql_door(word: str) -> dict[str, Any]:
    """Where a database listens, and its master user."""
    database = inventory.find("database", word, inventory.databases())
    return {
        "address": database.address,
        "port": database.port,
        "name": database.name,
        "user": database.user,
        "password": database.password,
    }


def urls() -> list[dict[str, Any]]:
    """The URL of every port of every load balancer that has an environment."""
    return [
        {
            "environment": one.owner.environment,
            "urls": {str(port): f"{scheme}://{one.address}:{port}/" for port, scheme in one.listeners.items()},
        }
        for one in inventory.load_balancers()
        if one.owner.environment
    ]


def log_of(paths: Paths, word: str, unit: str | None) -> Path:
    """The file with what a server said at boot, one of its units since, or a database."""
    if unit is None and any(word in database.words for database in inventory.databases()):
        return _database_log(paths, inventory.find("database", word, inventory.databases()).address)
    server = inventory.find("server or database" if unit is None else "server", word, inventory.servers())
    layout = Layout(root=paths.servers / server.id, address=server.address)
    return _boot_log(layout, server.id) if unit is None else _unit_log(layout, unit)


def _boot_log(layout: Layout, server: str) -> Path:
    if not layout.boot_log.exists():
        raise CloudError(f"{server} has no boot log: it had no user data to run")
    return layout.boot_log


def _unit_log(layout: Layout, unit: str) -> Path:
    there = sorted(path.name for path in layout.journal.iterdir())
    for name in (unit, f"{unit}.service"):
        if name in there:
            return layout.journal / name
    raise CloudError(f"no unit {unit!r} has said anything there: there are {', '.join(there) or 'none'}")


def _database_log(paths: Paths, address: str) -> Path:
    found = [*paths.databases.glob(f"db-{address}.log"), *paths.databases.glob(f"db-{address}-*.log")]
    if not found:
        raise CloudError(f"the database at {address} has no log: it was never started")
    return max(found, key=lambda path: path.stat().st_mtime)


def _names(owner: Owner, server: str) -> Names:
    if not owner.environment:
        raise CloudError(f"{server} belongs to no environment (its tags say so), so there is no deploy key for it")
    return Names(project=owner.project, environment=owner.environment, account=owner.account, region=owner.region)


def _host_key(server: Server, names: Names) -> str:
    """The bastion has one of its own; it is known by the name that the environment gives it."""
    is_bastion = server.name == f"{names.project}-{names.environment}-bastion"
    return names.bastion_host_key if is_bastion else names.host_key


def _secret(owner: Owner, name: str) -> Mapping[str, Any]:
    for backend in models.backends("secretsmanager"):
        if (backend.account_id, backend.region_name) == (owner.account, owner.region) and name in backend.secrets:
            found: Mapping[str, Any] = json.loads(backend.get_secret_value(name, None, None)["SecretString"])
            return found
    raise CloudError(f"there is no secret {name}: `release init {owner.environment}` makes it")


def _handler(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Handler:
    def handle(request: dict[str, Any], connection: Connection) -> dict[str, Any]:
        return answer(request)

    return handle
