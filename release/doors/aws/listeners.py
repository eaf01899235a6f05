"""The load balancer's listeners: where they are, where they lead, and the one call that moves users.

They are found by the tags that everything of an environment carries, and `part`, which says what a thing is for. So
moving users asks nothing but this API: no Pulumi, no state, no output.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.balancer import BALANCER, LIVE, NOTHING_LIVE, NOTHING_LIVE_STATUS, PART, PREVIEW
from contract.slots import SLOTS, SlotName, idle
from release.doors.aws.session import AwsSession, aws_call
from release.process.errors import Broken


class NotThere(Broken):
    """The environment has no such part in AWS, or not yet (exit code 1)."""


AT_ONCE = 20  # resources that one call tells the tags of


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """Where users come in: ARNs of the balancer, its listeners and the target group of each slot, and its DNS name.

    ``preview`` is empty where that listener is gone: users can be moved all the same.
    """

    balancer: str
    dns_name: str
    live: str
    preview: str
    groups: Mapping[SlotName, str]

    def slot_of(self, group: str | None) -> SlotName | None:
        """The slot that a target group belongs to; None for another one, and for none."""
        return next((slot for slot, arn in self.groups.items() if arn == group), None)


class Listeners:
    """One environment's listeners; ``tags`` are those that tell its resources from all others."""

    def __init__(self, session: AwsSession, tags: Mapping[str, str]) -> None:
        self._session = session
        self._tags = tags

    def find(self) -> Entrance:
        """The entrance. Broken where the environment has none, or has lost a part of it."""
        with aws_call("look for the load balancer"):
            balancers = {one["LoadBalancerArn"]: one for one in self._pages("describe_load_balancers", "LoadBalancers")}
            mine = self._parts(list(balancers), BALANCER)
            if BALANCER not in mine:
                raise _missing(self._tags, ["load balancer"])
            arn = mine[BALANCER]
            listeners = self._parts(self._listeners(arn), LIVE, PREVIEW)
            groups = self._parts(self._groups(balancers[arn]["VpcId"]), *SLOTS)
        found = {**listeners, **groups}
        if lost := [part for part in (LIVE, *SLOTS) if part not in found]:
            raise _missing(self._tags, [f"part {part}" for part in lost])
        return Entrance(
            balancer=arn,
            dns_name=str(balancers[arn]["DNSName"]),
            live=found[LIVE],
            preview=found.get(PREVIEW, ""),
            groups={slot: found[slot] for slot in SLOTS},
        )

    def leads_to(self, listener: str) -> str | None:
        """The target group that a listener sends everything to; None where it answers by itself, or is gone."""
        if not listener:
            return None
        with aws_call("see where the listener leads"):
            found = self._client.describe_listeners(ListenerArns=[listener])["Listeners"][0]
        return next((_group(action) for action in found["DefaultActions"] if action["Type"] == "forward"), None)

    def slot_in_use(self, entrance: Entrance) -> SlotName | None:
        """The slot that users are on; None where nothing is live, and where they were led elsewhere."""
        return entrance.slot_of(self.leads_to(entrance.live))

    def move(self, entrance: Entrance, slot: SlotName | None) -> str:
        """Let the live listener lead to a slot, or, with None, answer that nothing is live; twice is harmless.

        The preview listener follows, to the other slot: a target group that no listener leads to has no health checks.
        Users do not see it, so it may fail; why it did is returned.
        """
        with aws_call("move the live listener"):
            self._lead(entrance.live, entrance.groups[slot] if slot else None)
        try:
            self._lead_preview(entrance, idle(slot))
        except Broken as error:
            return str(error)
        return ""

    def show(self, entrance: Entrance, slot: SlotName) -> bool:
        """Let the preview listener lead to a slot; whether it did not: what comes into it is looked at there."""
        elsewhere = self.leads_to(entrance.preview) != entrance.groups[slot]
        if elsewhere:
            self._lead_preview(entrance, slot)
        return elsewhere

    def _lead_preview(self, entrance: Entrance, slot: SlotName) -> None:
        if not entrance.preview:
            raise _missing(self._tags, [f"part {PREVIEW}"])
        with aws_call("move the preview listener"):
            self._lead(entrance.preview, entrance.groups[slot])

    def _lead(self, listener: str, group: str | None) -> None:
        """By a call that gives up soon: one that is late moves users whom somebody else has moved since."""
        self._session.hasty_client("elbv2").modify_listener(ListenerArn=listener, DefaultActions=[_action(group)])

    def _groups(self, vpc: str) -> list[str]:
        """The target groups of the network: one that no listener leads to belongs to no balancer."""
        every = self._pages("describe_target_groups", "TargetGroups")
        return [one["TargetGroupArn"] for one in every if one.get("VpcId") == vpc]

    def _listeners(self, balancer: str) -> list[str]:
        every = self._pages("describe_listeners", "Listeners", LoadBalancerArn=balancer)
        return [one["ListenerArn"] for one in every]

    def _pages(self, call: str, key: str, **which: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator(call).paginate(**which)
        return (one for page in pages for one in page[key])

    def _parts(self, arns: Sequence[str], *wanted: str) -> dict[str, str]:
        """Which of these resources are the wanted parts of this environment."""
        found: dict[str, str] = {}
        for start in range(0, len(arns), AT_ONCE):
            answer = self._client.describe_tags(ResourceArns=arns[start : start + AT_ONCE])
            for one in answer["TagDescriptions"]:
                tags = {tag["Key"]: tag.get("Value", "") for tag in one["Tags"]}
                if self._tags.items() <= tags.items() and tags.get(PART) in wanted:
                    found[tags[PART]] = one["ResourceArn"]
        return found

    @property
    def _client(self) -> Any:
        return self._session.client("elbv2")


def live_url(dns_name: str, *, domain: str | None, certificate: str | None, port: int) -> str:
    """Where users go: by the certificate's name, which no balancer's own name is."""
    return f"{'https' if certificate else 'http'}://{domain or dns_name}:{port}"


def _group(action: Mapping[str, Any]) -> str | None:
    if "TargetGroupArn" in action:
        return str(action["TargetGroupArn"])
    groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
    return str(groups[0]["TargetGroupArn"]) if len(groups) == 1 else None


def _action(group: str | None) -> dict[str, Any]:
    if group is not None:
        return {"Type": "forward", "TargetGroupArn": group}
    response = {"StatusCode": str(NOTHING_LIVE_STATUS), "ContentType": "text/plain", "MessageBody": NOTHING_LIVE}
    return {"Type": "fixed-response", "FixedResponseConfig": response}


def _missing(tags: Mapping[str, str], what: Sequence[str]) -> NotThere:
    name = tags.get("environment", "the environment")
    return NotThere(f"{name} has no {' and no '.join(what)} in AWS", hint=f"run: pulumi up --stack {name}")
