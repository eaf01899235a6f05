"""Servers: the machines, what they may read, and the releases that are installed on them.

A server is replaced only on purpose: another image or boot file in the settings changes nothing that runs. No EC2
key pair is used, because replacing one replaces servers; `host/boot.py` fetches the SSH keys from secrets instead.

What runs again when, was measured: a Command runs when one of its inputs changes, so its `stdin` holds what a slot
shall hold and nothing else, and its `create` is constant. Without `triggers` a replaced server would get no installer.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws.ec2.instance import Instance, InstanceMetadataOptionsArgs, InstanceRootBlockDeviceArgs
from pulumi_aws.iam.instance_profile import InstanceProfile
from pulumi_aws.iam.role import Role
from pulumi_aws.iam.role_policy import RolePolicy
from pulumi_command.remote import Command, ConnectionArgs, CopyToRemote

from components.slots import SLOT_PORTS, Slot, SlotContent, Slots

BOOT_FILE = Path(__file__).parent / "host" / "boot.py"
# Relative to the program's folder: an absolute path would differ between checkouts.
INSTALLER = "components/host/slot.py"
INSTALLER_ON_SERVER = "stageline/slot.py"

DIAL_TIMEOUT = 15
"""Seconds that one SSH dial may take."""

MAY_BE_ASSUMED_BY_SERVERS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


@dataclass(frozen=True, kw_only=True)
class Boot:
    """What a server is told when it boots: names only, never a secret. It becomes `SETTINGS` of `host/boot.py`."""

    project: str
    environment: str
    region: str
    user: str
    artifact_bucket: str
    database_parameter: str
    host_key_secret: str
    authorized_keys_secret: str


@dataclass(frozen=True, kw_only=True)
class Ssh:
    """How the installer reaches a server. `host_key` is the public half that every server must show."""

    user: str
    port: int
    dial_error_limit: int
    private_key: str = field(repr=False)
    host_key: str


@dataclass(frozen=True, kw_only=True)
class ServersArgs:
    """`install_timeout` and `settle` are in seconds, for one release on one server."""

    label: str
    account: str
    count: int
    instance_type: str
    ami: str
    disk_gb: int
    subnet_ids: Sequence[Input[str]]
    security_group_id: Input[str]
    artifact_bucket_arn: Input[str]
    database_parameter_arn: Input[str]
    database_secret_arn: Input[str]
    boot: Boot
    ssh: Ssh
    install_timeout: int
    settle: int
    slots: Slots


class Servers(pulumi.ComponentResource):
    """N machines with two slots each. `installs` are the Commands that fill a slot, one per server."""

    instances: list[Instance]
    installs: dict[Slot, list[Command]]

    def __init__(self, name: str, args: ServersArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:components:Servers", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)

        role = self._make_role()
        self._may_boot = self._allow(role, "boot", self._boot_statements())
        self._may_run = self._allow(role, "run", self._run_statements())
        profile = InstanceProfile(f"{name}-profile", role=role.name, opts=self._child)

        self.instances = [self._make_instance(number, profile) for number in self._numbers()]
        self._installers = [self._copy_installer(number) for number in self._numbers()]
        self.installs = {slot: self._install(slot, content) for slot, content in args.slots.filled}
        self.register_outputs({"ids": [instance.id for instance in self.instances]})

    @property
    def described(self) -> list[dict[str, Output[str] | str]]:
        """The servers as people and `release` see them, in order; the first one is the canary."""
        return [
            {
                "name": f"{self._prefix}-{number}",
                "id": instance.id,
                "address": instance.public_ip,
                "private_address": instance.private_ip,
            }
            for number, instance in zip(self._numbers(), self.instances, strict=True)
        ]

    def _numbers(self) -> range:
        """Servers are counted from 1."""
        return range(1, self._args.count + 1)

    def _make_role(self) -> Role:
        return Role(f"{self._prefix}-role", assume_role_policy=MAY_BE_ASSUMED_BY_SERVERS, opts=self._child)

    def _allow(self, role: Role, part: str, statements: list[dict[str, Any]]) -> RolePolicy:
        policy = Output.json_dumps({"Version": "2012-10-17", "Statement": statements})
        return RolePolicy(f"{self._prefix}-{part}", role=role.name, policy=policy, opts=self._child)

    def _boot_statements(self) -> list[dict[str, Any]]:
        """What a booting server reads. A policy of its own, so that servers need not wait for the database."""
        boot = self._args.boot
        secrets = [self._secret_arn(boot.host_key_secret), self._secret_arn(boot.authorized_keys_secret)]
        return [_may("secretsmanager:GetSecretValue", secrets)]

    def _run_statements(self) -> list[dict[str, Any]]:
        """What an installer and a release read."""
        artifacts = Output.concat(self._args.artifact_bucket_arn, "/artifacts/*")
        return [
            _may("s3:GetObject", [artifacts]),
            _may("ssm:GetParameter", [self._args.database_parameter_arn]),
            _may("secretsmanager:GetSecretValue", [self._args.database_secret_arn]),
        ]

    def _secret_arn(self, secret: str) -> str:
        """A secret's ARN by its name: AWS appends a dash and six characters."""
        return f"arn:aws:secretsmanager:{self._args.boot.region}:{self._args.account}:secret:{secret}-??????"

    def _make_instance(self, number: int, profile: InstanceProfile) -> Instance:
        args = self._args
        return Instance(
            f"{self._prefix}-{number}",
            ami=args.ami,
            instance_type=args.instance_type,
            subnet_id=args.subnet_ids[(number - 1) % len(args.subnet_ids)],
            vpc_security_group_ids=[args.security_group_id],
            associate_public_ip_address=True,
            iam_instance_profile=profile.name,
            metadata_options=InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            root_block_device=InstanceRootBlockDeviceArgs(encrypted=True, volume_size=args.disk_gb, volume_type="gp3"),
            user_data=user_data(args.boot),
            tags={"Name": f"{args.label}-{number}"},
            opts=ResourceOptions(parent=self, depends_on=[self._may_boot], ignore_changes=["ami", "user_data"]),
        )

    def _copy_installer(self, number: int) -> CopyToRemote:
        instance = self.instances[number - 1]
        return CopyToRemote(
            f"{self._prefix}-{number}-installer",
            connection=self._connection(instance),
            source=pulumi.FileAsset(INSTALLER),
            remote_path=INSTALLER_ON_SERVER,
            triggers=[instance.id],
            opts=self._child,
        )

    def _install(self, slot: Slot, content: SlotContent) -> list[Command]:
        """Fill a slot on every server, the first one before all others: it migrates, and it is the canary."""
        canary = self._install_on(1, slot, content, [])
        return [canary, *(self._install_on(number, slot, content, [canary]) for number in self._numbers()[1:])]

    def _install_on(self, number: int, slot: Slot, content: SlotContent, after: list[Command]) -> Command:
        args, instance = self._args, self.instances[number - 1]
        install = f"python3 {INSTALLER_ON_SERVER} install --settle {args.settle}"
        return Command(
            f"{self._prefix}-{number}-{slot}",
            connection=self._connection(instance),
            create=f"timeout {args.install_timeout} {install}",
            stdin=Output.secret(order(slot, content)),
            add_previous_output_in_env=False,
            triggers=[instance.id],
            opts=ResourceOptions(parent=self, depends_on=[self._installers[number - 1], self._may_run, *after]),
        )

    def _connection(self, instance: Instance) -> ConnectionArgs:
        ssh = self._args.ssh
        return ConnectionArgs(
            host=instance.public_ip,
            port=ssh.port,
            user=ssh.user,
            private_key=Output.secret(ssh.private_key),
            host_key=ssh.host_key,
            dial_error_limit=ssh.dial_error_limit,
            per_dial_timeout=DIAL_TIMEOUT,
        )


def order(slot: Slot, content: SlotContent) -> str:
    """What the installer is told: any change of this text restarts the slot, so nothing else may stand in it."""
    facts = {
        "slot": slot,
        "port": SLOT_PORTS[slot],
        "release": content.release,
        "digest": content.digest,
        "deployment": content.deployment,
    }
    return json.dumps(facts, sort_keys=True)


def user_data(boot: Boot) -> str:
    """The boot program with its settings in front. They are a quoted text: no setting can become code."""
    settings = json.dumps(vars(boot), sort_keys=True)
    return f"#!/usr/bin/env python3\nSETTINGS = {settings!r}\n{BOOT_FILE.read_text(encoding='utf-8')}"


def _may(action: str, resources: Sequence[Input[str]]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources)}
