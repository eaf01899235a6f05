"""``release mark-out ENV SERVER --reason R``: let nothing wait for a dead server, until it is replaced."""

from collections.abc import Callable
from typing import Any

import click

from contract.outputs import SERVERS
from release.call import Call, environment_argument, lift_option, pass_call, reason_option
from release.environment import Environment
from release.process.errors import Refused, WrongUsage
from release.process.output import Progress
from release.records.ledger.head import Out, State
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Entry, Writer


@click.command("mark-out")
@environment_argument
@click.argument("server")
@reason_option
@lift_option
@pass_call
def command(call: Call, name: str, server: str, reason: str, lift: bool) -> None:
    """Let nothing wait for a dead SERVER, until it is replaced.

    The next `pulumi up` or deployment asks it for nothing and takes it from the load balancer. `replace-server` marks
    it in again, and so does --lift.

    Refused (3) for the last server that is not out, for one that is out already, and, with --lift, for one that is not.
    Lease held (5) while somebody is at work.

    \b
    Example: release mark-out prod env-servers-2 --reason "its disk is gone"
    """
    report = (mark_in if lift else mark_out)(call, name, server, reason=reason)
    call.show(report, mark_text(report))


def mark_out(call: Call, name: str, server: str, *, reason: str) -> dict[str, Any]:
    """The servers that are out now. The next ``up`` asks this one for nothing and takes it from the load balancer."""
    environment, writer = call.at_work(name)
    by, since = writer.principal, environment.ledger.now().isoformat(timespec="seconds")
    out = Out(server=server, reason=reason, by=by, since=since)
    servers = tuple(str(one["name"]) for one in environment.stack.outputs().get(SERVERS) or ())
    return note_servers(
        environment, "server marked out", lambda state: without_server(state, out, servers), writer, call.progress
    )


def mark_in(call: Call, name: str, server: str, *, reason: str) -> dict[str, Any]:
    """The servers that are still out."""
    environment, writer = call.at_work(name)
    return note_servers(
        environment, "server marked in", lambda state: with_server(state, server), writer, call.progress, reason
    )


def without_server(state: State, out: Out, servers: tuple[str, ...]) -> State:
    """The state with a server out. Refused for the last one that is in: without servers nobody is served."""
    if out.server not in servers:
        raise WrongUsage(f"there is no server {out.server}", hint=f"the servers are {', '.join(servers) or 'none'}")
    if out.server in state.out_names:
        raise Refused(f"{out.server} is marked out already", hint="see: release status")
    if not {*servers} - state.out_names - {out.server}:
        raise Refused(f"{out.server} is the last server that is not out", hint="replace one first")
    return state.but(out=(*state.out, out))


def with_server(state: State, server: str) -> State:
    """The state with a server in again. Refused for one that is not out."""
    if server not in state.out_names:
        raise Refused(f"{server} is not marked out", hint="see: release status")
    return state.but(out=tuple(one for one in state.out if one.server != server))


def mark_text(report: dict[str, Any]) -> str:
    """The same in a line."""
    out = ", ".join(report["out"]) or "none"
    return f"servers of {report['environment']} that are out: {out}; the next pulumi up or deployment acts on it"


def note_servers(
    environment: Environment,
    kind: str,
    change: Callable[[State], State],
    writer: Writer,
    progress: Progress,
    reason: str = "",
) -> dict[str, Any]:
    """Write it down, also while a deployment is open that nobody is at work on."""
    free, head = environment.ledger.at_rest(Patience(until_silent=True, told=progress.note))
    state = change(head.state)
    details = {"out": [one.model_dump() for one in state.out], "reason": reason}
    with environment.ledger.begin(Entry(kind=kind, state=state, details=details), head, writer, free):
        pass
    return {"environment": environment.name, "out": [one.server for one in state.out]}
