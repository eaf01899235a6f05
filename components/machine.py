"""Machine: what servers and the bastion have in common: what they are, how they boot and what they read for that.

No EC2 key pair is used, because replacing one replaces machines; `host/boot.py` fetches the SSH keys from secrets.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws.ec2.instance import Instance, InstanceMetadataOptionsArgs, InstanceRootBlockDeviceArgs
from pulumi_aws.iam.instance_profile import InstanceProfile
from pulumi_aws.iam.role import Role
from pulumi_aws.iam.role_policy import RolePolicy
from pulumi_command.remote import ConnectionArgs

from contract.layout import BOOT, SERVER
from settings import model
from settings.names import Names

BOOT_FILE = Path(__file__).parent / "host" / "boot.py"

SSH_PORT = 22
"""The port that `known_hosts` does not mention."""

DIAL_TIMEOUT = 15
"""Seconds that one SSH dial may take."""

MAY_BE_ASSUMED_BY_MACHINES = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The SSH keys of an environment: what opens its machines, and what its servers and its bastion show."""

    deploy_private: str = field(repr=False)
    host_public: str
    bastion_host_public: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ssh:
    """How a machine is reached. `host_key` is the public half that it must show."""

    servers: model.Servers
    private_key: str = field(repr=False)
    host_key: Input[str]


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What every role of a machine is made with: the path that it stands under, and its boundary."""

    path: Input[str]
    boundary: Input[str]


@dataclass(frozen=True, kw_only=True)
class MachineArgs:
    """`label` is what people see in the AWS console; `after` is what must be there before it boots.

    `boot` is what it is told when it boots: names only, never a secret. It becomes `SETTINGS` of `host/boot.py`.
    """

    label: str
    instance_type: str
    ami: str
    disk_gb: int
    subnet_id: Input[str]
    security_group_id: Input[str]
    public: bool
    profile: InstanceProfile
    boot: Mapping[str, Input[str]]
    after: Sequence[pulumi.Resource]


def make_machine(name: str, args: MachineArgs, parent: pulumi.Resource) -> Instance:
    """An instance that is replaced only on purpose: another image or boot file changes nothing that runs.

    So does another subnet, or a further zone would move servers. Another type does replace it: changed in place, all
    servers would stop at the same time.
    """
    return Instance(
        name,
        ami=args.ami,
        instance_type=args.instance_type,
        subnet_id=args.subnet_id,
        vpc_security_group_ids=[args.security_group_id],
        associate_public_ip_address=args.public,
        iam_instance_profile=args.profile.name,
        metadata_options=InstanceMetadataOptionsArgs(
            http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
        ),
        root_block_device=InstanceRootBlockDeviceArgs(encrypted=True, volume_size=args.disk_gb, volume_type="gp3"),
        user_data=Output.json_dumps(dict(args.boot), sort_keys=True).apply(user_data),
        tags={"Name": args.label},
        opts=ResourceOptions(
            parent=parent,
            depends_on=list(args.after),
            ignore_changes=["ami", "user_data", "subnet_id"],
            replace_on_changes=["instance_type"],
        ),
    )


def connection_to(address: Input[str], ssh: Ssh) -> ConnectionArgs:
    """How a machine with a public address is reached."""
    return ConnectionArgs(
        host=address,
        port=ssh.servers.ssh_port,
        user=ssh.servers.user,
        private_key=Output.secret(ssh.private_key),
        host_key=ssh.host_key,
        dial_error_limit=ssh.servers.dial_error_limit,
        per_dial_timeout=DIAL_TIMEOUT,
    )


def known_host(address: Input[str], ssh: Ssh) -> Output[str]:
    """A line of `known_hosts`, so that whoever logs in by hand checks whom he reaches as well."""
    host = "{0}" if ssh.servers.ssh_port == SSH_PORT else f"[{{0}}]:{ssh.servers.ssh_port}"
    return Output.format(f"{host} {{1}}\n", address, ssh.host_key)


def make_role(name: str, bounds: Bounds, opts: ResourceOptions) -> Role:
    """A role that only machines take."""
    return Role(
        name,
        path=bounds.path,
        permissions_boundary=bounds.boundary,
        assume_role_policy=MAY_BE_ASSUMED_BY_MACHINES,
        opts=opts,
    )


def allow(name: str, role: Role, statements: list[dict[str, Any]], opts: ResourceOptions) -> RolePolicy:
    """A policy of its own for each purpose, so that whoever needs one of them need not wait for the others."""
    policy = Output.json_dumps({"Version": "2012-10-17", "Statement": statements})
    return RolePolicy(name, role=role.name, policy=policy, opts=opts)


def boot_settings(names: Names, servers: model.Servers, host_key_secret: str) -> dict[str, Input[str]]:
    """What every machine is told when it boots; one without slots is told nothing more.

    `program` is where it keeps what it ran, `server_file` where it writes down what an installer must know.
    """
    return {
        "project": names.project,
        "environment": names.environment,
        "region": names.region,
        "user": servers.user,
        "host_key_secret": host_key_secret,
        "authorized_keys_secret": names.authorized_keys,
        "program": BOOT,
        "server_file": SERVER,
    }


def boot_statements(names: Names, host_key_secret: str) -> list[dict[str, Any]]:
    """What a booting machine reads."""
    secrets = (host_key_secret, names.authorized_keys)
    return [may("secretsmanager:GetSecretValue", [secret_arn(secret, names) for secret in secrets])]


def may(action: str, resources: Sequence[Input[str]]) -> dict[str, Any]:
    """The statement that allows an action on these resources."""
    return {"Effect": "Allow", "Action": action, "Resource": list(resources)}


def secret_arn(secret: str, names: Names) -> str:
    """A secret's ARN by its name: AWS appends a dash and six characters."""
    return f"arn:aws:secretsmanager:{names.region}:{names.account}:secret:{secret}-??????"


def user_data(settings: str) -> str:
    """The boot program with its settings in front. They are a quoted text: no setting can become code."""
    return f"#!/usr/bin/env python3\nSETTINGS = {settings!r}\n{BOOT_FILE.read_text(encoding='utf-8')}"
