"""Stage: what an application has for itself on a platform: database, servers, load balancer, alarms."""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.machine import Keys
from components.outputs import PlatformOutputs
from components.slots import Slots
from components.stage.database import Database, DatabaseArgs
from components.stage.firewall import Firewall, FirewallArgs
from components.stage.load_balancer import LoadBalancer, LoadBalancerArgs
from components.stage.monitoring import Monitoring, MonitoringArgs
from components.stage.servers import Servers, ServersArgs
from components.stage.targets import Targets, TargetsArgs
from settings.model import Settings


@dataclass(frozen=True, kw_only=True)
class StageArgs:
    """`platform` is what it stands on. `out` and `passed_over` are names of servers, like `env-servers-2`."""

    settings: Settings
    platform: PlatformOutputs
    keys: Keys
    slots: Slots
    out: frozenset[str]
    passed_over: frozenset[str]


class Stage(pulumi.ComponentResource):
    """Servers with two slots each, behind a load balancer, with a database. Raises ValueError where all are out."""

    database: Database
    servers: Servers
    balancer: LoadBalancer

    def __init__(self, name: str, args: StageArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:stage:Stage", name, {}, opts)
        settings, names, platform, child = (
            args.settings,
            args.settings.names,
            args.platform,
            ResourceOptions(parent=self),
        )

        firewall = Firewall(
            f"{name}-firewall",
            FirewallArgs(
                platform=platform,
                load_balancer=settings.load_balancer,
                servers=settings.servers,
                database=settings.database,
            ),
            child,
        )
        self.database = Database(
            f"{name}-database",
            DatabaseArgs(
                names=names,
                database=settings.database,
                monitoring=settings.monitoring,
                platform=platform,
                security_group_id=firewall.database_id,
                protected=settings.protected,
            ),
            child,
        )
        self.servers = Servers(
            f"{name}-servers",
            ServersArgs(
                names=names,
                servers=settings.servers,
                platform=platform,
                security_group_id=firewall.servers_id,
                parameter_arns=[self.database.parameter_arn, self.database.migration_arn],
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
        Monitoring(
            f"{name}-monitoring",
            MonitoringArgs(
                names=names,
                monitoring=settings.monitoring,
                database=settings.database,
                platform=platform,
                slots=args.slots,
                server_ids=[instance.id for instance in self.servers.instances],
                balancer=self.balancer.suffix,
                target_groups=self.balancer.group_suffixes,
                database_id=self.database.identifier,
            ),
            child,
        )
        self.register_outputs({"live_url": self.balancer.live_url, "preview_url": self.balancer.preview_url})
