"""Which servers the load balancer sends users to, slot by slot: those that hold what the slot should, and no others.

As a rule that is every server, and the program's. A server that a rollback passed over, or that is marked out, would
answer with what its slot held before: it is taken out until a later ``up`` told it what to hold.
"""

from collections.abc import Collection, Mapping
from typing import Any

from contract.outputs import SERVERS
from contract.slots import SLOTS, SlotName, other
from release.doors.aws.balancer import LEAVING
from release.environment import Environment
from release.records.ledger.head import Content
from release.rules.objections import healthy_in


def seat_holders(environment: Environment, group: str, outputs: Mapping[str, Any], holding: Collection[str]) -> None:
    """The servers of these names take part in a slot's target group, and nobody else, whoever else is in it."""
    environment.balancer.seat(group, ids_of(outputs, holding), alone=True)


def seat_told(environment: Environment, outputs: Mapping[str, Any], passed_over: Collection[str]) -> None:
    """Everybody takes part in both slots whom an ``up`` that ended well told what they hold.

    ``outputs`` may be of before it. Where somebody of them is missing in a group they are asked for once more: a server
    that was replaced has another instance now.
    """
    groups, told = environment.listeners.find().groups, _others(outputs, passed_over)
    if all(told <= environment.balancer.seated(groups[slot]) for slot in SLOTS):
        return
    told = _others(environment.stack.outputs(), passed_over)
    for slot in SLOTS:
        environment.balancer.seat(groups[slot], told)


def seat_told_before(
    environment: Environment, groups: Mapping[SlotName, str], slot: SlotName, content: Content
) -> None:
    """Whoever takes part in the other slot only, and says that it holds what this one should, takes part in it again.

    It was told so by an ``up`` behind which this call was refused. Nobody is asked where everybody takes part.
    """
    missing = environment.balancer.seated(groups[other(slot)]) - environment.balancer.seated(groups[slot])
    if missing:
        environment.balancer.seat(groups[slot], environment.fleet.holding(sorted(missing), slot, content))


def not_healthy(environment: Environment, group: str) -> frozenset[str]:
    """Those who take part in a slot's group and are not healthy in it; none where nobody is healthy."""
    targets = environment.balancer.targets(group)
    healthy = healthy_in(targets)
    return frozenset(target.instance for target in targets if target.state != LEAVING) - healthy if healthy else healthy


def unseat(environment: Environment, group: str, instances: Collection[str]) -> None:
    """These take part in a slot's group no more. Nobody is asked where they are none."""
    if instances:
        environment.balancer.seat(group, environment.balancer.seated(group) - {*instances}, alone=True)


def ids_of(outputs: Mapping[str, Any], names: Collection[str]) -> frozenset[str]:
    """The instances of the servers of these names."""
    return frozenset(str(one["id"]) for one in outputs[SERVERS] if one["name"] in names)


def _others(outputs: Mapping[str, Any], names: Collection[str]) -> frozenset[str]:
    return frozenset(str(one["id"]) for one in outputs[SERVERS] if one["name"] not in names)
