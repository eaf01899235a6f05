"""Looks at what all servers use, again and again, and has each hold its processes to its memory."""

import threading
import time
from collections.abc import Callable

from local.servers.server import Server
from local.servers.usage import read_uses

INTERVAL = 1.0


class Monitor:
    """`look` once by calling it, or every second between `start` and `close`."""

    def __init__(self, servers: Callable[[], list[Server]]) -> None:
        self._servers = servers
        self._closing = threading.Event()
        self._looking = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def look(self) -> float:
        """The moment of the look, by the monotonic clock."""
        with self._looking:
            servers = self._servers()
            uses = read_uses(server.layout.root for server in servers) if servers else {}
            now = time.monotonic()
            for server in servers:
                server.look(uses[server.layout.root], now)
            return now

    def _run(self) -> None:
        while not self._closing.wait(INTERVAL):
            self.look()
