"""One environment: what its stack file says, with the releases that its ledger says. Or one demo, by the registry.

The ledger decides what runs, not the checkout, so `pulumi up` by anyone lands where the ledger says. An unreadable
ledger stops the program: taken for "nothing deployed", it would delete what is live.
"""

import gc

gc.disable()  # This program lives for seconds, most of them spent importing; collecting garbage would add a tenth.

import sys
from collections.abc import Sequence
from pathlib import Path

import pulumi

from components.environment import declare, declare_demo
from components.graph import answer_all
from components.machine import Keys
from components.outputs import PlatformOutputs
from components.slots import SlotContent, Slots
from components.stage.shared_database import Shared
from components.stage.stage import DemoStage, Stage
from contract import outputs
from contract.graph import GRAPH
from release.process.errors import StagelineError
from release.program import recorded
from release.records.ledger.head import Content
from settings.demos import is_demo
from settings.errors import InvalidSettings
from settings.fingerprint import fingerprint
from settings.stackfile import Project


def content(slot: Content | None) -> SlotContent | None:
    """What the components need to know of a slot; None for one that no deployment has touched yet."""
    if slot is None:
        return None
    return SlotContent(
        release=slot.release,
        digest=slot.digest,
        commands=slot.commands.plain,
        configuration=slot.configuration,
        deployment=slot.deployment,
        reuse=slot.reuse,
    )


def environment(project: Project, name: str) -> None:
    """A platform and the stage on it."""
    settings = project.load(name)
    ledger = recorded(settings)
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
    export_stage(stage, platform.known_hosts)
    pulumi.export(outputs.BASTION, platform.bastion.described if platform.bastion else None)
    pulumi.export(outputs.PLATFORM, platform.outputs.exported)
    pulumi.export(outputs.APPLIED, fingerprint(project.program_dir, settings))


def demo(project: Project, stack: str) -> None:
    """A stage alone, on its base's platform; all of its users are on blue."""
    from release.work.demos.program import recorded_demo  # an environment needs nothing of it, and would wait for it

    known = recorded_demo(project, stack)
    shown, keys = known.content, Keys(deploy_private=known.deploy_private_key, host_public=known.host_public_key)
    stage = declare_demo(
        known.settings,
        PlatformOutputs.of(known.platform),
        Slots(
            blue=SlotContent(
                release=shown.release, digest=shown.digest, deployment=shown.deployment, commands=shown.commands.plain
            ),
            declared="blue",
        )
        if shown
        else Slots(),
        keys,
        DemoStage(
            creation=known.creation,
            migrates=known.migrates,
            has_own_database=known.has_own_database,
            shared=Shared(address=known.shared.address, group_id=known.shared.group_id) if known.shared else None,
        ),
        known.tags,
    )
    export_stage(stage, [])


def export_stage(stage: Stage, known_hosts: Sequence[pulumi.Output[str]]) -> None:
    """What is said of servers and balancer, whatever they stand on."""
    pulumi.export(outputs.LIVE_URL, stage.balancer.live_url)
    pulumi.export(outputs.PREVIEW_URL, stage.balancer.preview_url)
    pulumi.export(outputs.LOAD_BALANCER, stage.balancer.arn)
    pulumi.export(outputs.BALANCER_NAME, stage.balancer.dns_name)
    pulumi.export(outputs.TARGET_GROUPS, stage.balancer.target_groups)
    pulumi.export(outputs.SERVERS, stage.servers.described)
    pulumi.export(outputs.KNOWN_HOSTS, pulumi.Output.concat(*known_hosts, *stage.servers.known_hosts))
    pulumi.export(outputs.INSTALLER, stage.servers.installer)
    pulumi.export(outputs.DATABASE, stage.database.identifier if stage.database else None)


if sys.argv[1:2] == [GRAPH]:  # asked what it would declare: no engine, no account and no ledger take part
    answer_all(Path(sys.argv[2]))
    sys.exit()

try:
    here, name = Project(Path(pulumi.get_root_directory())), pulumi.get_stack()
    (demo if is_demo(name) else environment)(here, name)
except (InvalidSettings, StagelineError, ValueError) as error:  # ValueError: HEAD and the settings do not fit together
    raise pulumi.RunError(str(error)) from error
