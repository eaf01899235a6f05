"""Environment: the whole of one environment, as a function of settings, slots and keys.

`declare` is called by `__main__.py` with what the ledger says; tests, parity and previews call it with their own
values. Default providers are disabled, so a resource that does not come from here cannot be made.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws.provider import Provider as AwsProvider
from pulumi_aws.provider import ProviderAssumeRoleArgs, ProviderDefaultTagsArgs
from pulumi_command.provider import Provider as CommandProvider

from components.access import Access, AccessArgs
from components.bastion import Bastion, BastionArgs
from components.database import Database, DatabaseArgs
from components.firewall import Firewall, FirewallArgs
from components.guard import make_guard
from components.load_balancer import HealthArgs, LoadBalancer, LoadBalancerArgs
from components.logs import Logs, LogsArgs
from components.machine import Boot, Ssh
from components.monitoring import Monitoring, MonitoringArgs
from components.network import Network, NetworkArgs
from components.servers import Servers, ServersArgs
from components.slots import Slots
from components.storage import Storage, StorageArgs
from components.targets import Targets, TargetsArgs
from contract.slots import SLOT_PORTS, Slot
from settings.model import Settings


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The SSH keys of an environment: what opens its machines, and what its servers and its bastion show."""

    deploy_private: str = field(repr=False)
    host_public: str
    bastion_host_public: str | None = None


@dataclass(frozen=True, kw_only=True)
class EnvironmentArgs:
    """Everything that an environment is made of. `out` and `passed_over` are names of servers, like `env-servers-2`."""

    settings: Settings
    slots: Slots
    keys: Keys
    out: frozenset[str] = frozenset()
    passed_over: frozenset[str] = frozenset()


def declare(
    settings: Settings,
    slots: Slots,
    keys: Keys,
    *,
    out: Collection[str] = (),
    passed_over: Collection[str] = (),
) -> "Environment":
    """Declare an environment with providers that refuse another account and tag whatever they make.

    Servers that are `out` are dead: nothing that would have to reach them is declared, until they are replaced. On
    those that are `passed_over` nothing is installed by this one `pulumi up`, so that it does not fail because of
    them. Raises ValueError where every server is out.
    """
    providers: dict[str, pulumi.ProviderResource] = {
        "aws": _aws_provider(settings),
        "command": CommandProvider("command"),
    }
    args = EnvironmentArgs(
        settings=settings, slots=slots, keys=keys, out=frozenset(out), passed_over=frozenset(passed_over)
    )
    # The same name everywhere and short: children are named after it (see components/__init__.py).
    return Environment("env", args, ResourceOptions(providers=providers))


def _aws_provider(settings: Settings) -> AwsProvider:
    return AwsProvider(
        "aws",
        region=settings.region,
        allowed_account_ids=[settings.account],
        default_tags=ProviderDefaultTagsArgs(tags=settings.tags),
        assume_roles=[ProviderAssumeRoleArgs(role_arn=settings.role)] if settings.role else None,
    )


