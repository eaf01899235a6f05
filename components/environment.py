"""Environment: a platform and the stage on it, as a function of settings, slots and keys. A demo: a stage alone.

`declare` is called by `__main__.py` with what the ledger says; tests, parity and previews call it with their own
values. Default providers are disabled, so a resource that does not come from here cannot be made.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

import pulumi
from pulumi import ResourceOptions
from pulumi_aws.provider import Provider as AwsProvider
from pulumi_aws.provider import ProviderAssumeRoleArgs, ProviderDefaultTagsArgs
from pulumi_command.provider import Provider as CommandProvider

from components.guard import make_guard
from components.machine import Keys
from components.outputs import PlatformOutputs
from components.platform.platform import Platform, PlatformArgs
from components.slots import Slots
from components.stage.stage import DemoStage, Stage, StageArgs
from settings.model import Settings
from settings.permissions.identities import Identities

NAME = "env"
"""The same in every environment and short: children are named after it (see components/__init__.py)."""


def declare(
    settings: Settings,
    slots: Slots,
    keys: Keys,
    *,
    out: Collection[str] = (),
    passed_over: Collection[str] = (),
) -> tuple[Platform, Stage]:
    """Declare an environment with providers that refuse another account and tag whatever they make.

    Servers that are `out` are dead: nothing that would have to reach them is declared, until they are replaced. On
    those that are `passed_over` nothing is installed by this one `pulumi up`, so that it does not fail because of
    them. Raises ValueError where every server is out.
    """
    opts = ResourceOptions(providers=_providers(settings, settings.tags))
    platform = Platform(NAME, PlatformArgs(settings=settings, keys=keys), opts)
    on_platform = StageArgs(
        settings=settings,
        platform=platform.outputs,
        keys=keys,
        slots=slots,
        out=frozenset(out),
        passed_over=frozenset(passed_over),
    )
    stage = Stage(NAME, on_platform, opts)
    make_guard(f"{NAME}-guard", settings, [platform, stage], opts)
    return platform, stage


def declare_demo(
    settings: Settings, platform: PlatformOutputs, slots: Slots, keys: Keys, demo: DemoStage, tags: Mapping[str, str]
) -> Stage:
    """Declare a demo on another stack's platform; whatever it is made of gets the `tags`."""
    path = Identities(names=settings.names).machine_path  # of its own, by which its roles are found
    args = StageArgs(
        settings=settings,
        platform=replace(platform, bounds=replace(platform.bounds, path=path)),
        keys=keys,
        slots=slots,
        out=frozenset(),
        passed_over=frozenset(),
        demo=demo,
    )
    return Stage(NAME, args, ResourceOptions(providers=_providers(settings, tags)))


def _providers(settings: Settings, tags: Mapping[str, str]) -> dict[str, pulumi.ProviderResource]:
    aws = AwsProvider(
        "aws",
        region=settings.region,
        allowed_account_ids=[settings.account],
        default_tags=ProviderDefaultTagsArgs(tags=dict(tags)),
        assume_roles=[ProviderAssumeRoleArgs(role_arn=settings.role)] if settings.role else None,
    )
    return {"aws": aws, "command": CommandProvider("command")}
