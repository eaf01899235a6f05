"""Database: a managed, private, encrypted instance, and the parameter that tells servers where it is.

RDS makes the master password, keeps it in a secret of its own and rotates it every seven days. The application has a
role of its own in the database, with a secret that `release init` makes; the parameter names that one, and servers
read it when a release starts. So no password stands in a setting, in an input or in the stack's state.

The database has a key of its own, because a snapshot under AWS's default key can never leave the account. What was
encrypted with a key is lost without it, so the key outlives a destroy, as snapshots do.

RDS sends the engine's logs to log groups that it finds by the instance's name, and makes one without encryption and
without an end where there is none. So the instance's name is made here, and its log groups come first.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws.cloudwatch.log_group import LogGroup
from pulumi_aws.kms.alias import Alias
from pulumi_aws.kms.key import Key
from pulumi_aws.rds.instance import Instance
from pulumi_aws.rds.parameter_group import ParameterGroup, ParameterGroupParameterArgs
from pulumi_aws.rds.subnet_group import SubnetGroup
from pulumi_aws.ssm.parameter import Parameter

from components.keys import DELETION_DAYS, allow_account
from components.outputs import PlatformOutputs
from contract.database import address_facts
from contract.migration import NO_MIGRATION
from settings import model
from settings.names import Names

DATABASE_NAME = "app"
MASTER_USER = "stageline"

TLS_PARAMETERS = MappingProxyType(
    {
        "postgres": ("rds.force_ssl", "1", "0"),
        "mysql": ("require_secure_transport", "1", "0"),
    }
)
"""What makes an engine refuse connections without TLS: the parameter, and its value with and without. RDS has both as
numbers (its guide, "Requiring SSL/TLS for all connections to a MySQL DB instance"); ON and OFF are those of clusters.
"""


EXPORTED_LOGS = MappingProxyType({"postgres": ("postgresql", "upgrade"), "mysql": ("error", "slowquery")})
"""The logs of an engine that tell what went wrong; the ones with every query hold what users wrote."""

LOGS_TO_FILES = MappingProxyType({"postgres": {}, "mysql": {"slow_query_log": "1", "log_output": "FILE"}})
"""Parameters without which there is nothing to send: MySQL logs no slow query by itself, and then into a table."""


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """`monitoring` says how long logs are kept. In a protected environment no data can be destroyed.

    A demo's keeps nothing behind its end, and `migrates` is the deployment that may migrate there.
    """

    names: Names
    database: model.Database
    monitoring: model.Monitoring
    platform: PlatformOutputs
    security_group_id: Input[str]
    protected: bool
    migrates: str | None = None


class Database(pulumi.ComponentResource):
    """One RDS instance. `parameter_arn` leads servers to it and to the secret of the application's role.

    `migration` is the parameter by which a deployment is let migrate.
    """

    identifier: Output[str]
    parameter_arn: Output[str]
    migration: Parameter

    def __init__(self, name: str, args: DatabaseArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:stage:Database", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)

        identifier = self._named_after_vpc(args.database.engine)
        logs = self._make_logs(identifier)
        key, alias = self._make_key()
        groups = self._make_subnet_group(), self._make_parameter_group()
        instance = self._make_instance(identifier, key, *groups, after=[alias, *logs])
        self.identifier = instance.identifier
        self.parameter_arn = self._publish(instance).arn
        self.migration = make_migration(f"{name}-migration", args.names, args.migrates, self._child)
        self.register_outputs(
            {
                "identifier": self.identifier,
                "parameter_arn": self.parameter_arn,
                "migration_arn": self.migration.arn,
            }
        )

    def _make_key(self) -> tuple[Key, Alias]:
        """Never deleted by a destroy, but for a demo's: whoever restores a snapshot later needs it. Its alias says who
        may use it.
        """
        policy = {"Version": "2012-10-17", "Statement": [allow_account(self._args.names.account)]}
        key = Key(
            f"{self._prefix}-key",
            description="Encrypts the database of this environment and its snapshots",
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_DAYS,
            policy=json.dumps(policy),
            opts=ResourceOptions(
                parent=self, protect=self._args.protected, retain_on_delete=self._args.migrates is None
            ),
        )
        name = self._args.names.database_alias
        alias = Alias(f"{self._prefix}-key", name=name, target_key_id=key.key_id, opts=self._child)
        return key, alias

    def _make_subnet_group(self) -> SubnetGroup:
        subnet_ids = self._args.platform.private_subnet_ids
        return SubnetGroup(f"{self._prefix}-subnets", subnet_ids=subnet_ids, opts=self._child)

    def _make_parameter_group(self) -> ParameterGroup:
        database = self._args.database
        tls, required, optional = TLS_PARAMETERS[database.engine]
        parameters = {tls: required if database.tls else optional, **LOGS_TO_FILES[database.engine]}
        return ParameterGroup(
            f"{self._prefix}-parameters",
            family=family(database.engine, database.version),
            parameters=[ParameterGroupParameterArgs(name=name, value=value) for name, value in parameters.items()],
            opts=self._child,
        )

    def _make_logs(self, instance: Output[str]) -> list[LogGroup]:
        """One group for each exported log, under the name that RDS looks for."""
        return [
            LogGroup(
                f"{self._prefix}-log-{log}",
                name=Output.concat("/aws/rds/instance/", instance, "/", log),
                retention_in_days=self._args.monitoring.log_days,
                kms_key_id=self._args.platform.log_key_arn,
                opts=self._child,
            )
            for log in EXPORTED_LOGS[self._args.database.engine]
        ]

    def _make_instance(
        self,
        identifier: Output[str],
        key: Key,
        subnet_group: SubnetGroup,
        parameter_group: ParameterGroup,
        after: Sequence[pulumi.Resource],
    ) -> Instance:
        """It keeps the key that it was made with: another one would replace it, and its rows with it."""
        args, database = self._args, self._args.database
        final = self._named_after_vpc(f"{database.engine}-final")
        return Instance(
            f"{self._prefix}-instance",
            identifier=identifier,
            engine=database.engine,
            engine_version=database.version,
            auto_minor_version_upgrade=False,  # environments stay identical; the version is a setting
            instance_class=database.instance_class,
            apply_immediately=True,  # by who runs `up`, not in a window that nobody chose: until then each `up` differs
            allocated_storage=database.storage_gb,
            storage_type="gp3",
            storage_encrypted=True,
            kms_key_id=key.arn,
            multi_az=database.multi_az,
            db_name=DATABASE_NAME,
            port=database.port,
            username=MASTER_USER,
            manage_master_user_password=True,
            parameter_group_name=parameter_group.name,
            db_subnet_group_name=subnet_group.name,
            vpc_security_group_ids=[args.security_group_id],
            publicly_accessible=False,
            backup_retention_period=database.backup_days,
            copy_tags_to_snapshot=True,
            deletion_protection=database.deletion_protection,
            skip_final_snapshot=not database.final_snapshot,
            final_snapshot_identifier=final if database.final_snapshot else None,
            enabled_cloudwatch_logs_exports=list(EXPORTED_LOGS[database.engine]),
            opts=ResourceOptions(
                parent=self, protect=args.protected, depends_on=list(after), ignore_changes=["kms_key_id"]
            ),
        )

    def _named_after_vpc(self, part: str) -> Output[str]:
        """A name of its own for each incarnation: the VPC's id differs each time an environment is made."""
        label, vpc_id = self._args.names.label, Output.from_input(self._args.platform.vpc_id)
        return vpc_id.apply(lambda vpc: f"{label}-{part}-{vpc.removeprefix('vpc-')}")

    def _publish(self, instance: Instance) -> Parameter:
        """Tell servers where the database is and which secret the application opens it with."""
        facts = address_facts(
            identifier=instance.identifier,
            engine=self._args.database.engine,
            host=instance.address,
            port=instance.port,
            name=DATABASE_NAME,
            secret=self._args.names.database_login,
            tls=self._args.database.tls,
        )
        return make_address(f"{self._prefix}-parameter", self._args.names, facts, self._child)


def make_address(name: str, names: Names, facts: Mapping[str, Any], opts: ResourceOptions) -> Parameter:
    """The parameter that leads servers to a database."""
    value = Output.json_dumps(facts, sort_keys=True)
    return Parameter(name, name=names.database_parameter, type="String", value=value, opts=opts)


def make_migration(name: str, names: Names, migrates: str | None, opts: ResourceOptions) -> Parameter:
    """Whose migration may run now: none, but while a deployment that goes forward says otherwise.

    That is no business of the program: an `up` in the middle of a deployment must not take it back. A demo only ever
    goes forward, so there the program says who `migrates`.
    """
    ignored = ["value"] if migrates is None else []
    return Parameter(
        name,
        name=names.migration_parameter,
        type="String",
        value=migrates or NO_MIGRATION,
        opts=ResourceOptions.merge(opts, ResourceOptions(ignore_changes=ignored)),
    )


def family(engine: str, version: str) -> str:
    """The family of parameter groups of an engine's version: PostgreSQL has one for 17, MySQL one for 8.0."""
    return f"{engine}{'.'.join(version.split('.')[: 1 if engine == 'postgres' else 2])}"
