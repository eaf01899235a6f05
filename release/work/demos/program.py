"""What the Pulumi program asks about a demo's stack: the registry's item, its keys, and the platform it stands on.

Fails hard on anything but a demo that is recorded and may be made: a stack that is in no registry declares nothing.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.migration import NO_MIGRATION, let
from contract.up import FENCE
from release.doors.aws.parameters import read_parameter
from release.doors.servers.keys import key_part
from release.process.errors import Broken, Refused
from release.records.demos.demo import Content
from release.records.demos.registry import Entry
from release.work.demos.base import Base, open_base
from release.work.demos.database import Shared
from settings import demos
from settings.model import Settings
from settings.stackfile import Project


@dataclass(frozen=True, kw_only=True)
class RecordedDemo:
    """What is recorded of a demo, its settings and tags, and its base's platform as that exported it.

    Without a `content` its server comes up with nothing on it. `migrates` is the text of its parameter of migrations,
    and `shared` its base's database, where it uses that.
    """

    settings: Settings
    creation: str
    tags: Mapping[str, str]
    content: Content | None
    migrates: str
    platform: Mapping[str, Any]
    has_own_database: bool
    shared: Shared | None
    deploy_private_key: str = field(repr=False)
    host_public_key: str
    bastion_public_key: str | None


def recorded_demo(project: Project, stack: str) -> RecordedDemo:
    """Read it. Refused for a stack that is no demo's or whose demo may not be made now, and where another command than
    the one that started this ``up`` works on it.
    """
    base = open_base(project)
    entry = base.registry.find(stack)
    if entry is None:
        raise Refused(f"there is no demo of the stack {stack}", hint="make one: release demo up BRANCH")
    refuse_other_work(os.environ.get(FENCE), entry)
    return _recorded(base, entry)


def refuse_other_work(given: str | None, entry: Entry) -> None:
    """Refused when ``release`` started this program for what is no longer recorded; None is a plain up."""
    if given is not None and given != str(entry.version):
        raise Refused(f"{entry.demo.stack} was changed by another command meanwhile", hint="nothing was changed")


def _recorded(base: Base, entry: Entry) -> RecordedDemo:
    demo, settings = entry.demo, base.settings_of(entry.demo)
    if demo.state not in ("creating", "up") or (demo.content is None and demo.database != "own"):
        raise Refused(
            f"the demo of {demo.branch} is {demo.state}", hint=f"go on with it: release demo up {demo.branch}"
        )
    names, secrets = settings.names, base.secrets
    return RecordedDemo(
        settings=settings,
        creation=demo.creation,
        tags=demos.tags(settings, creation=demo.creation, owner=demo.owner),
        content=demo.content,
        migrates=let(demo.content.deployment, demo.seed) if demo.content else NO_MIGRATION,
        platform=_platform(base),
        has_own_database=demo.database == "own",
        shared=base.database.shared() if demo.database == "shared" else None,
        deploy_private_key=key_part(secrets, names.deploy_key, "private", demo.base),
        host_public_key=key_part(secrets, names.host_key, "public", demo.base),
        bastion_public_key=None,
    )


def _platform(base: Base) -> Mapping[str, Any]:
    """What the base's program wrote down; Broken where it never did."""
    names, environment = base.environment.settings.names, base.environment
    text = read_parameter(environment.session, names.platform_parameter)
    if text is None:
        raise Broken(f"{environment.name} has not come up yet", hint=f"run: pulumi up --stack {environment.name}")
    found: Mapping[str, Any] = json.loads(text)
    return found
