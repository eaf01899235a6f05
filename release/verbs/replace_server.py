"""``release replace-server ENV NAME``: another machine in a server's place, one at a time.

Pulumi makes the new one first, installs on it what the slots hold, waits until the load balancer finds it healthy, and
only then lets the old one finish its requests and ends it. The new one has the image, type, subnet and boot file that
the settings name now.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import click

from contract.outputs import SERVERS, TARGET_GROUPS
from release.call import Call, environment_argument, pass_call
from release.environment import Environment
from release.process.errors import Broken, Inconclusive, Refused, StagelineError, WrongUsage
from release.process.interruption import INTERRUPTION
from release.process.output import Progress
from release.records.ledger.head import Head, State
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Entry, Holder, Writer
from release.rules.plan import not_finished
from release.work.deployment import deployment_id
from release.work.maintenance import Task, maintenance
from release.work.preflight import refuse_users_elsewhere

INSTANCE = "aws:ec2/instance:Instance"


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """A server's name, and the instance before and now."""

    environment: str
    server: str
    before: str
    now: str


@click.command("replace-server")
@environment_argument
@click.argument("server")
@pass_call
def command(call: Call, name: str, server: str) -> None:
    """Make SERVER of ENVIRONMENT anew, by what its settings say.

    For one that is dead or ill, or that shall have another image, type, subnet or boot file. The new one is healthy
    before the old one goes. A deployment may be open meanwhile.

    Refused (3) while another server is not healthy, and where somebody moved the live listener by hand. Broken (1) when
    it stopped on its way: it goes on with `pulumi up`.

    \b
    Example: release replace-server prod env-servers-2
    """
    environment, writer = call.at_work(name, engine=True)
    _, head = environment.ledger.at_rest(Patience(until_silent=True, told=call.progress.note))
    done = replace_one(environment, server, head, writer, call.progress)
    call.show(asdict(done), replaced_text(done))


def replace_one(environment: Environment, server: str, head: Head, writer: Writer, progress: Progress) -> Replaced:
    """Replace a server of an environment in which nobody else is at work.

    Refused where the server serves users and the others are not all healthy: they answer alone for a while. A
    deployment may be open, and the live release ill: a server that is dead stands in the way of ending both.
    """
    outputs = environment.stack.outputs()
    before = _instance(environment, outputs, server)
    refuse_users_elsewhere(environment, head.state)
    serves = _serves(environment, outputs, head.state, before)
    ill = _ill(environment, outputs, head.state) - {before}
    if serves:
        _refuse_ill_others(environment, outputs, head.state, before)
    urn = instance_urn(json.loads(environment.stack.export()), before)
    task = Task(what="server replacement", details={"server": server, "instance": before})
    with maintenance(environment, task, head, writer) as holder:
        _mark_in(holder, server)
        _leave_unfinished(environment, holder)
        INTERRUPTION.check()
        with progress.step(environment.name, f"{server} replaced"):
            _replace(environment, server, urn, holder.lease.fence, progress)
        outputs = environment.stack.outputs()
        if serves or _somebody_serves(environment, outputs, head.state):
            with progress.step(environment.name, "all servers healthy"):
                _wait_until_healthy(environment, outputs, holder.head.state, ill)
    return Replaced(
        environment=environment.name, server=server, before=before, now=_instance(environment, outputs, server)
    )


def replaced_text(replaced: Replaced) -> str:
    """What was done, in a line."""
    one = asdict(replaced)
    return "{server} of {environment} is {now} now; {before} is gone".format(**one)


def instance_urn(stack: Mapping[str, Any], instance: str) -> str:
    """The URN of an instance in the stack's state; one that a failed replacement left behind is not it."""
    resources = (stack.get("deployment") or {}).get("resources") or []
    for one in resources:
        if (one["type"], one.get("id")) == (INSTANCE, instance) and not one.get("delete"):
            return str(one["urn"])
    raise Broken(f"the stack does not know the instance {instance}", hint="run: pulumi up --refresh")


def _replace(environment: Environment, server: str, urn: str, fence: int, progress: Progress) -> None:
    try:
        environment.replace(urn, fence, progress)
    except StagelineError as error:
        error.put_in_context(f"{server} was not replaced")
        going_on = f"it goes on where it stopped with: pulumi up --stack {environment.name}"
        error.hint = "; ".join(filter(None, (going_on, error.hint)))
        raise


def _instance(environment: Environment, outputs: Mapping[str, Any], server: str) -> str:
    servers = {one["name"]: str(one["id"]) for one in outputs.get(SERVERS) or []}
    if not servers:
        raise Inconclusive(f"{environment.name} has not come up", hint=f"run: pulumi up --stack {environment.name}")
    if server not in servers:
        raise WrongUsage(f"{environment.name} has no server {server}", hint=f"its servers are {', '.join(servers)}")
    return servers[server]


def _mark_in(holder: Holder, server: str) -> None:
    """A server that is made anew is waited for again."""
    state = holder.head.state
    if server in state.out_names:
        kept = tuple(one for one in state.out if one.server != server)
        holder.record(Entry(kind="server marked in", state=state.but(out=kept), details={"server": server}))


def _leave_unfinished(environment: Environment, holder: Holder) -> None:
    """Neither a migration nor an installation that a dead process began is ended by the ``up`` of a replacement."""
    environment.migrations.end()
    state = holder.head.state
    wanted = not_finished(state, deployment_id(environment.name, environment.ledger.now()))
    if wanted != state:
        holder.record(Entry(kind="slot declared as before", state=wanted))


def _healthy(environment: Environment, outputs: Mapping[str, Any], state: State) -> frozenset[str]:
    """The instances that serve users now."""
    return environment.verification.healthy(outputs[TARGET_GROUPS][state.declared]) if state.declared else frozenset()


def _serves(environment: Environment, outputs: Mapping[str, Any], state: State, instance: str) -> bool:
    return instance in _healthy(environment, outputs, state)


def _somebody_serves(environment: Environment, outputs: Mapping[str, Any], state: State) -> bool:
    """Whether the live release is healthy anywhere: one that is ill everywhere would be waited for in vain."""
    return bool(_healthy(environment, outputs, state))


def _out(outputs: Mapping[str, Any], state: State) -> frozenset[str]:
    return frozenset(str(one["id"]) for one in outputs[SERVERS] if one["name"] in state.out_names)


def _refuse_ill_others(environment: Environment, outputs: Mapping[str, Any], state: State, leaving: str) -> None:
    if state.declared is None:
        return
    group, others = outputs[TARGET_GROUPS][state.declared], len(outputs[SERVERS]) - 1
    if reason := environment.verification.why_not_without(leaving, group, others, _out(outputs, state)):
        raise Refused(
            f"the other servers of {environment.name} must be healthy: {reason}",
            hint="mend or replace those first",
        )


def _ill(environment: Environment, outputs: Mapping[str, Any], state: State) -> frozenset[str]:
    """The instances that do not serve users now: whoever replaces one of several dead servers waits for that one."""
    return frozenset(str(one["id"]) for one in outputs[SERVERS]) - _healthy(environment, outputs, state)


def _wait_until_healthy(
    environment: Environment, outputs: Mapping[str, Any], state: State, ill: frozenset[str]
) -> None:
    if state.declared is not None:
        group = outputs[TARGET_GROUPS][state.declared]
        out = _out(outputs, state) | ill
        environment.verification.wait_until_healthy(group, len(outputs[SERVERS]), out=out)
