"""Environment: the whole of one environment, as a function of settings, slots and keys.

`declare` is called by `__main__.py` with what the ledger says; tests, parity and previews call it with their own
values. Default providers are disabled, so a resource that does not come from here cannot be made.
"""

from dataclasses import dataclass, field

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws.provider import Provider as AwsProvider
from pulumi_aws.provider import ProviderAssumeRoleArgs, ProviderDefaultTagsArgs
from pulumi_command.provider import Provider as CommandProvider

from components.database import Database, DatabaseArgs
from components.firewall import Firewall, FirewallArgs
from components.load_balancer import HealthArgs, LoadBalancer, LoadBalancerArgs
from components.network import Network, NetworkArgs
from components.servers import Boot, Servers, ServersArgs, Ssh
from components.slots import SLOT_PORTS, Slot, Slots
from components.storage import Storage, StorageArgs
from settings.model import Settings


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The SSH keys of an environment: what opens its servers and what its servers show."""

    deploy_private: str = field(repr=False)
    host_public: str


@dataclass(frozen=True, kw_only=True)
class EnvironmentArgs:
    """Everything that an environment is made of."""

    settings: Settings
    slots: Slots
    keys: Keys


def declare(settings: Settings, slots: Slots, keys: Keys) -> "Environment":
    """Declare an environment with providers that refuse another account and tag whatever they make."""
    providers: dict[str, pulumi.ProviderResource] = {
        "aws": _aws_provider(settings),
        "command": CommandProvider("command"),
    }
    args = EnvironmentArgs(settings=settings, slots=slots, keys=keys)
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
    """Network, storage, database, servers and load balancer of one environment."""

    live_url: Output[str]
    preview_url: Output[str]
    database_id: Output[str]
    servers: list[dict[str, Output[str] | str]]
    target_groups: dict[Slot, Output[str]]
    load_balancer: Output[str]
    balancer_name: Output[str]

    def __init__(self, name: str, args: EnvironmentArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:components:Environment", name, {}, opts)
        self._prefix, self._args, self._settings = name, args, args.settings
        self._child = ResourceOptions(parent=self)

        network = self._make_network()
        firewall = self._make_firewall(network)
        storage = self._make_storage()
        database = self._make_database(network, firewall)
        servers = self._make_servers(network, firewall, storage, database)
        balancer = self._make_load_balancer(network, firewall, servers)

        self.live_url = balancer.live_url
        self.preview_url = balancer.preview_url
        self.database_id = database.identifier
        self.servers = servers.described
        self.target_groups = dict(balancer.target_groups)
        self.load_balancer = balancer.arn
        self.balancer_name = balancer.dns_name
        self.register_outputs({"live_url": self.live_url, "preview_url": self.preview_url})

    @property
    def _label(self) -> str:
        """What people see in the AWS console."""
        return f"{self._settings.project}-{self._settings.environment}"

    def _make_network(self) -> Network:
        network = self._settings.network
        args = NetworkArgs(
            label=self._label,
            region=self._settings.region,
            cidr=network.cidr,
            zones=network.zones,
            nat=network.nat,
        )
        return Network(f"{self._prefix}-network", args, self._child)

    def _make_firewall(self, network: Network) -> Firewall:
        balancer, servers = self._settings.load_balancer, self._settings.servers
        args = FirewallArgs(
            vpc_id=network.vpc_id,
            live_port=balancer.live_port,
            preview_port=balancer.preview_port,
            preview_sources=balancer.preview_sources,
            ssh_port=servers.ssh_port,
            ssh_sources=servers.ssh_sources,
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

    def _make_database(self, network: Network, firewall: Firewall) -> Database:
        database = self._settings.database
        args = DatabaseArgs(
            vpc_id=network.vpc_id,
            subnet_ids=network.private_subnet_ids,
            security_group_id=firewall.database_id,
            parameter=self._settings.names.database_parameter,
            final_snapshot_prefix=self._label,
            engine=database.engine,
            version=database.version,
            instance_class=database.instance_class,
            storage_gb=database.storage_gb,
            port=database.port,
            multi_az=database.multi_az,
            backup_days=database.backup_days,
            deletion_protection=database.deletion_protection,
            final_snapshot=database.final_snapshot,
            protected=self._settings.protected,
        )
        return Database(f"{self._prefix}-database", args, self._child)

    def _make_servers(self, network: Network, firewall: Firewall, storage: Storage, database: Database) -> Servers:
        servers = self._settings.servers
        args = ServersArgs(
            label=self._label,
            account=self._settings.account,
            count=servers.count,
            instance_type=servers.instance_type,
            ami=servers.ami,
            disk_gb=servers.disk_gb,
            subnet_ids=network.public_subnet_ids,
            security_group_id=firewall.servers_id,
            artifact_bucket_arn=storage.artifact_bucket_arn,
            database_parameter_arn=database.parameter_arn,
            database_secret_arn=database.secret_arn,
            boot=self._boot(),
            ssh=self._ssh(),
            install_timeout=servers.install_timeout,
            settle=servers.settle,
            slots=self._args.slots,
        )
        return Servers(f"{self._prefix}-servers", args, self._child)

    def _boot(self) -> Boot:
        names = self._settings.names
        return Boot(
            project=self._settings.project,
            environment=self._settings.environment,
            region=self._settings.region,
            user=self._settings.servers.user,
            artifact_bucket=names.artifact_bucket,
            database_parameter=names.database_parameter,
            host_key_secret=names.host_key,
            authorized_keys_secret=names.authorized_keys,
        )

    def _ssh(self) -> Ssh:
        servers, keys = self._settings.servers, self._args.keys
        return Ssh(
            user=servers.user,
            port=servers.ssh_port,
            dial_error_limit=servers.dial_error_limit,
            private_key=keys.deploy_private,
            host_key=keys.host_public,
        )

    def _make_load_balancer(self, network: Network, firewall: Firewall, servers: Servers) -> LoadBalancer:
        balancer, slots = self._settings.load_balancer, self._args.slots
        args = LoadBalancerArgs(
            vpc_id=network.vpc_id,
            subnet_ids=network.public_subnet_ids,
            security_group_id=firewall.balancer_id,
            server_ids=[instance.id for instance in servers.instances],
            live_port=balancer.live_port,
            preview_port=balancer.preview_port,
            certificate=balancer.certificate,
            domain=balancer.domain,
            health=self._health(),
            deletion_protection=balancer.deletion_protection,
            slots=slots,
            live_after=[] if slots.declared is None else servers.installs[slots.declared],
        )
        return LoadBalancer(f"{self._prefix}-lb", args, self._child)

    def _health(self) -> HealthArgs:
        health = self._settings.load_balancer.health
        return HealthArgs(
            interval=health.interval,
            timeout=health.timeout,
            healthy=health.healthy,
            unhealthy=health.unhealthy,
        )
