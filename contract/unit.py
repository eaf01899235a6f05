"""The systemd unit of a slot, which belongs to the application's user: its name, where it lies, what stands in it."""

import posixpath

from contract.layout import INSTALLER, LABEL, SLOTS
from contract.slots import SLOTS as SLOT_NAMES
from contract.slots import SlotName

# An empty slot's unit stays enabled, and the condition keeps it quiet at boot. A release is started again however it
# ended, also well or by a signal of somebody's: none is meant to end while its slot holds it. No start limit: after a
# reboot the database may be away for longer than any such limit.
TEXT = """\
[Unit]
Description=Stageline slot {slot}
ConditionPathExists=%h/{folder}/{label}
StartLimitIntervalSec=0

[Service]
ExecStart=python3 %h/{folder}/{installer} run {slot}
Restart=always
RestartSec=2
TimeoutStopSec=20
NoNewPrivileges=true

[Install]
WantedBy=default.target
"""


def unit_name(slot: SlotName) -> str:
    """What systemd calls it."""
    return f"stageline-{slot}.service"


def unit_file(slot: SlotName) -> str:
    """Where it lies, from the user's home."""
    return f".config/systemd/user/{unit_name(slot)}"


def unit_text(slot: SlotName) -> str:
    """What stands in it: the slot's own copy of the installer becomes the release that the slot holds."""
    installer = posixpath.basename(INSTALLER)
    return TEXT.format(slot=slot, folder=f"{SLOTS}/{slot}", label=LABEL, installer=installer)


UNIT_FILES = {slot: unit_file(slot) for slot in SLOT_NAMES}
