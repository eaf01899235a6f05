"""EC2: where an environment's machines are, by their ids and without Pulumi."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from release.doors.aws.session import AwsSession, aws_call


@dataclass(frozen=True, kw_only=True)
class Machine:
    """An instance that runs: its id, the name that people see, and its addresses; `public` is empty without one."""

    id: str
    name: str
    public: str
    private: str


class Instances:
    """The instances of one account and region, asked hastily: what goes back waits for no answer of EC2."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def running(self, ids: Sequence[str]) -> tuple[Machine, ...]:
        """Those of these instances that run, in the order given."""
        machines = {machine.id: machine for machine in self._where("instance-id", list(ids))} if ids else {}
        return tuple(machines[id] for id in ids if id in machines)

    def named(self, *names: str) -> tuple[Machine, ...]:
        """The running instances of these names."""
        return tuple(self._where("tag:Name", names))

    def _where(self, what: str, values: Sequence[str]) -> list[Machine]:
        filters = [
            {"Name": what, "Values": list(values)},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
        with aws_call("look for the servers"):
            pages = self._session.hasty_client("ec2").get_paginator("describe_instances").paginate(Filters=filters)
            return [_machine(one) for page in pages for group in page["Reservations"] for one in group["Instances"]]


def _machine(entry: dict[str, Any]) -> Machine:
    tags = {tag["Key"]: tag["Value"] for tag in entry.get("Tags", ())}
    return Machine(
        id=entry["InstanceId"],
        name=tags.get("Name", entry["InstanceId"]),
        public=entry.get("PublicIpAddress", ""),
        private=entry.get("PrivateIpAddress", ""),
    )
