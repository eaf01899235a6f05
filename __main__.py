"""One environment: what its stack file says, with the releases that its ledger says.

The ledger decides what runs, not the checkout, so `pulumi up` by anyone lands where the ledger says. An unreadable
ledger stops the program: taken for "nothing deployed", it would delete what is live.
"""

import gc

gc.disable()  # This program lives for seconds, most of them spent importing; collecting garbage would add a tenth.

import sys
from pathlib import Path

import pulumi

from components.environment import declare
from components.graph import answer_all
from components.machine import Keys
from components.slots import SlotContent, Slots
from contract import outputs
from contract.graph import GRAPH
from release.process.errors import StagelineError
from release.program import recorded
from release.records.ledger.head import Content
from settings.errors import InvalidSettings
from settings.fingerprint import fingerprint
from settings.stackfile import Project


def content(slot: Content | None) -> SlotContent | None:
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

pulumi.export(outputs.LIVE_URL, stage.balancer.live_url)
pulumi.export(outputs.PREVIEW_URL, stage.balancer.preview_url)
pulumi.export(outputs.LOAD_BALANCER, stage.balancer.arn)
pulumi.export(outputs.BALANCER_NAME, stage.balancer.dns_name)
pulumi.export(outputs.TARGET_GROUPS, stage.balancer.target_groups)
pulumi.export(outputs.SERVERS, stage.servers.described)
pulumi.export(outputs.BASTION, platform.bastion.described if platform.bastion else None)
pulumi.export(outputs.KNOWN_HOSTS, pulumi.Output.concat(*platform.known_hosts, *stage.servers.known_hosts))
pulumi.export(outputs.INSTALLER, stage.servers.installer)
pulumi.export(outputs.DATABASE, stage.database.identifier)
pulumi.export(outputs.PLATFORM, platform.outputs.exported)
pulumi.export(outputs.APPLIED, fingerprint(project.program_dir, settings))
