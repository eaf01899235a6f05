"""Bastion: the one machine that SSH reaches from outside where servers are private.

It has a host key of its own, may read nothing but its two boot secrets, and holds no key that opens a server: whoever
passes through it brings one. Of servers each stage says for itself that the bastion's group reaches them.
"""

from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws.ec2.instance import Instance
from pulumi_aws.iam.instance_profile import InstanceProfile

from components.groups import allow_blocks, let_out, make_group
from components.machine import (
    Bounds,
    MachineArgs,
    Ssh,
    allow,
    boot_settings,
    boot_statements,
    known_host,
    make_machine,
    make_role,
)
from components.outputs import BastionOutputs
from settings import model
from settings.names import Names

DISK_GB = 8


@dataclass(frozen=True, kw_only=True)
class BastionArgs:
    """`bastion` is what it is, and `ssh` how it is reached, with its own host key."""

    names: Names
    bastion: model.Bastion
    ssh: Ssh
    vpc_id: Input[str]
    subnet_id: Input[str]
    bounds: Bounds


class Bastion(pulumi.ComponentResource):
    """A small public machine without slots, which leads to servers."""

    outputs: BastionOutputs
    described: dict[str, Output[str]]
    known_host: Output[str]

    def __init__(self, name: str, args: BastionArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:platform:Bastion", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)

        group_id = self._make_group()
        instance = self._make_instance(group_id)
        self.outputs = BastionOutputs(address=instance.public_ip, host_key=args.ssh.host_key, group_id=group_id)
        self.described = {"id": instance.id, "address": instance.public_ip}
        self.known_host = known_host(instance.public_ip, args.ssh)
        self.register_outputs(self.described)

    def _make_group(self) -> Output[str]:
        servers, name = self._args.ssh.servers, self._prefix
        group = make_group(f"{name}-group", "Leads to servers", self._args.vpc_id, self._child)
        allow_blocks(f"{name}-ssh", group, servers.ssh_port, servers.ssh_sources, self._child)
        let_out(f"{name}-https", group, self._child)
        return group

    def _make_instance(self, group_id: Output[str]) -> Instance:
        args, name, key = self._args, self._prefix, self._args.names.bastion_host_key
        role = make_role(f"{name}-role", args.bounds, self._child)
        may_boot = allow(f"{name}-boot", role, boot_statements(args.names, key), self._child)
        machine = MachineArgs(
            label=f"{args.names.label}-bastion",
            instance_type=args.bastion.instance_type,
            ami=args.bastion.ami,
            disk_gb=DISK_GB,
            subnet_id=args.subnet_id,
            security_group_id=group_id,
            public=True,
            profile=InstanceProfile(f"{name}-profile", path=args.bounds.path, role=role.name, opts=self._child),
            boot=boot_settings(args.names, args.ssh.servers, key),
            after=[may_boot],
        )
        return make_machine(f"{name}-instance", machine, self)
