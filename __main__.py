"""One environment: what its stack file says, with the releases that its ledger says.

The ledger decides what runs, not the checkout, so `pulumi up` by anyone lands where the ledger says. An unreadable
ledger stops the program: taken for "nothing deployed", it would delete what is live.
"""

import gc

gc.disable()  # This program lives for seconds, most of them spent importing; collecting garbage would add a tenth.

import sys
from pathlib import Path

import pulumi

from components.environment import Keys, declare
from components.graph import answer_all
from components.slots import SlotContent, Slots
from contract import outputs
from contract.graph import GRAPH
from release.errors import StagelineError
from release.ledger.head import Slot
from release.program import recorded
from settings.errors import InvalidSettings
from settings.fingerprint import fingerprint
from settings.stackfile import Project


def content(slot: Slot | None) -> SlotContent | None:
    """What the components need to know of a slot; None for one that no deployment has touched yet."""
    if slot is None:
        return None
    return SlotContent(release=slot.release, digest=slot.digest, deployment=slot.deployment, reuse=slot.reuse)


if sys.argv[1:2] == [GRAPH]:  # asked what it would declare: no engine, no account and no ledger take part
    answer_all(Path(sys.argv[2]))
    sys.exit()

try:
    project = Project(Path(pulumi.get_root_directory()))
    settings = project.load(pulumi.get_stack())
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

pulumi.export(outputs.LIVE_URL, environment.live_url)
pulumi.export(outputs.PREVIEW_URL, environment.preview_url)
pulumi.export(outputs.LOAD_BALANCER, environment.load_balancer)
pulumi.export(outputs.BALANCER_NAME, environment.balancer_name)
pulumi.export(outputs.TARGET_GROUPS, environment.target_groups)
pulumi.export(outputs.SERVERS, environment.servers)
pulumi.export(outputs.BASTION, environment.bastion)
pulumi.export(outputs.KNOWN_HOSTS, environment.known_hosts)
pulumi.export(outputs.INSTALLER, environment.installer)
pulumi.export(outputs.DATABASE, environment.database_id)
pulumi.export(outputs.APPLIED, fingerprint(project.program_dir, settings))
