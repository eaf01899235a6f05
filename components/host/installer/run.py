"""The verb `run`: become the application, as the slot's systemd unit does."""

from __future__ import annotations

import os
from typing import NoReturn

from components.host.installer.environment import application_environment
from components.host.installer.errors import Failure
from components.host.installer.slots import Slot, read_content, read_server
from contract.commands import runnable, start_command
from contract.layout import RELEASE
from contract.shebang import why_not_run


def run(slot: Slot) -> NoReturn:
    """Become the application in this slot: executed by its unit, never returns."""
    content = read_content(slot)
    if content is None:
        raise Failure(f"slot {slot.name} is empty: nothing to run")
    environment, _ = application_environment(read_server(), content, slot.folder)
    release = slot.folder / RELEASE
    os.chdir(release)
    words = runnable(start_command(content.commands), release, environment)
    try:
        os.execvpe(words[0], words, environment)
    except OSError as error:
        raise Failure(f"{content.release} cannot be started: {why_not_run(words[0], error)}") from None
