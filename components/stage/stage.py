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
from components.stage.shared_database import Shared, SharedDatabase, SharedDatabaseArgs
from components.stage.targets import Targets, TargetsArgs
from contract.artifacts import ARTIFACTS, demo_folder
from settings.demos import database_of
from settings.model import Settings


@dataclass(frozen=True, kw_only=True)
class DemoStage:
    """What makes a stage a demo's: its `creation` id, the deployment that may migrate, and which database it has: one
    of its own, one in that of its base (`shared`), or none.
    """

    creation: str
    migrates: str
    has_own_database: bool = False
    shared: Shared | None = None


@dataclass(frozen=True, kw_only=True)
class StageArgs:
    """`platform` is what it stands on. `out` and `passed_over` are names of servers, like `env-servers-2`.

    A `demo` has no configuration, wakes nobody, and its artifacts lie in a place of their own.
    """

    settings: Settings
    platform: PlatformOutputs
    keys: Keys
    slots: Slots
    out: frozenset[str]
    passed_over: frozenset[str]
    demo: DemoStage | None = None


class Stage(pulumi.ComponentResource):
    """Servers with two slots each, behind a load balancer, with a database. Raises ValueError where all are out.

    A demo has a `database` only where that is its own.
    """

    database: Database | None
    servers: Servers
    balancer: LoadBalancer

    def __init__(self, name: str, args: StageArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:stage:Stage", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)
        settings, names, platform, child = args.settings, args.settings.names, args.platform, self._child
        demo = args.demo

        firewall = Firewall(
            f"{name}-firewall",
            FirewallArgs(
                platform=platform,
                load_balancer=settings.load_balancer,
                servers=settings.servers,
                database=settings.database if demo is None or demo.has_own_database else None,
            ),
            child,
        )
        self.database = self._make_database(firewall.database_id) if firewall.database_id else None
        shared = self._share_database(demo, firewall.servers_id) if demo else None
        self.servers = Servers(
            f"{name}-servers",
            ServersArgs(
                names=names,
                servers=settings.servers,
                platform=platform,
                security_group_id=firewall.servers_id,
                parameter_arns=self._parameters(shared),
                artifact_folder=demo_folder(demo.creation) if demo else ARTIFACTS,
                configured=demo is None,
                keys=args.keys,
                slots=args.slots,
                out=args.out,
                passed_over=args.passed_over,
                ready=shared.ready if shared else [self.database.migration] if self.database and demo else [],
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
        if self.database and demo is None:
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
            migrates=self._args.demo.migrates if self._args.demo else None,
        )
        return Database(f"{self._prefix}-database", args, self._child)

    def _share_database(self, demo: DemoStage, servers_group_id: Output[str]) -> SharedDatabase | None:
        if demo.shared is None:
            return None
        args = SharedDatabaseArgs(
            names=self._args.settings.names,
            shared=demo.shared,
            database=database_of(demo.creation),
            servers_group_id=servers_group_id,
            migrates=demo.migrates,
        )
        return SharedDatabase(f"{self._prefix}-shared", args, self._child)

    def _parameters(self, shared: SharedDatabase | None) -> list[Output[str]]:
        """What leads servers to their database, whosever it is."""
        if shared:
            return [shared.parameter_arn, shared.migration_arn]
        return [self.database.parameter_arn, self.database.migration.arn] if self.database else []

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
