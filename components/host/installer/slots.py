"""A slot: where its parts lie and what it holds. And what the server was told about itself when it booted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from components.host.installer.errors import Failure, Refused
from components.host.installer.order import Content, parse_content
from contract import layout
from contract.artifacts import ARTIFACTS
from contract.slots import SlotName
from contract.unit import unit_name


@dataclass(frozen=True)
class Slot:
    """The paths and the unit of one slot."""

    name: SlotName

    @property
    def folder(self) -> Path:
        return Path.home() / layout.SLOTS / self.name

    @property
    def lock(self) -> Path:
        return self.beside("lock")

    @property
    def label(self) -> Path:
        return self.folder / layout.LABEL

    @property
    def migrate_log(self) -> Path:
        return self._log(f"{self.name}-migrate.log")

    @property
    def migration(self) -> Path:
        """Which deployment's migration began last. Beside the slots, because putting a slot back must not forget it."""
        return self._log(f"{self.name}-migration.json")

    @property
    def seed_log(self) -> Path:
        return self._log(f"{self.name}-seed.log")

    @property
    def seeded(self) -> Path:
        """The word by which example data were asked for last. Beside the slots, for the same reason."""
        return self._log(f"{self.name}-seeded")

    @property
    def unit(self) -> str:
        return unit_name(self.name)

    def beside(self, what: str) -> Path:
        return Path.home() / layout.SLOTS / f".{self.name}.{what}"

    def _log(self, name: str) -> Path:
        return Path.home() / layout.LOGS / name


def read_content(slot: Slot) -> Content | None:
    """What the slot holds, None when it is empty."""
    try:
        return parse_content(slot.label.read_text("utf-8"))
    except (FileNotFoundError, Refused):
        return None


@dataclass(frozen=True)
class Server:
    """What boot.py wrote down about this server. Who booted before there was a `migration_parameter` has "" for it.

    Without a database both parameters are "".
    """

    region: str
    artifact_bucket: str
    artifact_folder: str
    database_parameter: str
    address: str
    migration_parameter: str


def read_server() -> Server:
    path = Path.home() / layout.SERVER
    try:
        values = json.loads(path.read_text("utf-8"))
        needed = {name: str(values[name]) for name in ("region", "artifact_bucket", "database_parameter", "address")}
        return Server(
            **needed,
            artifact_folder=str(values.get("artifact_folder", ARTIFACTS)),
            migration_parameter=str(values.get("migration_parameter", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise Failure(f"cannot use {path}: boot.py did not finish; look at the server's boot log") from None
