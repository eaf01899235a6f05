"""Platform: what an environment has once, whatever runs on it: access, logs, network, storage, bastion."""

from dataclasses import dataclass

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws.ssm.parameter import Parameter

from components.machine import Bounds, Keys, Ssh
from components.outputs import PlatformOutputs
from components.platform.access import Access, AccessArgs
from components.platform.bastion import Bastion, BastionArgs
from components.platform.logs import Logs, LogsArgs
from components.platform.network import Network, NetworkArgs
from components.platform.storage import Storage, StorageArgs
from settings.model import Settings


@dataclass(frozen=True, kw_only=True)
class PlatformArgs:
    """What the stack file says, and the keys of its machines."""

    settings: Settings
    keys: Keys


class Platform(pulumi.ComponentResource):
    """`outputs` are all that a stage needs to know of it; whoever makes one in another stack reads them in a parameter.

    There is a `bastion` where servers are private.
    """

    outputs: PlatformOutputs
    bastion: Bastion | None

    def __init__(self, name: str, args: PlatformArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:platform:Platform", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)
        settings, names, protected = args.settings, args.settings.names, args.settings.protected

        access = Access(
            f"{name}-access",
            AccessArgs(names=names, access=settings.access, promotes_from=settings.promotes_from, protected=protected),
            self._child,
        )
        logs = Logs(
            f"{name}-logs",
            LogsArgs(
                names=names,
                monitoring=settings.monitoring,
                load_balancer=settings.load_balancer,
                storage=settings.storage,
                protected=protected,
            ),
            self._child,
        )
        network = Network(
            f"{name}-network",
            NetworkArgs(names=names, network=settings.network, log_key_arn=logs.key_arn, bounds=access.bounds),
            self._child,
        )
        storage = Storage(
            f"{name}-storage", StorageArgs(names=names, storage=settings.storage, protected=protected), self._child
        )
        self.bastion = self._make_bastion(network, access.bounds)
        self.outputs = PlatformOutputs(
            vpc_id=network.vpc_id,
            public_subnet_ids=network.public_subnet_ids,
            private_subnet_ids=network.private_subnet_ids,
            machine_subnet_ids=network.outgoing_subnet_ids if self.bastion else network.public_subnet_ids,
            bounds=access.bounds,
            artifact_bucket=storage.artifact_bucket,
            log_key_arn=logs.key_arn,
            access_bucket=logs.access_bucket,
            server_logs=logs.server_logs,
            server_logs_arn=logs.server_logs_arn,
            bastion=self.bastion.outputs if self.bastion else None,
        )
        Parameter(
            f"{name}-outputs",
            name=names.platform_parameter,
            type="String",
            value=Output.json_dumps(self.outputs.exported, sort_keys=True),
            opts=self._child,
        )
        self.register_outputs(self.outputs.exported)

    @property
    def known_hosts(self) -> list[Output[str]]:
        """The bastion's line of `known_hosts`, if there is one."""
        return [self.bastion.known_host] if self.bastion else []

    def _make_bastion(self, network: Network, bounds: Bounds) -> Bastion | None:
        servers, keys = self._args.settings.servers, self._args.keys
        if servers.bastion is None:
            return None
        if keys.bastion_host_public is None:
            raise ValueError("the bastion's host key is not known: without it nobody would check whom SSH goes through")
        args = BastionArgs(
            names=self._args.settings.names,
            bastion=servers.bastion,
            ssh=Ssh(servers=servers, private_key=keys.deploy_private, host_key=keys.bastion_host_public),
            vpc_id=network.vpc_id,
            subnet_id=network.public_subnet_ids[0],
            bounds=bounds,
        )
        return Bastion(f"{self._prefix}-bastion", args, self._child)
