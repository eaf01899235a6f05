"""What units write, kept by the local cloud as journald does: a program never writes to the disk itself by printing.

So a program goes on printing when the disk is full; only what it says is lost.
"""

import os
import threading
from pathlib import Path

from local.servers.disk import Disk

CHUNK = 65536
PATIENCE = 1.0


class Journal:
    """The file of one unit. Each started process gets a pipe into it. Safe under threads."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self._path = path
        self._disk = disk
        self._carriers: list[threading.Thread] = []

    def write(self, data: bytes) -> None:
        """Append; dropped where the disk is full or, with its server, gone."""
        if self._disk.full or not self._path.parent.is_dir():
            return
        with self._path.open("ab") as file:
            file.write(data)

    def say(self, line: str) -> None:
        self.write(f"{line}\n".encode())

    def pipe(self) -> int:
        """A descriptor to write to, for whoever closes it; what comes through is carried into the file."""
        reading, writing = os.pipe()
        carrier = threading.Thread(target=self._carry, args=(reading,), name=self._path.name, daemon=True)
        self._carriers = [known for known in self._carriers if known.is_alive()] + [carrier]
        carrier.start()
        return writing

    def settle(self) -> None:
        """Return when all is written that processes have written before they ended."""
        for carrier in self._carriers:
            carrier.join(PATIENCE)

    def _carry(self, reading: int) -> None:
        with os.fdopen(reading, "rb", buffering=0) as source:
            while data := source.read(CHUNK):
                self.write(data)