class Environment(pulumi.ComponentResource):
    """Network, storage, database, servers, load balancer and monitoring of one environment."""

    live_url: Output[str]
    preview_url: Output[str]
    database_id: Output[str]
    servers: list[dict[str, Output[str] | str]]
    bastion: dict[str, Output[str]] | None
    known_hosts: Output[str]
    installer: str
    target_groups: dict[Slot, Output[str]]
    load_balancer: Output[str]
    balancer_name: Output[str]

    def __init__(self, name: str, args: EnvironmentArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:components:Environment", name, {}, opts)
        self._prefix, self._args, self._settings = name, args, args.settings
        self._child = ResourceOptions(parent=self)

        access = self._make_access()
        logs = self._make_logs()
        network = self._make_network(access, logs)
        firewall = self._make_firewall(network)
        storage = self._make_storage()
        database = self._make_database(network, firewall, logs)
        bastion = self._make_bastion(access, network, firewall)
        servers = self._make_servers(access, network, firewall, storage, database, bastion, logs)
        balancer = self._make_load_balancer(network, firewall, servers, logs)
        targets = self._make_targets(servers, balancer)
        monitoring = self._make_monitoring(servers, balancer, database, logs)
        hop = [] if bastion is None else [bastion]
        self._make_guard(
            access, logs, network, firewall, storage, database, *hop, servers, balancer, targets, monitoring
        )

        self.live_url = balancer.live_url
        self.preview_url = balancer.preview_url
        self.database_id = database.identifier
        self.servers = servers.described
        self.bastion = None if bastion is None else bastion.described
        self.installer = servers.installer
        self.known_hosts = Output.concat(*([] if bastion is None else [bastion.known_host]), *servers.known_hosts)
        self.target_groups = dict(balancer.target_groups)
        self.load_balancer = balancer.arn
        self.balancer_name = balancer.dns_name
        self.register_outputs({"live_url": self.live_url, "preview_url": self.preview_url})

    @property
    def _label(self) -> str:
        """What people see in the AWS console."""
        return f"{self._settings.project}-{self._settings.environment}"

    def _make_access(self) -> Access:
        settings = self._settings
        args = AccessArgs(
            names=settings.names,
            promotes_from=settings.promotes_from,
            repository=settings.access.repository,
            operators=settings.access.operators,
            approvers=settings.access.approvers,
            protected=settings.protected,
        )
        return Access(f"{self._prefix}-access", args, self._child)

    def _make_logs(self) -> Logs:
        settings = self._settings
        args = LogsArgs(
            account=settings.account,
            region=settings.region,
            server_logs=settings.names.server_logs,
            log_days=settings.monitoring.log_days,
            access_log_days=settings.load_balancer.access_log_days,
            force_destroy=settings.storage.force_destroy,
            protected=settings.protected,
        )
        return Logs(f"{self._prefix}-logs", args, self._child)

    def _make_network(self, access: Access, logs: Logs) -> Network:
        network = self._settings.network
        args = NetworkArgs(
            label=self._label,
            account=self._settings.account,
            region=self._settings.region,
            cidr=network.cidr,
            zones=network.zones,
            nat=network.nat,
            flow_log_days=network.flow_log_days,
            log_key_arn=logs.key_arn,
            bounds=access.bounds,
        )
        return Network(f"{self._prefix}-network", args, self._child)

    def _make_firewall(self, network: Network) -> Firewall:
        balancer, servers = self._settings.load_balancer, self._settings.servers
        args = FirewallArgs(
            vpc_id=network.vpc_id,
            live_port=balancer.live_port,
            redirect_port=balancer.redirect_port,
            preview_port=balancer.preview_port,
            preview_sources=balancer.preview_sources,
            ssh_port=servers.ssh_port,
            ssh_sources=servers.ssh_sources,
            bastion=servers.bastion is not None,
            slot_ports=tuple(SLOT_PORTS.values()),
            database_port=self._settings.database.port,
        )
        return Firewall(f"{self._prefix}-firewall", args, self._child)

    def _make_storage(self) -> Storage:
        storage, names = self._settings.storage, self._settings.names
        args = StorageArgs(
            artifact_bucket=names.artifact_bucket,
            backup_bucket=names.backup_bucket,
            signing_alias=names.signing_alias,
            object_lock=storage.object_lock,
            readable_by=storage.readable_by,
            force_destroy=storage.force_destroy,
            protected=self._settings.protected,
        )
        return Storage(f"{self._prefix}-storage", args, self._child)

    def _make_database(self, network: Network, firewall: Firewall, logs: Logs) -> Database:
        database = self._settings.database
        args = DatabaseArgs(
            account=self._settings.account,
            vpc_id=network.vpc_id,
            subnet_ids=network.private_subnet_ids,
            security_group_id=firewall.database_id,
            parameter=self._settings.names.database_parameter,
            migration_parameter=self._settings.names.migration_parameter,
            key_alias=self._settings.names.database_alias,
            login_secret=self._settings.names.database_login,
            label=self._label,
            log_key_arn=logs.key_arn,
            log_days=self._settings.monitoring.log_days,
            engine=database.engine,
            version=database.version,
            instance_class=database.instance_class,
            storage_gb=database.storage_gb,
            port=database.port,
            tls=database.tls,
            multi_az=database.multi_az,
            backup_days=database.backup_days,
            deletion_protection=database.deletion_protection,
            final_snapshot=database.final_snapshot,
            protected=self._settings.protected,
        )
        return Database(f"{self._prefix}-database", args, self._child)

    def _make_bastion(self, access: Access, network: Network, firewall: Firewall) -> Bastion | None:
        bastion, host_key = self._settings.servers.bastion, self._args.keys.bastion_host_public
        if bastion is None or firewall.bastion_id is None:
            return None
        if host_key is None:
            raise ValueError("the bastion's host key is not known: without it nobody would check whom SSH goes through")
        args = BastionArgs(
            label=self._label,
            account=self._settings.account,
            instance_type=bastion.instance_type,
            ami=bastion.ami,
            subnet_id=network.public_subnet_ids[0],
            security_group_id=firewall.bastion_id,
            bounds=access.bounds,
            boot=self._boot(self._settings.names.bastion_host_key),
            ssh=self._ssh(host_key),
        )
        return Bastion(f"{self._prefix}-bastion", args, self._child)

    def _make_servers(
        self,
        access: Access,
        network: Network,
        firewall: Firewall,
        storage: Storage,
        database: Database,
        bastion: Bastion | None,
        logs: Logs,
    ) -> Servers:
        servers, names = self._settings.servers, self._settings.names
        args = ServersArgs(
            label=self._label,
            account=self._settings.account,
            count=servers.count,
            instance_type=servers.instance_type,
            ami=servers.ami,
            disk_gb=servers.disk_gb,
            subnet_ids=network.public_subnet_ids if bastion is None else network.private_subnet_ids,
            security_group_id=firewall.servers_id,
            bounds=access.bounds,
            bastion=bastion,
            after=network.way_out,
            artifact_bucket_arn=storage.artifact_bucket_arn,
            parameter_arns=[database.parameter_arn, database.migration_arn],
            database_login_secret=names.database_login,
            server_logs_arn=logs.server_logs_arn,
            boot=replace(
                self._boot(names.host_key),
                artifact_bucket=names.artifact_bucket,
                database_parameter=names.database_parameter,
                migration_parameter=names.migration_parameter,
                server_logs=names.server_logs,
            ),
            ssh=self._ssh(self._args.keys.host_public),
            install_timeout=servers.install_timeout,
            settle=servers.settle,
            slots=self._args.slots,
            out=self._args.out,
            passed_over=self._args.passed_over,
        )
        return Servers(f"{self._prefix}-servers", args, self._child)

    def _boot(self, host_key_secret: str) -> Boot:
        return Boot(
            project=self._settings.project,
            environment=self._settings.environment,
            region=self._settings.region,
            user=self._settings.servers.user,
            host_key_secret=host_key_secret,
            authorized_keys_secret=self._settings.names.authorized_keys,
        )

    def _ssh(self, host_key: str) -> Ssh:
        servers = self._settings.servers
        return Ssh(
            user=servers.user,
            port=servers.ssh_port,
            dial_error_limit=servers.dial_error_limit,
            private_key=self._args.keys.deploy_private,
            host_key=host_key,
        )

    def _make_load_balancer(self, network: Network, firewall: Firewall, servers: Servers, logs: Logs) -> LoadBalancer:
        balancer, slots = self._settings.load_balancer, self._args.slots
        args = LoadBalancerArgs(
            vpc_id=network.vpc_id,
            subnet_ids=network.public_subnet_ids,
            security_group_id=firewall.balancer_id,
            live_port=balancer.live_port,
            preview_port=balancer.preview_port,
            redirect_port=balancer.redirect_port,
            certificate=balancer.certificate,
            domain=balancer.domain,
            health=self._health(),
            drain=balancer.drain,
            deletion_protection=balancer.deletion_protection,
            access_bucket=logs.access_bucket,
            slots=slots,
            live_after=[] if slots.declared is None else list(servers.installs[slots.declared].values()),
        )
        return LoadBalancer(f"{self._prefix}-lb", args, self._child)

    def _make_targets(self, servers: Servers, balancer: LoadBalancer) -> Targets:
        settings = self._settings
        args = TargetsArgs(
            region=settings.region,
            servers=servers.targets,
            target_groups=balancer.target_groups,
            drain=settings.load_balancer.drain,
            in_service_limit=settings.servers.install_timeout,
            may_look=servers.may_run,
        )
        return Targets(f"{self._prefix}-targets", args, self._child)

    def _make_monitoring(self, servers: Servers, balancer: LoadBalancer, database: Database, logs: Logs) -> Monitoring:
        settings = self._settings
        args = MonitoringArgs(
            label=self._label,
            account=settings.account,
            region=settings.region,
            key_arn=logs.key_arn,
            emails=settings.monitoring.emails,
            server_ids=[instance.id for instance in servers.instances],
            balancer=balancer.suffix,
            target_groups=balancer.group_suffixes,
            public=self._args.slots.public,
            live=self._args.slots.declared is not None,
            database=database.identifier,
            database_engine=settings.database.engine,
            database_class=settings.database.instance_class,
            storage_gb=settings.database.storage_gb,
        )
        return Monitoring(f"{self._prefix}-monitoring", args, self._child)

    def _make_guard(self, *everything: pulumi.Resource) -> None:
        protected, parameter = self._settings.protected, self._settings.names.guard_parameter
        make_guard(f"{self._prefix}-guard", parameter, everything, protected=protected, parent=self)

    def _health(self) -> HealthArgs:
        health = self._settings.load_balancer.health
        return HealthArgs(
            interval=health.interval,
            timeout=health.timeout,
            healthy=health.healthy,
            unhealthy=health.unhealthy,
        )
