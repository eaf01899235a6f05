"""What a deployment finds out before anything changes: that nothing but its release would come along, that nobody is
where it installs, and that the credentials outlast it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from contract.outputs import APPLIED
from contract.slots import SlotName
from release.doors.aws.listeners import Entrance
from release.doors.aws.session import refuse_too_short
from release.environment import Environment
from release.process.errors import Refused
from release.records.ledger.head import State
from release.rules.ways_on import way_on
from settings.fingerprint import fingerprint
from settings.model import Settings

SNAPSHOT_TIME = timedelta(minutes=10)  # of a database of some 100 GB; the first one of a database takes longest
REST = timedelta(minutes=10)  # AWS's part of an `up`, and of putting it back


def refuse_short_credentials(environment: Environment) -> None:
    """Refused where the caller's credentials end before a deployment forward is likely to. Never asked by what goes
    back.
    """
    refuse_too_short(environment.session.expires_in(), time_needed(environment.settings))


def time_needed(settings: Settings) -> timedelta:
    """How long a slow deployment takes until it is closed: an estimate below the sum of all limits, which nobody's
    credentials would outlast. The watch is known; installing takes twice what one server may, for canary and others.
    """
    snapshot = timedelta() if settings.backup.before == "none" else SNAPSHOT_TIME
    known = timedelta(seconds=settings.watch.seconds + 2 * settings.servers.install_timeout)
    return known + snapshot + REST


def refuse_other_changes(environment: Environment, outputs: Mapping[str, Any], fence: int, deployment: str) -> str:
    """Refused where the ``up`` of this checkout would change anything but the release; what was compared, in words.

    Only where settings or program are others than the ones applied last is Pulumi asked: that takes seconds.
    """
    ours = fingerprint(environment.project.program_dir, environment.settings)
    if outputs.get(APPLIED) == ours:
        return "settings and program are those that were applied"
    found = environment.stack.preview(fence=fence, deployment=deployment)
    if not found:
        return "settings or program are others, and change nothing"
    shown = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
    raise Refused(
        f"this checkout would change more in {environment.name} than the release: {shown}",
        hint=f"apply that first: pulumi up --stack {environment.name}",
    )


def refuse_users_elsewhere(environment: Environment, state: State) -> None:
    """Refused where the live listener does not lead where HEAD says: an ``up`` would move users, unseen by anybody."""
    name, declared = environment.name, state.declared
    if declared is None or environment.listeners.slot_in_use(environment.listeners.find()) == declared:
        return
    raise Refused(
        f"the live listener of {name} does not lead to slot {declared}, as the ledger says: an up would move it there",
        hint=way_on(name, state) if state.open else f"take it over first: release adopt-listener {name} --reason WHY",
    )


def refuse_users_in(environment: Environment, entrance: Entrance, slot: SlotName) -> None:
    """Refused where somebody moved the live listener by hand to the slot that would be installed into."""
    if environment.listeners.slot_in_use(entrance) == slot:
        name = environment.name
        raise Refused(
            f"the live listener of {name} leads to slot {slot}, which is idle by the ledger: it was moved by hand",
            hint=f"take that over first: release adopt-listener {name} --reason WHY",
        )
