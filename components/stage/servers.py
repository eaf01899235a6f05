"""Servers: the machines, what they may read, and the releases that are installed on them.

What runs again when, was measured: a Command runs when one of its inputs changes, so its `stdin` holds what a slot
shall hold and nothing else, and its `create` is constant. Without `triggers` a replaced server would get no installer.

A server that is out is dead and will be replaced: its machine is declared, and nothing that would have to reach it. One
that is passed over is not reached by this `pulumi up` only: no release is installed on it, and the next `up` does that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws.ec2.instance import Instance
from pulumi_aws.iam.instance_profile import InstanceProfile
from pulumi_aws.iam.role_policy import RolePolicy
from pulumi_command.remote import Command, ConnectionArgs, CopyToRemote

from components.host.one_file import one_file
from components.machine import (
    Keys,
    MachineArgs,
    Ssh,
    allow,
    boot_settings,
    boot_statements,
    connection_to,
    known_host,
    make_machine,
    make_role,
    may,
    secret_arn,
)
from components.outputs import BastionOutputs, PlatformOutputs
from components.slots import SlotContent, Slots
from components.stage.hop import Hop
from components.stage.targets import Target
from contract.artifacts import CONFIGURATIONS
from contract.layout import INSTALLER
from contract.metrics import AGENT
from contract.order import install_command, order
from contract.slots import SlotName
from settings import model
from settings.names import Names


@dataclass(frozen=True, kw_only=True)
class ServersArgs:
    """`parameter_arns` are of what leads servers to the database; none where there is no database. `artifact_folder`
    is where their artifacts lie in the platform's bucket. `configured`: releases may have a configuration.

    Nothing is installed before `ready` is.

    `out` and `passed_over` are names of servers as in `described`. A name that no server has means nothing: the ledger
    may still say it of a server that a smaller `count` has taken away.
    """

    names: Names
    servers: model.Servers
    platform: PlatformOutputs
    security_group_id: Input[str]
    parameter_arns: Sequence[Input[str]]
    artifact_folder: str
    configured: bool
    keys: Keys
    slots: Slots
    out: frozenset[str]
    passed_over: frozenset[str]
    ready: Sequence[pulumi.Resource] = ()


class Servers(pulumi.ComponentResource):
    """N machines with two slots each. `installs` are the Commands that fill a slot, by the server's number.

    `installer` is the sha256 of what these Commands run on the servers.

    Raises ValueError where every server is out: nobody would be left to answer.
    """

    instances: list[Instance]
    installer: str
    installs: dict[SlotName, dict[int, Command]]
    may_run: RolePolicy

    def __init__(self, name: str, args: ServersArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:stage:Servers", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)
        self._ssh = Ssh(servers=args.servers, private_key=args.keys.deploy_private, host_key=args.keys.host_public)
        self._hop = self._hop_through(args.platform.bastion)
        self._in = [number for number in self._numbers() if self._named(number) not in args.out]
        if not self._in:
            raise ValueError("every server is marked out: take one of them in, or replace one")

        bounds = args.platform.bounds
        role = make_role(f"{name}-role", bounds, self._child)
        self._may_boot = allow(f"{name}-boot", role, boot_statements(args.names, args.names.host_key), self._child)
        self.may_run = allow(f"{name}-run", role, self._run_statements(), self._child)
        allow(f"{name}-watch", role, self._watch_statements(), self._child)
        profile = InstanceProfile(f"{name}-profile", path=bounds.path, role=role.name, opts=self._child)

        self.instances = [self._make_instance(number, profile) for number in self._numbers()]
        self._one_file = one_file()
        self.installer = self._one_file.digest
        self._installers = {number: self._copy_installer(number) for number in self._in}
        self.installs = {slot: self._install(slot, content) for slot, content in args.slots.filled}
        self.register_outputs({"ids": [instance.id for instance in self.instances]})

    @property
    def described(self) -> list[dict[str, Output[str] | str]]:
        """The servers as people and `release` see them, in order; the first one that is not out is the canary."""
        return [
            {
                "name": self._named(number),
                "id": instance.id,
                "address": self._address(instance),
                "private_address": instance.private_ip,
            }
            for number, instance in zip(self._numbers(), self.instances, strict=True)
        ]

    @property
    def known_hosts(self) -> list[Output[str]]:
        """A line of `known_hosts` for each server."""
        return [known_host(self._address(instance), self._ssh) for instance in self.instances]

    @property
    def targets(self) -> list[Target]:
        """The servers as the load balancer shall get them."""
        return [
            Target(
                number=number,
                id=self._instance(number).id,
                connection=self._connection(self._instance(number)),
                installs={slot: by[number] for slot, by in self.installs.items() if number in by},
                skipped=self._is_passed_over(number),
            )
            for number in self._in
        ]

    def installs_of(self, slot: SlotName | None) -> list[Command]:
        """What fills a slot; of no slot, nothing."""
        return [] if slot is None else list(self.installs[slot].values())

    def _numbers(self) -> range:
        """Servers are counted from 1."""
        return range(1, self._args.servers.count + 1)

    def _named(self, number: int) -> str:
        return f"{self._prefix}-{number}"

    def _instance(self, number: int) -> Instance:
        return self.instances[number - 1]

    def _is_passed_over(self, number: int) -> bool:
        return self._named(number) in self._args.passed_over

    def _run_statements(self) -> list[dict[str, Any]]:
        """What an installer and a release read; of a database, where there is one."""
        args = self._args
        artifacts = Output.concat("arn:aws:s3:::", args.platform.artifact_bucket, f"/{args.artifact_folder}/*")
        configurations = Output.concat("arn:aws:s3:::", args.platform.artifact_bucket, f"/{CONFIGURATIONS}/*")
        secrets = [secret_arn(args.names.configuration("*"), args.names)] if args.configured else []
        login = [secret_arn(args.names.database_login, args.names)] if args.parameter_arns else []
        statements = [
            may("s3:GetObject", [artifacts, *([configurations] if args.configured else [])]),
            may("ssm:GetParameter", args.parameter_arns),
            # AWS knows no narrower resource for it.
            may("elasticloadbalancing:DescribeTargetHealth", ["*"]),
            may("secretsmanager:GetSecretValue", [*login, *secrets]),
        ]
        return [statement for statement in statements if statement["Resource"]]

    def _watch_statements(self) -> list[dict[str, Any]]:
        """What the CloudWatch agent does. Figures belong to no resource, so a namespace is what can be asked for."""
        logs = self._args.platform.server_logs_arn
        return [
            {
                **may("cloudwatch:PutMetricData", ["*"]),
                "Condition": {"StringEquals": {"cloudwatch:namespace": AGENT}},
            },
            *(
                may(action, [logs, Output.concat(logs, ":*")])
                for action in ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
            ),
        ]

    def _make_instance(self, number: int, profile: InstanceProfile) -> Instance:
        args, subnet_ids = self._args, Output.from_input(self._args.platform.machine_subnet_ids)
        machine = MachineArgs(
            label=f"{args.names.label}-{number}",
            instance_type=args.servers.instance_type,
            ami=args.servers.ami,
            disk_gb=args.servers.disk_gb,
            subnet_id=subnet_ids.apply(lambda ids: ids[(number - 1) % len(ids)]),
            security_group_id=args.security_group_id,
            public=self._hop is None,
            profile=profile,
            boot=self._boot(),
            after=[self._may_boot],
        )
        return make_machine(self._named(number), machine, self)

    def _boot(self) -> dict[str, Input[str]]:
        """What a machine with slots is told."""
        names, platform, has_database = self._args.names, self._args.platform, bool(self._args.parameter_arns)
        return {
            **boot_settings(names, self._args.servers, names.host_key),
            "artifact_bucket": platform.artifact_bucket,
            "artifact_folder": self._args.artifact_folder,
            "database_parameter": names.database_parameter if has_database else "",
            "migration_parameter": names.migration_parameter if has_database else "",
            "server_logs": platform.server_logs,
        }

    def _address(self, instance: Instance) -> Output[str]:
        """Where SSH finds a server, from outside or from the bastion."""
        address: Output[str] = instance.public_ip if self._hop is None else instance.private_ip
        return address

    def _copy_installer(self, number: int) -> CopyToRemote:
        """On every server that is not out. Passed over, a server keeps the one that it has."""
        name, instance = self._named(number), self._instance(number)
        waits = [self._hop.wait(f"{name}-reached", instance, self)] if self._hop else []
        return CopyToRemote(
            f"{name}-installer",
            connection=self._connection(instance),
            source=pulumi.FileAsset(self._one_file.path),
            remote_path=INSTALLER,
            triggers=[instance.id],
            opts=ResourceOptions(
                parent=self,
                depends_on=waits,
                ignore_changes=["connection", "source", "triggers"] if self._is_passed_over(number) else None,
            ),
        )

    def _install(self, slot: SlotName, content: SlotContent) -> dict[int, Command]:
        """Fill a slot on every server that is reached, the first one before all others: it is the canary."""
        installs: dict[int, Command] = {}
        for number in self._in:
            if not self._is_passed_over(number):
                canary = list(installs.values())[:1]
                installs[number] = self._install_on(number, slot, content, canary)
        return installs

    def _install_on(self, number: int, slot: SlotName, content: SlotContent, after: list[Command]) -> Command:
        servers, instance = self._args.servers, self._instance(number)
        shall_hold = order(
            slot,
            release=content.release,
            digest=content.digest,
            commands=content.commands,
            configuration=content.configuration,
            deployment=content.deployment,
            reuse=content.reuse,
        )
        return Command(
            f"{self._named(number)}-{slot}",
            connection=self._connection(instance),
            create=install_command(install_timeout=servers.install_timeout, settle=servers.settle),
            stdin=Output.secret(shall_hold),
            add_previous_output_in_env=False,
            triggers=[instance.id],
            opts=ResourceOptions(
                parent=self, depends_on=[self._installers[number], self.may_run, *self._args.ready, *after]
            ),
        )

    def _connection(self, instance: Instance) -> ConnectionArgs:
        return self._hop.connection_to(instance) if self._hop else connection_to(instance.public_ip, self._ssh)

    def _hop_through(self, bastion: BastionOutputs | None) -> Hop | None:
        """The way to servers that have no public address."""
        if bastion is None:
            return None
        return Hop(address=bastion.address, bastion=replace(self._ssh, host_key=bastion.host_key), server=self._ssh)
