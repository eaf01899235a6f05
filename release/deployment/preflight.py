"""What a deployment finds out before anything changes: that nothing but its release would come along, and that nobody
is where it installs.
"""

from collections.abc import Mapping
from typing import Any

from release.aws.listeners import Entrance
from release.environment import Environment
from release.errors import Refused
from release.ledger.head import SlotName
from settings.fingerprint import fingerprint
from settings.stackfile import program_dir


def refuse_other_changes(environment: Environment, outputs: Mapping[str, Any], fence: int) -> str:
    """Refused where the ``up`` of this checkout would change anything but the release; what was compared, in words.

    Only where settings or program are others than the ones applied last is Pulumi asked: that takes seconds.
    """
    ours = fingerprint(program_dir(environment.project_dir), environment.settings)
    if outputs.get("applied") == ours:
        return "settings and program are those that were applied"
    found = environment.stack.preview(fence=fence)
    if not found:
        return "settings or program are others, and change nothing"
    shown = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
    raise Refused(
        f"this checkout would change more in {environment.name} than the release: {shown}",
        hint=f"apply that first: pulumi up --stack {environment.name}",
    )


def refuse_users_in(environment: Environment, entrance: Entrance, slot: SlotName) -> None:
    """Refused where somebody moved the live listener by hand to the slot that would be installed into."""
    if environment.listeners.slot_in_use(entrance) == slot:
        name = environment.name
        raise Refused(
            f"the live listener of {name} leads to slot {slot}, which is idle by the ledger: it was moved by hand",
            hint=f"take that over first: release adopt-listener {name} --reason WHY",
        )
