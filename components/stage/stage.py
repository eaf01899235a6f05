"""Stage: what an application has for itself on a platform: database, servers, load balancer, alarms."""

from dataclasses import dataclass

import pulumi
from pulumi import Output, ResourceOptions

from components.machine import Keys
from components.outputs import PlatformOutputs
from components.slots import Slots
from components.stage.database import Database, DatabaseArgs
from components.stage.firewall import Firewall, FirewallArgs
from components.stage.load_balancer import LoadBalancer, LoadBalancerArgs
from components.stage.monitoring import Monitoring, MonitoringArgs
from components.stage.servers import Servers, ServersArgs
from components.stage.targets import Targets, TargetsArgs
from contract.artifacts import ARTIFACTS, demo_folder
from settings.model import Settings


@dataclass(frozen=True, kw_only=True)
class StageArgs:
    """`platform` is what it stands on. `out` and `passed_over` are names of servers, like `env-servers-2`.

    `demo` is a demo's creation id. It has no database and no configuration, wakes nobody, and its artifacts lie in a
    place of their own.
    """

    settings: Settings
    platform: PlatformOutputs
    keys: Keys
    slots: Slots
    out: frozenset[str]
    passed_over: frozenset[str]
    demo: str | None = None


class Stage(pulumi.ComponentResource):
    """Servers with two slots each, behind a load balancer, with a database. Raises ValueError where all are out.

    A demo has no `database`.
    """

    database: Database | None
    servers: Servers
    balancer: LoadBalancer

    def __init__(self, name: str, args: StageArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:stage:Stage", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)
        settings, names, platform, child = args.settings, args.settings.names, args.platform, self._child

        firewall = Firewall(
            f"{name}-firewall",
            FirewallArgs(
                platform=platform,
                load_balancer=settings.load_balancer,
                servers=settings.servers,
                database=None if args.demo else settings.database,
            ),
            child,
        )
        self.database = self._make_database(firewall.database_id) if firewall.database_id else None
        self.servers = Servers(
            f"{name}-servers",
            ServersArgs(
                names=names,
                servers=settings.servers,
                platform=platform,
                security_group_id=firewall.servers_id,
                parameter_arns=[self.database.parameter_arn, self.database.migration_arn] if self.database else [],
                artifact_folder=demo_folder(args.demo) if args.demo else ARTIFACTS,
                configured=not args.demo,
                keys=args.keys,
                slots=args.slots,
                out=args.out,
                passed_over=args.passed_over,
            ),
            child,
        )
        self.balancer = LoadBalancer(
            f"{name}-lb",
            LoadBalancerArgs(
                load_balancer=settings.load_balancer,
                platform=platform,
                security_group_id=firewall.balancer_id,
                slots=args.slots,
                live_after=self.servers.installs_of(args.slots.declared),
            ),
            child,
        )
        Targets(
            f"{name}-targets",
            TargetsArgs(
                names=names,
                servers=settings.servers,
                load_balancer=settings.load_balancer,
                targets=self.servers.targets,
                target_groups=self.balancer.target_groups,
                may_look=self.servers.may_run,
            ),
            child,
        )
        if self.database:
            self._watch(self.database)
        self.register_outputs({"live_url": self.balancer.live_url, "preview_url": self.balancer.preview_url})

    def _make_database(self, security_group_id: Output[str]) -> Database:
        settings = self._args.settings
        args = DatabaseArgs(
            names=settings.names,
            database=settings.database,
            monitoring=settings.monitoring,
            platform=self._args.platform,
            security_group_id=security_group_id,
            protected=settings.protected,
        )
        return Database(f"{self._prefix}-database", args, self._child)

    def _watch(self, database: Database) -> None:
        settings = self._args.settings
        args = MonitoringArgs(
            names=settings.names,
            monitoring=settings.monitoring,
            database=settings.database,
            platform=self._args.platform,
            slots=self._args.slots,
            server_ids=[instance.id for instance in self.servers.instances],
            balancer=self.balancer.suffix,
            target_groups=self.balancer.group_suffixes,
            database_id=database.identifier,
        )
        Monitoring(f"{self._prefix}-monitoring", args, self._child)
