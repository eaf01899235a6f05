"""Targets: from when until when a server gets requests.

It gets none before its slots are installed, and it is not terminated before those under way had time to end. Pulumi
makes a replacement first and deletes last, so with the wait for the new server's health in between, somebody always
answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws.lb.target_group_attachment import TargetGroupAttachment
from pulumi_command import local
from pulumi_command.remote import Command, ConnectionArgs

from contract.layout import label_file
from contract.slots import SLOT_PORTS, SLOTS, SlotName
from settings import model
from settings.names import Names

IN_SERVICE_FILE = Path(__file__).parents[1] / "host" / "in_service.py"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A server that shall get requests, how it is reached, and what fills its slots.

    `number` is its place among all servers; `skipped` is one that is not reached this time.
    """

    number: int
    id: Input[str]
    connection: ConnectionArgs
    installs: Mapping[SlotName, Command]
    skipped: bool


@dataclass(frozen=True, kw_only=True)
class TargetsArgs:
    """A new server may take as long to be healthy as an install may. `may_look` lets servers see their own health."""

    names: Names
    servers: model.Servers
    load_balancer: model.LoadBalancer
    targets: Sequence[Target]
    target_groups: Mapping[SlotName, Input[str]]
    may_look: pulumi.Resource


class Targets(pulumi.ComponentResource):
    """Every server in both target groups, whatever the slots hold."""

    def __init__(self, name: str, args: TargetsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:stage:Targets", name, {}, opts)
        self._prefix, self._args = name, args

        for server in args.targets:
            drained = self._make_drained(server)
            attachments = [self._attach(slot, server, drained) for slot in SLOTS]
            self._wait_until_in_service(server, attachments)
        self.register_outputs({})

    def _make_drained(self, server: Target) -> local.Command:
        """Deleted after the server's attachments and before the server: that takes as long as draining does."""
        return local.Command(
            f"{self._prefix}-{server.number}-drained",
            create="true",
            delete=f"sleep {self._args.load_balancer.drain}",
            add_previous_output_in_env=False,
            triggers=[server.id],
            opts=ResourceOptions(parent=self),
        )

    def _attach(self, slot: SlotName, server: Target, drained: local.Command) -> TargetGroupAttachment:
        """After the slot's install: a release must have settled before users see it."""
        after = [server.installs[slot]] if slot in server.installs else []
        return TargetGroupAttachment(
            f"{self._prefix}-{server.number}-{slot}",
            target_group_arn=self._args.target_groups[slot],
            target_id=server.id,
            port=SLOT_PORTS[slot],
            opts=ResourceOptions(parent=self, depends_on=[drained, *after]),
        )

    def _wait_until_in_service(self, server: Target, attachments: Sequence[TargetGroupAttachment]) -> None:
        """Only of a new server: nothing in its inputs changes with a deployment."""
        Command(
            f"{self._prefix}-{server.number}-in-service",
            connection=server.connection,
            create="python3 -",
            stdin=self._in_service(server),
            add_previous_output_in_env=False,
            triggers=[server.id],
            opts=ResourceOptions(
                parent=self,
                depends_on=[*attachments, self._args.may_look],
                ignore_changes=["connection", "stdin", "triggers"] if server.skipped else None,
            ),
        )

    def _in_service(self, server: Target) -> Output[str]:
        settings = {
            "region": self._args.names.region,
            "server": server.id,
            "target_groups": dict(self._args.target_groups),
            "labels": {slot: label_file(slot) for slot in SLOTS},
            "limit": self._args.servers.install_timeout,
        }
        return Output.json_dumps(settings, sort_keys=True).apply(in_service)


def in_service(settings: str) -> str:
    """The program that waits with its settings in front. They are a quoted text: no setting can become code."""
    return f"SETTINGS = {settings!r}\n{IN_SERVICE_FILE.read_text(encoding='utf-8')}"
