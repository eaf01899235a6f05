"""The verb `install`: do what an order says, or leave the slot as it was."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from components.host.installer.artifact import download, require_space, unpack
from components.host.installer.aws import retried
from components.host.installer.configuration import download_configuration
from components.host.installer.errors import Failure, NotHealthy, Refused, Stopped, describe
from components.host.installer.exchange import commit, recover, replace, restart
from components.host.installer.files import write_durably
from components.host.installer.health import (
    is_healthy,
    other_version,
    probe,
    said,
    shown_version,
    wait_for_health,
)
from components.host.installer.lock import LOCK_LIMIT, locked
from components.host.installer.migration import Migration, migrate
from components.host.installer.order import Content, Order, answer
from components.host.installer.seed import seed
from components.host.installer.signals import ignore_signals
from components.host.installer.slots import Server, Slot, read_content, read_server
from components.host.installer.unit import unit_state
from contract.health import verdict
from contract.layout import INSTALLER, LABEL, RELEASE

MEND = f"mend that, then run: python3 {INSTALLER} status (it puts the slot back)"


def install(order: Order, settle: float) -> dict[str, Any]:
    """Do what the order says, and say what became of its migration."""
    migration = Migration()
    slot, server = Slot(order.content.slot), read_server()
    with locked(slot, LOCK_LIMIT):
        try:
            recover(slot)
            done = keep(slot, order, server, settle) or exchange(slot, order.content, server, settle, migration)
        except Exception as error:
            ignore_signals()
            done = undo(slot, order.content, server, error)
    return {**done, "migration": migration.outcome}


def keep(slot: Slot, order: Order, server: Server, settle: float) -> dict[str, Any] | None:
    """The answer where nothing has to be installed, because the slot holds what it shall hold; else None."""
    held, content = read_content(slot), order.content
    if held == content:
        return as_it_is(slot, content, server, settle)
    if held is None or not order.reuse or not held.differs_in_its_label_only(content):
        return None
    if is_healthy(slot, content, server):
        return relabel(slot, content, "relabelled")
    return relabel(slot, content, "started") if comes_up(slot, content, server, settle) else None


def as_it_is(slot: Slot, content: Content, server: Server, settle: float) -> dict[str, Any] | None:
    """The answer to an order that was carried out before: the release was proven healthy then, and users may be on it.

    So what runs is neither restarted nor installed again, whatever is wrong with it now: a `pulumi up` in the middle of
    an incident repeats the orders of both slots, and to judge releases is the business of who watches them.
    """
    if unit_state(slot).active != "active":
        return answer("started", content) if comes_up(slot, content, server, settle) else None
    health = probe(server.address, content.port)
    state = verdict(health.status, health.version, content.release)
    if state == "healthy":
        return answer("unchanged", content)
    found = other_version(shown_version(health, content, server)) if state == "wrong" else said(health)
    return {**answer("unchanged", content), "note": f"{content.release} in {slot.name} is not healthy now: {found}"}


def comes_up(slot: Slot, content: Content, server: Server, settle: float) -> bool:
    """Start what the slot holds. Whatever keeps it from being healthy, installing it anew is worth a try."""
    try:
        restart(slot)
        wait_for_health(slot, content, server, settle)
    except Stopped:
        raise
    except (Failure, OSError):
        return False
    return True


def relabel(slot: Slot, content: Content, result: str) -> dict[str, Any]:
    """Name this deployment as the one that filled the slot. Needs room for one small file, and can do without.

    With a full disk the label stays the earlier one, which is a note and no failure: the order is about what the slot
    holds and runs, and that is proven. `status` still tells the truth about it, drift shows the old label, and the
    next order writes it. To fail would ask more of putting back than of putting in.
    """
    try:
        write_durably(slot.label, json.dumps(asdict(content)))
    except OSError as error:
        return {
            **answer(result, content),
            "note": f"the label in {slot.name} is still the earlier one: {describe(error)}",
        }
    return answer(result, content)


def exchange(slot: Slot, content: Content, server: Server, settle: float, migration: Migration) -> dict[str, Any]:
    """Install this content and prove it healthy; what fails here leaves a slot that `recover` puts back."""
    prepare(slot, content, server, migration)
    replace(slot, content, server)
    wait_for_health(slot, content, server, settle)
    ignore_signals()
    commit(slot)
    return answer("installed", content)


def prepare(slot: Slot, content: Content, server: Server, migration: Migration) -> None:
    """Everything that can fail without touching what runs in the slot, in `.new`, migration included."""
    new = slot.beside("new")
    new.mkdir()
    artifact = new / "artifact"
    require_space(new, 0)
    download_configuration(server, content, new)
    retried(lambda: download(artifact, content.digest, server))
    unpack(artifact, new / RELEASE, content.commands)
    artifact.unlink()
    migrate(slot, content, server, migration)
    seed(slot, content, server)
    shutil.copyfile(sys.argv[0], new / Path(INSTALLER).name)
    (new / LABEL).write_text(json.dumps(asdict(content)), "utf-8")
    os.sync()  # all at once: one by one, thousands of small files would take minutes


def undo(slot: Slot, content: Content, server: Server, error: Exception) -> dict[str, Any]:
    """Put back what was there before the failed install, and say how that went."""
    why = describe(error)
    try:
        touched = recover(slot)
        earlier = read_content(slot)
        if earlier and touched:
            wait_for_health(slot, earlier, server)
    except NotHealthy as failure:
        return answer("broken", content, f"{why}; {slot.name} is put back, but {failure}")
    except Exception as failure:
        return answer("broken", content, f"{why}; {slot.name} could not be put back: {describe(failure)}; {MEND}")
    result = "refused" if isinstance(error, Refused) else "restored" if earlier else "emptied"
    return answer(result, content, f"{why}; {slot.name} {said_of(earlier, touched)}")


def said_of(earlier: Content | None, touched: bool) -> str:
    if earlier is None:
        return "is empty as before"
    return f"is back on {earlier.release}" if touched else f"was not touched and holds {earlier.release}"
