"""The real things that stand behind moto's models, as the hooks are given them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from local.addresses import AddressPool
from local.balancers import Balancers
from local.certificates import Certificates
from local.databases import Databases
from local.servers.machine import Machine

Function = Callable[..., Any]


class ServerHosts(Protocol):
    """What is used of `local.servers.Servers`."""

    def boot(self, instance_id: str, address: str, user_data: str, role: str | None, machine: Machine) -> None: ...
    def resume(self, instance_id: str, address: str, role: str | None, running: bool, machine: Machine) -> None: ...
    def start(self, instance_id: str, machine: Machine) -> None: ...
    def reboot(self, instance_id: str) -> None: ...
    def stop(self, instance_id: str) -> None: ...
    def terminate(self, instance_id: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The real things behind moto."""

    servers: ServerHosts
    server_addresses: AddressPool
    balancers: Balancers
    balancer_addresses: AddressPool
    certificates: Certificates
    databases: Databases
