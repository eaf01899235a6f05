"""The stand-in for the `pulumi-resource-aws` plugin, for machines that do not have it.

It speaks Pulumi's provider protocol and maps each resource type that the components use onto boto3, by a table. Read
`types/` for the table (one entry for each type) and `model.py` for what an entry says. Around it:

    servicer      the protocol: which request is answered how
    connection    credentials, roles, the account that is checked
    config        the provider's configuration (region, allowed accounts, default tags, roles)
    schema        the table as Pulumi's schema, for the programs that `pulumi import` writes
    inputs        checks and completes a program's inputs, and tells them again after a read
    refusals      what is wrong with inputs: unknown, missing, conflicting
    naming        automatic names, and the setting `pulumi:autonaming`
    differences   what changed, and whether that needs a new resource
    lifecycle     runs an entry: create, read, update, delete, preview
    translation   the program's names and AWS's
    wire          the engine's messages and plain values; secrets and unknowns
    session       the door to boto3: clients, tries, lost replies
    waiting       waits for AWS to reach a state, until the engine wants to end
    calls         short ways to write an entry
    errors        AWS's errors as one line

It expects an AWS that is consistent at once, as moto is: it waits for states (available, terminated), not for
something just made to become visible.
"""

from local.aws_provider.servicer import AwsProvider

__all__ = ["AwsProvider"]
