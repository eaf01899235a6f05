"""The verb `run`: become the application, as the slot's systemd unit does."""

from __future__ import annotations

import os
from typing import NoReturn

from components.host.installer.environment import application_environment
from components.host.installer.errors import Failure
from components.host.installer.slots import Slot, read_content, read_server
from contract.layout import RELEASE, START


def run(slot: Slot) -> NoReturn:
    """Become the application in this slot: executed by its unit, never returns."""
    content = read_content(slot)
    if content is None:
        raise Failure(f"slot {slot.name} is empty: nothing to run")
    environment, _ = application_environment(read_server(), content, slot.folder)
    release = slot.folder / RELEASE
    os.chdir(release)
    start = str(release / START)
    os.execve(start, [start], environment)
