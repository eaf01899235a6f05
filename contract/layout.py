"""Where things lie on a server: paths from the home of the application's user, the same for SFTP and for commands."""

from contract.slots import SlotName

HOME = "stageline"

INSTALLER = f"{HOME}/installer.pyz"
"""One file that holds the installer as a package; each slot has a copy of it under the same name."""

SERVER = f"{HOME}/server.json"
"""What a server was told about itself when it booted, as a JSON object."""

SLOTS = f"{HOME}/slots"
"""A folder for each slot; what an install prepares or puts aside lies beside it, under names that begin with a dot."""

LABEL = "slot.json"
"""In a slot's folder: what the slot holds. A slot without it is empty."""

RELEASE = "release"
"""In a slot's folder: the unpacked artifact."""

START, MIGRATE, SEED = "bin/start", "bin/migrate", "bin/seed"
"""In a release: what is started, and what may be there to change the database's schema before, and to fill a demo's."""

CONFIGURATION = "configuration.json"
"""In a slot's folder: what the release runs with, where it has a configuration. It holds no secret."""

LOGS = f"{HOME}/log"

AUTHORIZED_KEYS = ".ssh/authorized_keys"

BOOT = "usr/local/lib/stageline/boot.py"
"""What the machine ran when it booted, kept to run again: from the root of the machine, not from anybody's home."""

MACHINE_ROOT = "STAGELINE_ROOT"
"""The variable with the root of the machine: empty, but on a server that shares a machine with others."""


def label_file(slot: SlotName) -> str:
    """The label of a slot."""
    return f"{SLOTS}/{slot}/{LABEL}"
