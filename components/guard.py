"""Guard: what makes `pulumi destroy` of a protected environment fail before anything is gone.

Pulumi refuses to delete what is protected, but with `--skip-preview` only when it comes to that: servers and listeners
go before the database does. The guard depends on everything, so it is the first to be deleted, and it is protected.
It is there in every environment, because they are identical, and says in its value what it means.
"""

from collections.abc import Sequence

import pulumi
from pulumi import ResourceOptions
from pulumi_aws.ssm.parameter import Parameter

from settings.model import Settings

PROTECTED = "This environment is protected: set protected to false in its stack file and apply that before a destroy."
UNPROTECTED = "This environment may be destroyed."


def make_guard(
    name: str, settings: Settings, everything: Sequence[pulumi.Resource], opts: ResourceOptions
) -> Parameter:
    """A parameter that costs nothing and stands in the way of everything else's deletion."""
    return Parameter(
        name,
        name=settings.names.guard_parameter,
        type="String",
        value=PROTECTED if settings.protected else UNPROTECTED,
        opts=ResourceOptions.merge(opts, ResourceOptions(protect=settings.protected, depends_on=list(everything))),
    )
