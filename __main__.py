"""One environment: what its stack file says, with the releases that its ledger says.

The ledger decides what runs, not the checkout, so `pulumi up` by anyone lands where the ledger says. An unreadable
ledger stops the program: taken for "nothing deployed", it would delete what is live.
"""

import gc

gc.disable()  # This program lives for seconds, most of them spent importing; collecting garbage would add a tenth.

from pathlib import Path

import pulumi

from components.environment import declare
from components.machine import Keys
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
    platform, stage = declare(
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

pulumi.export("live_url", stage.balancer.live_url)
pulumi.export("preview_url", stage.balancer.preview_url)
pulumi.export("load_balancer", stage.balancer.arn)
pulumi.export("balancer_name", stage.balancer.dns_name)
pulumi.export("target_groups", stage.balancer.target_groups)
pulumi.export("servers", stage.servers.described)
pulumi.export("bastion", platform.bastion.described if platform.bastion else None)
pulumi.export("known_hosts", pulumi.Output.concat(*platform.known_hosts, *stage.servers.known_hosts))
pulumi.export("database_id", stage.database.identifier)
pulumi.export("platform", platform.outputs.exported)
pulumi.export("applied", fingerprint(program_dir(project_dir), settings))
