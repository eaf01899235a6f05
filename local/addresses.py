"""Loopback addresses: each clone has a block 127.N.x.y of its own, so several clouds run side by side.

127.N.0.1 is the AWS API, 127.N.1.k are load balancers, 127.N.2.k databases, 127.N.3.k servers. All use the same
ports; only the address differs, as in a real network.
"""

import errno
import hashlib
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from local.errors import CloudError

AWS_PORT = 4566
SSH_PORT = 2222
LIVE_PORT = 8080
PREVIEW_PORT = 8090
DATABASE_PORT = 5432
SLOT_PORTS = (8081, 8082)

BLOCKS = 254
TRIED_BLOCKS = 16
HOSTS = 254

Bindable = Callable[[str, int], bool]


class AddressPool:
    """Addresses `prefix`.1 to .254. One that was given back is used again last, so old ones do not answer soon."""

    def __init__(self, prefix: str) -> None:
        self._free = deque(f"{prefix}.{host}" for host in range(1, HOSTS + 1))
        self._prefix = prefix
        self._lock = Lock()

    def take(self) -> str:
        with self._lock:
            if not self._free:
                raise CloudError(f"all {HOSTS} addresses {self._prefix}.x are in use: delete what is not needed")
            return self._free.popleft()

    def claim(self, address: str) -> None:
        """Take this very address: something that was kept has it. Raises `CloudError` when it is not free."""
        with self._lock:
            if address not in self._free:
                raise CloudError(f"the address {address} is not free: `local-cloud reset` starts an empty cloud")
            self._free.remove(address)

    def give_back(self, address: str) -> None:
        with self._lock:
            self._free.append(address)


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where the cloud listens, on each kind of address. The defaults need no privileges."""

    api: int = AWS_PORT
    ssh: int = SSH_PORT
    live: int = LIVE_PORT
    preview: int = PREVIEW_PORT


DEFAULT_PORTS = Ports()


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The addresses of one cloud."""

    block: int
    ports: Ports = DEFAULT_PORTS

    @property
    def api(self) -> str:
        return f"127.{self.block}.0.1"

    def balancers(self) -> AddressPool:
        return AddressPool(f"127.{self.block}.1")

    def databases(self) -> AddressPool:
        return AddressPool(f"127.{self.block}.2")

    def servers(self) -> AddressPool:
        return AddressPool(f"127.{self.block}.3")

    def used(self) -> Iterator[tuple[str, int]]:
        """Every kind of address with every port that something will listen on there."""
        yield self.api, self.ports.api
        yield from ((f"127.{self.block}.1.1", port) for port in (self.ports.live, self.ports.preview))
        yield f"127.{self.block}.2.1", DATABASE_PORT
        yield from ((f"127.{self.block}.3.1", port) for port in (self.ports.ssh, *SLOT_PORTS))


def bindable(address: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
                return False
            raise
    return True


def find_addresses(project: Path, can_bind: Bindable = bindable, ports: Ports = DEFAULT_PORTS) -> Addresses:
    """The first free block, counted from a hash of the clone's path, so that a clone usually keeps its own.

    Raises `CloudError` naming the port when a program occupies it on all addresses.
    """
    blocked: tuple[str, int] | None = None
    for block in _candidates(project):
        addresses = Addresses(block=block, ports=ports)
        blocked = _first_blocked(addresses.used(), can_bind)
        if blocked is None:
            return addresses
    address, port = blocked or ("127.1.0.1", ports.api)
    raise CloudError(
        f"port {port} is taken on {address} and {TRIED_BLOCKS - 1} other loopback addresses: another program"
        f" listens on it for all addresses, or it is root's; stop that program, or choose another port"
        f" by `local-cloud up --port`"
    )


def same_addresses(block: int, can_bind: Bindable = bindable, ports: Ports = DEFAULT_PORTS) -> Addresses:
    """The block that a kept cloud had: its addresses stand in all that it holds. Raises `CloudError`."""
    addresses = Addresses(block=block, ports=ports)
    if blocked := _first_blocked(addresses.used(), can_bind):
        raise CloudError(
            f"port {blocked[1]} is taken on {blocked[0]}, an address of the kept cloud: stop the program that"
            " listens there, or start an empty cloud elsewhere by `local-cloud reset`"
        )
    return addresses


def _candidates(project: Path) -> Iterator[int]:
    start = int.from_bytes(hashlib.sha256(str(project).encode()).digest()[:4])
    return ((start + step) % BLOCKS + 1 for step in range(TRIED_BLOCKS))


def _first_blocked(places: Iterable[tuple[str, int]], can_bind: Bindable) -> tuple[str, int] | None:
    return next(((address, port) for address, port in places if not can_bind(address, port)), None)
