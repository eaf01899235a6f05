"""How large a server is: what its instance type gives, as its programs see it and are held to."""

from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The size of one instance type, and of the disk that comes with the instance."""

    type: str = "t3.small"
    vcpus: int = 2
    memory_mib: int = 2048
    disk_gib: int = 8

    @property
    def memory_bytes(self) -> int:
        return self.memory_mib * MIB

    @property
    def disk_bytes(self) -> int:
        return self.disk_gib * GIB

    def write_to(self, path: Path) -> None:
        """For the server's own `nproc` and `free`: one line, vCPUs and MiB of memory."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{self.vcpus} {self.memory_mib}\n")
