"""Shared database: what a demo needs of its base's instance. `release` makes the rows' place, and takes it away.

The rule that lets its servers in stands in the base's group, with the demo's tags.
"""

from dataclasses import asdict, dataclass, replace

import pulumi
from pulumi import Input, Output, ResourceOptions

from components.groups import allow_group
from components.stage.database import make_address, make_migration
from contract.database import Address, address_facts
from settings.names import Names


@dataclass(frozen=True, kw_only=True)
class Shared:
    """A base's database: where it is, and the group that says who reaches it."""

    address: Address
    group_id: str


@dataclass(frozen=True, kw_only=True)
class SharedDatabaseArgs:
    """`database` is what the demo's own is called in there, and `migrates` the deployment that may migrate it."""

    names: Names
    shared: Shared
    database: str
    servers_group_id: Input[str]
    migrates: str


class SharedDatabase(pulumi.ComponentResource):
    """The way of a demo's servers to their database. What is installed waits for all of `ready`."""

    parameter_arn: Output[str]
    migration_arn: Output[str]
    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: SharedDatabaseArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:stage:SharedDatabase", name, {}, opts)
        child, shared, names = ResourceOptions(parent=self), args.shared, args.names
        address = replace(shared.address, name=args.database, secret=names.database_login)
        rules = allow_group(name, args.servers_group_id, shared.group_id, address.port, child)
        parameter = make_address(f"{name}-parameter", names, address_facts(**asdict(address)), child)
        migration = make_migration(f"{name}-migration", names, args.migrates, child)
        self.parameter_arn, self.migration_arn = parameter.arn, migration.arn
        self.ready = [*rules, parameter, migration]
        self.register_outputs({"parameter_arn": self.parameter_arn, "migration_arn": self.migration_arn})
