"""The servers of an environment, as its stack's outputs name them, and how `release` reaches them by SSH.

With the deploy key, on the host key that all of them show; through the bastion where servers are private.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.outputs import BASTION, INSTALLER, SERVERS
from release.doors.aws.secrets import Secrets
from release.doors.aws.session import AwsSession
from release.doors.servers.keys import bastion_public_key, key_part
from release.doors.servers.ssh import Bastion, Door, Ssh
from release.process.errors import Inconclusive
from settings.model import Settings


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server and the address where SSH finds it: from outside, or from the bastion where there is one."""

    name: str
    address: str


def servers_of(settings: Settings, outputs: Mapping[str, Any]) -> tuple[Server, ...]:
    """The servers, the canary first; Inconclusive for an environment that has not come up."""
    address = "private_address" if settings.servers.bastion else "address"
    return tuple(
        Server(name=one["name"], address=one[address]) for one in _output(settings.environment, outputs, SERVERS)
    )


def installer_of(settings: Settings, outputs: Mapping[str, Any]) -> str:
    """The sha256 of the installer that the stack declared; Inconclusive for an environment that has not come up."""
    return str(_output(settings.environment, outputs, INSTALLER))


def open_ssh(session: AwsSession, settings: Settings, outputs: Mapping[str, Any]) -> Ssh:
    """The door to all of them. Broken when `release init` has not made its keys."""
    names, secrets = settings.names, Secrets(session)
    return Ssh(
        servers=_door(settings, key_part(secrets, names.host_key, "public", settings.environment)),
        bastion=_bastion(settings, outputs, bastion_public_key(secrets, settings)),
        private_key=key_part(secrets, names.deploy_key, "private", settings.environment),
    )


def _bastion(settings: Settings, outputs: Mapping[str, Any], host_key: str | None) -> Bastion | None:
    if host_key is None:
        return None
    described = _output(settings.environment, outputs, BASTION)
    return Bastion(address=described["address"], door=_door(settings, host_key))


def _door(settings: Settings, host_key: str) -> Door:
    return Door(user=settings.servers.user, port=settings.servers.ssh_port, host_key=host_key)


def _output(environment: str, outputs: Mapping[str, Any], name: str) -> Any:
    if not outputs.get(name):
        raise Inconclusive(
            f"the stack of {environment} has no output {name}: it has not come up",
            hint=f"run pulumi up --stack {environment}",
        )
    return outputs[name]
