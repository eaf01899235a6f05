"""Which servers the load balancer sends users to, slot by slot: those that hold what the slot should, and no others.

As a rule that is every server, and the program's. A server that a rollback passed over, or that is marked out, would
answer with what its slot held before: it is taken out until a later ``up`` told it what to hold.
"""

from collections.abc import Collection, Mapping
from typing import Any

from contract.slots import SLOTS
from release.environment import Environment


def seat_holders(environment: Environment, group: str, outputs: Mapping[str, Any], holding: Collection[str]) -> None:
    """The servers of these names take part in a slot's target group, and nobody else."""
    ids = _ids(outputs)
    holds = {id for name, id in ids.items() if name in holding}
    environment.balancer.seat(group, holds, without={*ids.values()} - holds)


def seat_told(environment: Environment, outputs: Mapping[str, Any], passed_over: Collection[str]) -> None:
    """Everybody takes part in both slots again whom an ``up`` that ended well told what they hold."""
    groups = environment.listeners.find().groups
    told = [id for name, id in _ids(outputs).items() if name not in passed_over]
    for slot in SLOTS:
        environment.balancer.seat(groups[slot], told)


def _ids(outputs: Mapping[str, Any]) -> dict[str, str]:
    return {str(one["name"]): str(one["id"]) for one in outputs["servers"]}
