"""Faults of servers, for `local-cloud fault`: finds the server that is meant, and has it suffer."""

from collections.abc import Callable

from local.errors import CloudError
from local.faults import Fault
from local.servers.servers import Servers, UnknownServer

KINDS = ("stop", "hang", "refuse", "slow", "fill")
EXCLUSIVE = {"hang", "slow"}  # both hold the processes, each in its own way


class ServerFaults:
    """The injector of these kinds. `resolve` finds the id of the instance with that id or Name tag, or raises."""

    def __init__(self, servers: Servers, resolve: Callable[[str], str]) -> None:
        self._servers = servers
        self._resolve = resolve
        self._targets: dict[str, str] = {}

    def inject(self, fault: Fault) -> None:
        """Raises CloudError when there is no such server, or it does not run, or suffers from what excludes this."""
        instance_id = self._resolve(fault.target)
        server = self._servers.server(instance_id)
        if server.state not in ("pending", "running"):
            raise CloudError(f"{instance_id} is {server.state}: start it before you break it")
        others = EXCLUSIVE - {fault.kind} if fault.kind in EXCLUSIVE else set()
        if others & set(server.troubles.kinds):
            raise CloudError(f"{instance_id} has another fault, {', '.join(others)}: clear that one first")
        server.troubles.begin(fault.kind)
        self._targets[fault.id] = instance_id

    def lift(self, fault: Fault) -> None:
        """A server that is gone meanwhile is no error."""
        try:
            server = self._servers.server(self._targets.pop(fault.id))
        except UnknownServer:
            return
        server.troubles.relieve(fault.kind)
