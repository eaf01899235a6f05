"""The systemd unit of a slot."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from components.host.installer.errors import Failure
from components.host.installer.files import write_durably
from components.host.installer.programs import execute
from components.host.installer.slots import Slot
from components.host.installer.told import last_line
from contract.unit import unit_file, unit_text

SYSTEMCTL_LIMIT = 120.0  # seconds


def install_unit(slot: Slot) -> None:
    path, text = Path.home() / unit_file(slot.name), unit_text(slot.name)
    if not path.exists() or path.read_text("utf-8") != text:
        write_durably(path, text)
    systemctl("daemon-reload")
    systemctl("enable", slot.unit)


def systemctl(*arguments: str) -> None:
    done = execute(["systemctl", "--user", *arguments], SYSTEMCTL_LIMIT)
    if done.returncode != 0:
        raise Failure(f"systemctl --user {' '.join(arguments)} failed: {last_line(done.stderr)}")


@dataclass(frozen=True)
class UnitState:
    """`active`: active, inactive, failed, or activating (it died and waits to be restarted). No process: pid 0."""

    active: str
    pid: int
    restarts: int


def unit_state(slot: Slot) -> UnitState:
    command = ["systemctl", "--user", "show", slot.unit, "--property=ActiveState,MainPID,NRestarts"]
    shown = dict(line.partition("=")[::2] for line in execute(command, SYSTEMCTL_LIMIT).stdout.splitlines())
    try:
        return UnitState(shown["ActiveState"], int(shown["MainPID"]), int(shown["NRestarts"]))
    except (KeyError, ValueError):
        raise Failure(f"systemctl --user does not tell the state of {slot.unit}: try it on the server") from None


def require_free_port(address: str, port: int) -> None:
    """With the slot stopped nobody may listen there: whoever did would be taken for the release, or stop it."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((address, port))
        except OSError as error:
            raise Failure(f"port {port} is not free ({error.strerror}): ss -ltnp shows who holds it") from None
