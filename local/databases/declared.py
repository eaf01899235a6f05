"""What the API says about a database, as far as the real one follows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

GIB = 2**30
MEMORY_GIB = {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16}
MEMORY_OPTIMISED = ("r", "x", "z")


@dataclass(frozen=True, kw_only=True)
class Master:
    """The master user of an instance."""

    user: str
    password: str


@dataclass(frozen=True, kw_only=True)
class Declared:
    """`parameters` are those that people set in the parameter group."""

    arn: str
    storage_gib: int
    instance_class: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def identifier(self) -> str:
        return self.arn.rpartition(":")[2]


def memory_bytes(instance_class: str) -> int:
    """The memory of an instance class such as `db.t4g.small`."""
    _, family, size = (*instance_class.split("."), "", "")[:3]
    times = size.removesuffix("xlarge")
    gib = MEMORY_GIB["xlarge"] * int(times) if times.isdigit() else MEMORY_GIB.get(size, 1)
    return gib * GIB * (2 if family.startswith(MEMORY_OPTIMISED) else 1)
