"""What the daemon says of itself over the control socket: how its parts are, who one is on AWS, and that it ends."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from threading import Event
from typing import Any

from local import aws_api, inventory, models
from local.access import Access
from local.certificates import Certificates
from local.control import Connection, Handler

Part = dict[str, Any]


class Stopping:
    """Whether the cloud shall end, and whether its state shall then be kept."""

    def __init__(self) -> None:
        self.wanted = Event()
        self.keep = False


@dataclass(frozen=True, kw_only=True)
class Looks:
    """How each kind of part is looked at."""

    services: Callable[[], list[Part]]
    load_balancers: Callable[[], list[Part]]
    databases: Callable[[], list[Part]]
    servers: Callable[[], list[Part]]
    faults: Callable[[], list[Part]]


def status_handler(about: Mapping[str, Any], looks: Looks) -> Handler:
    """How every part is, by the names that people gave; `about` is what does not change."""

    def status(request: dict[str, Any], connection: Connection) -> dict[str, Any]:
        return {
            **about,
            "pid": os.getpid(),
            "services": looks.services(),
            "load_balancers": labelled(looks.load_balancers(), _environments(inventory.load_balancers())),
            "databases": labelled(looks.databases(), _environments(inventory.databases())),
            "servers": labelled(looks.servers(), _server_labels()),
            "faults": looks.faults(),
        }

    return status


def labelled(parts: list[Part], labels: Mapping[str, Mapping[str, str]]) -> list[Part]:
    """The parts with what is known of them by their address."""
    return [{**part, **labels.get(str(part["address"]), {})} for part in parts]


def access_handler(url: str, certificates: Certificates) -> Handler:
    """Where the API is, and a key of the user `ops` of the account that is asked for."""

    def access(request: dict[str, Any], connection: Connection) -> dict[str, Any]:
        key = aws_api.create_user(request.get("account") or aws_api.ACCOUNT)
        return asdict(Access(url=url, region=aws_api.REGION, key=key, ca_bundle=str(certificates.ca_bundle)))

    return access


def stop_handler(stopping: Stopping) -> Handler:
    """End the cloud. Raises `CloudError`, and it goes on, when its state shall be kept and cannot be."""

    def stop(request: dict[str, Any], connection: Connection) -> dict[str, Any]:
        if request.get("keep"):
            models.dump()
        stopping.keep = bool(request.get("keep"))
        stopping.wanted.set()
        return {"pid": os.getpid()}

    return stop


def _environments(things: list[inventory.LoadBalancer] | list[inventory.Database]) -> dict[str, dict[str, str]]:
    return {thing.address: {"environment": thing.owner.environment} for thing in things}


def _server_labels() -> dict[str, dict[str, str]]:
    return {
        server.address: {"name": server.name, "environment": server.owner.environment} for server in inventory.servers()
    }
