"""Hop: the way to private servers, through the bastion of the platform.

Behind a proxy the command plugin retries only until TCP connects. A handshake that fails after that is tried again on
the same dead connection, so a server that still shows its image's host key would fail the whole `up`. Hence `wait`:
the bastion itself looks at a new server's key, until it is the pinned one, before anybody is sent through.
"""

from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws.ec2.instance import Instance
from pulumi_command.remote import Command, ConnectionArgs, ProxyConnectionArgs

from components.machine import DIAL_TIMEOUT, Ssh, connection_to

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
class Hop:
    """`bastion` is how the bastion at `address` is reached, `server` how each server behind it is."""

    address: Input[str]
    bastion: Ssh
    server: Ssh

    def wait(self, name: str, server: Instance, parent: pulumi.Resource) -> Command:
        """Done when the server shows its pinned host key to the bastion."""
        limit = self.server.servers.dial_error_limit * LONGEST_PAUSE
        failed = f"the server has not shown the pinned host key for {limit} seconds: look at its boot log"
        key = Output.from_input(self.server.host_key).apply(lambda key: key.split()[1])
        return Command(
            name,
            connection=connection_to(self.address, self.bastion),
            create=f"timeout {limit} sh -c '{SHOWS_PINNED_KEY}' || {{ echo '{failed}' >&2; exit 1; }}",
            stdin=Output.format("{0} {1} {2}\n", server.private_ip, self.server.servers.ssh_port, key),
            add_previous_output_in_env=False,
            triggers=[server.id],
            opts=ResourceOptions(parent=parent),
        )

    def connection_to(self, server: Instance) -> ConnectionArgs:
        """How the installer reaches a server through the bastion. Each of the two must show its own key."""
        ssh = self.server
        return ConnectionArgs(
            host=server.private_ip,
            port=ssh.servers.ssh_port,
            user=ssh.servers.user,
            private_key=Output.secret(ssh.private_key),
            host_key=ssh.host_key,
            dial_error_limit=min(ssh.servers.dial_error_limit, DIALS_BEHIND),
            per_dial_timeout=DIAL_TIMEOUT,
            proxy=self._proxy(),
        )

    def _proxy(self) -> ProxyConnectionArgs:
        ssh = self.bastion
        return ProxyConnectionArgs(
            host=self.address,
            port=ssh.servers.ssh_port,
            user=ssh.servers.user,
            private_key=Output.secret(ssh.private_key),
            host_key=ssh.host_key,
            dial_error_limit=ssh.servers.dial_error_limit,
            per_dial_timeout=DIAL_TIMEOUT,
        )
