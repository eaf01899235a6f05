"""What a server says of itself: its slots, what its files are, who may log in. Nothing on it is changed on purpose."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from release.comparison.drift import INSTALLER, SLOTS, UNITS
from release.errors import Inconclusive
from release.ledger.head import SlotName
from release.servers.ssh import Ssh

STATUS = f"python3 {INSTALLER} status"  # puts back, like each of its verbs, what a killed install left
DIGESTS = f"sha256sum -- {INSTALLER} {' '.join(UNITS.values())}"  # of missing files it complains and goes on
KEYS = "cat .ssh/authorized_keys"


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """A server's answers. `status` is what its installer says, `digests` the sha256 of each file that is there."""

    status: Mapping[str, Any]
    digests: Mapping[str, str]
    authorized_keys: str


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A slot's unit in systemd's words: `active` is its state; `restarts`, how often it died and was started again."""

    active: str
    restarts: int


def unit(ssh: Ssh, address: str, slot: SlotName) -> Unit:
    """How a slot's unit is. Raises NotReached, and Inconclusive when the server's installer cannot tell."""
    status = _status(ssh.run(address, STATUS).out, address)[slot]
    return Unit(active=status["unit"], restarts=int(status["restarts"]))


def inspect(ssh: Ssh, address: str) -> Inspection:
    """Ask a server. Raises NotReached, and Inconclusive when its installer cannot tell."""
    digests = _digests(ssh.run(address, DIGESTS).out)
    return Inspection(
        status=_status(ssh.run(address, STATUS).out, address) if INSTALLER in digests else {},
        digests=digests,
        authorized_keys=ssh.run(address, KEYS).out,
    )


def _status(text: str, address: str) -> dict[str, Any]:
    try:
        status = dict(json.loads(text))
    except (ValueError, TypeError):
        status = {"why": "its installer did not answer"}
    if any(name not in status for name in SLOTS):
        raise Inconclusive(f"{address} cannot tell what its slots hold: {status.get('why', 'unknown')}")
    if busy := [name for name in SLOTS if status[name]["busy"]]:
        raise Inconclusive(f"{address} is installing into {' and '.join(busy)} now", hint="ask again when it is done")
    return status


def _digests(text: str) -> dict[str, str]:
    lines = (line.split(maxsplit=1) for line in text.splitlines())
    return {words[1]: words[0] for words in lines if len(words) == 2}
