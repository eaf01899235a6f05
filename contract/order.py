"""What a server's installer is told, and the command that tells it: the program's Commands and `release` say the same.

Both send an order for the same slot: `release` first, which lets users have it sooner, then the program, by which
Pulumi's state gets to know of it. Only where the two texts are equal is the second one an order that was carried out.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from contract.commands import Commands
from contract.layout import INSTALLER
from contract.slots import SLOT_PORTS, SlotName

CONTENT_KEYS = ("slot", "port", "release", "digest", "commands", "configuration", "deployment")
"""What says what a slot shall hold; a server keeps these, and no others, to say what it holds."""

ORDER_KEYS = (*CONTENT_KEYS, "reuse")


def order(
    slot: SlotName,
    *,
    release: str | None,
    digest: str | None,
    commands: Commands,
    configuration: str | None,
    deployment: str,
    reuse: bool,
) -> str:
    """What the installer is told: any change of this text restarts the slot, so nothing else may stand in it.

    `configuration` is the sha256 of what the release runs with, None where that is nothing. Without a release the slot
    is emptied. With `reuse` a slot that holds these very bytes, run by the same commands with this configuration, keeps
    them.
    """
    facts = {
        "slot": slot,
        "port": SLOT_PORTS[slot],
        "release": release,
        "digest": digest,
        "commands": asdict(commands),
        "configuration": configuration,
        "deployment": deployment,
        "reuse": reuse,
    }
    return json.dumps(facts, sort_keys=True)


def install_command(*, install_timeout: int, settle: int) -> str:
    """The command that takes an order on its stdin; both limits are in seconds, for one release on one server."""
    return f"timeout {install_timeout} python3 {INSTALLER} install --settle {settle}"
