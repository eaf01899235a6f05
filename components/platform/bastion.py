"""Bastion: the one machine that SSH reaches from outside where servers are private.

It has a host key of its own, may read nothing but its two boot secrets, and holds no key that opens a server: whoever
passes through it brings one.

Behind a proxy the command plugin retries only until TCP connects. A handshake that fails after that is tried again on
the same dead connection, so a server that still shows its image's host key would fail the whole `up`. Hence `wait`:
the bastion itself looks at a new server's key, until it is the pinned one, before anybody is sent through.
"""

from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws.ec2.instance import Instance
from pulumi_aws.iam.instance_profile import InstanceProfile
from pulumi_command.remote import Command, ConnectionArgs, ProxyConnectionArgs

from components.machine import (
    DIAL_TIMEOUT,
    Boot,
    MachineArgs,
    Ssh,
    allow,
    boot_statements,
    connection_to,
    known_host,
    make_machine,
    make_role,
)
from components.platform.access import Bounds

DISK_GB = 8

LONGEST_PAUSE = 5
"""Seconds: the plugin dials at least this often, so its limit of failed dials becomes a time."""

DIALS_BEHIND = 10
"""Dials of a server through the bastion: eleven seconds. A handshake that failed spends them all in vain."""

# Seen twice, as sshd is restarted just when it gets its key. Address, port and key come on stdin.
SHOWS_PINNED_KEY = (
    'shown() { ssh-keyscan -T 5 -t ed25519 -p "$port" -- "$address" 2>/dev/null | grep -qF -- "$key"; }; '
    "read -r address port key; until shown && sleep 1 && shown; do sleep 1; done"
)


@dataclass(frozen=True, kw_only=True)
class BastionArgs:
    """`ssh` is how the bastion is reached, with its own host key."""

    label: str
    account: str
    instance_type: str
    ami: str
    subnet_id: Input[str]
    security_group_id: Input[str]
    bounds: Bounds
    boot: Boot
    ssh: Ssh


class Bastion(pulumi.ComponentResource):
    """A small public machine without slots, which leads to servers."""

    address: Output[str]
    described: dict[str, Output[str]]
    known_host: Output[str]

    def __init__(self, name: str, args: BastionArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:components:Bastion", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)

        instance = self._make_instance()
        self.address = instance.public_ip
        self.described = {"id": instance.id, "address": instance.public_ip}
        self.known_host = known_host(instance.public_ip, args.ssh)
        self.register_outputs(self.described)

    def wait(self, name: str, server: Instance, ssh: Ssh, parent: pulumi.Resource) -> Command:
        """Done when the server shows its pinned host key to the bastion."""
        limit = ssh.dial_error_limit * LONGEST_PAUSE
        failed = f"the server has not shown the pinned host key for {limit} seconds: look at its boot log"
        return Command(
            name,
            connection=connection_to(self.address, self._args.ssh),
            create=f"timeout {limit} sh -c '{SHOWS_PINNED_KEY}' || {{ echo '{failed}' >&2; exit 1; }}",
            stdin=Output.format("{0} {1} {2}\n", server.private_ip, ssh.port, ssh.host_key.split()[1]),
            add_previous_output_in_env=False,
            triggers=[server.id],
            opts=ResourceOptions(parent=parent),
        )

    def connection_to(self, server: Instance, ssh: Ssh) -> ConnectionArgs:
        """How the installer reaches a server through the bastion. Each of the two must show its own key."""
        return ConnectionArgs(
            host=server.private_ip,
            port=ssh.port,
            user=ssh.user,
            private_key=Output.secret(ssh.private_key),
            host_key=ssh.host_key,
            dial_error_limit=min(ssh.dial_error_limit, DIALS_BEHIND),
            per_dial_timeout=DIAL_TIMEOUT,
            proxy=self._proxy(),
        )

    def _make_instance(self) -> Instance:
        args, name = self._args, self._prefix
        role = make_role(f"{name}-role", args.bounds, self._child)
        may_boot = allow(f"{name}-boot", role, boot_statements(args.boot, args.account), self._child)
        machine = MachineArgs(
            label=f"{args.label}-bastion",
            instance_type=args.instance_type,
            ami=args.ami,
            disk_gb=DISK_GB,
            subnet_id=args.subnet_id,
            security_group_id=args.security_group_id,
            public=True,
            profile=InstanceProfile(f"{name}-profile", path=args.bounds.path, role=role.name, opts=self._child),
            boot=args.boot,
            after=[may_boot],
        )
        return make_machine(f"{name}-instance", machine, self)

    def _proxy(self) -> ProxyConnectionArgs:
        ssh = self._args.ssh
        return ProxyConnectionArgs(
            host=self.address,
            port=ssh.port,
            user=ssh.user,
            private_key=Output.secret(ssh.private_key),
            host_key=ssh.host_key,
            dial_error_limit=ssh.dial_error_limit,
            per_dial_timeout=DIAL_TIMEOUT,
        )
