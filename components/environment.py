"""Environment: a platform and the stage on it, as a function of settings, slots and keys.

`declare` is called by `__main__.py` with what the ledger says; tests, parity and previews call it with their own
values. Default providers are disabled, so a resource that does not come from here cannot be made.
"""

from collections.abc import Collection

import pulumi
from pulumi import ResourceOptions
from pulumi_aws.provider import Provider as AwsProvider
from pulumi_aws.provider import ProviderAssumeRoleArgs, ProviderDefaultTagsArgs
from pulumi_command.provider import Provider as CommandProvider

from components.guard import make_guard
from components.machine import Keys
from components.platform.platform import Platform, PlatformArgs
from components.slots import Slots
from components.stage.stage import Stage, StageArgs
from settings.model import Settings

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
    opts = ResourceOptions(providers=_providers(settings))
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


def _providers(settings: Settings) -> dict[str, pulumi.ProviderResource]:
    aws = AwsProvider(
        "aws",
        region=settings.region,
        allowed_account_ids=[settings.account],
        default_tags=ProviderDefaultTagsArgs(tags=settings.tags),
        assume_roles=[ProviderAssumeRoleArgs(role_arn=settings.role)] if settings.role else None,
    )
    return {"aws": aws, "command": CommandProvider("command")}
