"""Firewall: who may talk to whom. Each kind of machine is a group, and nothing that is not written here passes."""

from collections.abc import Iterable
from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws.ec2.security_group import SecurityGroup
from pulumi_aws.vpc.security_group_egress_rule import SecurityGroupEgressRule
from pulumi_aws.vpc.security_group_ingress_rule import SecurityGroupIngressRule

from components.platform.network import EVERYWHERE

HTTPS = 443


@dataclass(frozen=True, kw_only=True)
class FirewallArgs:
    """Ports and the address blocks that may reach them. With a `bastion` SSH reaches servers from there only."""

    vpc_id: Input[str]
    live_port: int
    redirect_port: int | None
    preview_port: int
    preview_sources: tuple[str, ...]
    ssh_port: int
    ssh_sources: tuple[str, ...]
    bastion: bool
    slot_ports: tuple[int, ...]
    database_port: int


class Firewall(pulumi.ComponentResource):
    """The security groups of load balancer, servers, database and bastion, with one resource per rule."""

    balancer_id: Output[str]
    servers_id: Output[str]
    database_id: Output[str]
    bastion_id: Output[str] | None

    def __init__(self, name: str, args: FirewallArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:components:Firewall", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)

        self.balancer_id = self._group("balancer", "Takes requests from users and from the team").id
        self.servers_id = self._group("servers", "Runs releases").id
        self.database_id = self._group("database", "Holds the data").id
        self.bastion_id = self._group("bastion", "Leads to servers").id if args.bastion else None
        self._let_users_reach_the_balancer()
        self._let_the_balancer_reach_slots()
        self._let_installs_reach_servers()
        self._let_servers_reach_the_database()
        self._let_machines_reach_aws()
        self.register_outputs(
            {
                "balancer_id": self.balancer_id,
                "servers_id": self.servers_id,
                "database_id": self.database_id,
                "bastion_id": self.bastion_id,
            }
        )

    def _let_users_reach_the_balancer(self) -> None:
        self._allow_blocks("live", self.balancer_id, self._args.live_port, [EVERYWHERE])
        if self._args.redirect_port:
            self._allow_blocks("redirect", self.balancer_id, self._args.redirect_port, [EVERYWHERE])
        self._allow_blocks("preview", self.balancer_id, self._args.preview_port, self._args.preview_sources)

    def _let_the_balancer_reach_slots(self) -> None:
        for port in self._args.slot_ports:
            self._allow_group(f"slot-{port}", self.balancer_id, self.servers_id, port)

    def _let_installs_reach_servers(self) -> None:
        port, sources = self._args.ssh_port, self._args.ssh_sources
        if self.bastion_id is None:
            self._allow_blocks("ssh", self.servers_id, port, sources)
        else:
            self._allow_blocks("bastion", self.bastion_id, port, sources)
            self._allow_group("ssh", self.bastion_id, self.servers_id, port)

    def _let_servers_reach_the_database(self) -> None:
        self._allow_group("data", self.servers_id, self.database_id, self._args.database_port)

    def _let_machines_reach_aws(self) -> None:
        """Artifacts, secrets and parameters come over HTTPS; a release reaches nothing else outside."""
        self._let_out("https", self.servers_id)
        if self.bastion_id is not None:
            self._let_out("bastion-https", self.bastion_id)

    def _let_out(self, part: str, group: Output[str]) -> None:
        SecurityGroupEgressRule(
            f"{self._prefix}-{part}",
            security_group_id=group,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            cidr_ipv4=EVERYWHERE,
            opts=self._child,
        )

    def _group(self, part: str, description: str) -> SecurityGroup:
        return SecurityGroup(
            f"{self._prefix}-{part}", vpc_id=self._args.vpc_id, description=description, opts=self._child
        )

    def _allow_blocks(self, part: str, group: Output[str], port: int, blocks: Iterable[str]) -> None:
        """Let address blocks reach a port. A rule is named after its block: adding one replaces no other."""
        for block in blocks:
            SecurityGroupIngressRule(
                f"{self._prefix}-{part}-{block.replace('/', '-')}",
                security_group_id=group,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                cidr_ipv4=block,
                opts=self._child,
            )

    def _allow_group(self, part: str, source: Output[str], target: Output[str], port: int) -> None:
        """Let one group reach another: both sides must say so."""
        SecurityGroupEgressRule(
            f"{self._prefix}-{part}-out",
            security_group_id=source,
            referenced_security_group_id=target,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            opts=self._child,
        )
        SecurityGroupIngressRule(
            f"{self._prefix}-{part}-in",
            security_group_id=target,
            referenced_security_group_id=source,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            opts=self._child,
        )
