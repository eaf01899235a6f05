"""One environment: what its stack file says, with the releases that its ledger says.

The ledger decides what runs, not the checkout, so `pulumi up` by anyone lands where the ledger says. An unreadable
ledger stops the program: taken for "nothing deployed", it would delete what is live.
"""

import gc

gc.disable()  # This program lives for seconds, most of them spent importing; collecting garbage would add a tenth.

from pathlib import Path

import pulumi

from components.environment import Keys, declare
from components.slots import SlotContent, Slots
from release.errors import StagelineError
from release.ledger.head import Slot
from release.program import recorded
from settings.errors import InvalidSettings
from settings.fingerprint import fingerprint
from settings.stackfile import load, program_dir


def content(slot: Slot | None) -> SlotContent | None:
    """What the components need to know of a slot; None for one that no deployment has touched yet."""
    if slot is None:
        return None
    return SlotContent(release=slot.release, digest=slot.digest, deployment=slot.deployment, reuse=slot.reuse)


try:
    project_dir = Path(pulumi.get_root_directory())
    settings = load(project_dir, pulumi.get_stack())
    ledger = recorded(settings)
except (InvalidSettings, StagelineError) as error:
    raise pulumi.RunError(str(error)) from error

try:
    environment = declare(
        settings,
        Slots(blue=content(ledger.slots["blue"]), green=content(ledger.slots["green"]), declared=ledger.declared),
        Keys(
            deploy_private=ledger.deploy_private_key,
            host_public=ledger.host_public_key,
            bastion_host_public=ledger.bastion_public_key,
        ),
        out=ledger.out,
        passed_over=ledger.passed_over,
    )
except ValueError as error:  # HEAD and the settings do not fit together
    raise pulumi.RunError(str(error)) from error

pulumi.export("live_url", environment.live_url)
pulumi.export("preview_url", environment.preview_url)
pulumi.export("load_balancer", environment.load_balancer)
pulumi.export("balancer_name", environment.balancer_name)
pulumi.export("target_groups", environment.target_groups)
pulumi.export("servers", environment.servers)
pulumi.export("bastion", environment.bastion)
pulumi.export("known_hosts", environment.known_hosts)
pulumi.export("installer", environment.installer)
pulumi.export("database_id", environment.database_id)
pulumi.export("applied", fingerprint(program_dir(project_dir), settings))
