"""Firewall: who may talk to whom. Each kind of machine is a group, and nothing that is not written here passes."""

from dataclasses import dataclass

import pulumi
from pulumi import Output, ResourceOptions

from components.groups import allow_blocks, allow_group, let_out, make_group
from components.outputs import PlatformOutputs
from contract.slots import SLOT_PORTS
from settings import model


@dataclass(frozen=True, kw_only=True)
class FirewallArgs:
    """With a bastion SSH reaches servers from there only. There is a group for a `database` where there is one."""

    platform: PlatformOutputs
    load_balancer: model.LoadBalancer
    servers: model.Servers
    database: model.Database | None


class Firewall(pulumi.ComponentResource):
    """The security groups of load balancer, servers and database, with one resource per rule."""

    balancer_id: Output[str]
    servers_id: Output[str]
    database_id: Output[str] | None

    def __init__(self, name: str, args: FirewallArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:stage:Firewall", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)

        self.balancer_id = self._group("balancer", "Takes requests from users and from the team")
        self.servers_id = self._group("servers", "Runs releases")
        self.database_id = self._group("database", "Holds the data") if args.database else None
        self._let_users_reach_the_balancer()
        self._let_the_balancer_reach_slots()
        self._let_installs_reach_servers()
        self._let_servers_reach_the_database()
        let_out(f"{name}-https", self.servers_id, self._child)
        self.register_outputs(
            {"balancer_id": self.balancer_id, "servers_id": self.servers_id, "database_id": self.database_id}
        )

    def _group(self, part: str, description: str) -> Output[str]:
        return make_group(f"{self._prefix}-{part}", description, self._args.platform.vpc_id, self._child)

    def _let_users_reach_the_balancer(self) -> None:
        balancer, name = self._args.load_balancer, self._prefix
        allow_blocks(f"{name}-live", self.balancer_id, balancer.live_port, balancer.live_sources, self._child)
        if balancer.redirect_port:
            redirect, users = balancer.redirect_port, balancer.live_sources
            allow_blocks(f"{name}-redirect", self.balancer_id, redirect, users, self._child)
        preview, sources = balancer.preview_port, balancer.preview_sources
        allow_blocks(f"{name}-preview", self.balancer_id, preview, sources, self._child)

    def _let_the_balancer_reach_slots(self) -> None:
        for port in SLOT_PORTS.values():
            allow_group(f"{self._prefix}-slot-{port}", self.balancer_id, self.servers_id, port, self._child)

    def _let_installs_reach_servers(self) -> None:
        servers, name, bastion = self._args.servers, f"{self._prefix}-ssh", self._args.platform.bastion
        if bastion is None:
            allow_blocks(name, self.servers_id, servers.ssh_port, servers.ssh_sources, self._child)
        else:
            allow_group(name, bastion.group_id, self.servers_id, servers.ssh_port, self._child)

    def _let_servers_reach_the_database(self) -> None:
        database = self._args.database
        if database and self.database_id:
            allow_group(f"{self._prefix}-data", self.servers_id, self.database_id, database.port, self._child)
