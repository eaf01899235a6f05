"""``release stop ENV --reason R``: ask the deployment that is at work to end at its next safe point."""

from typing import Any

import click

from release.call import Call, environment_argument, pass_call, reason_option
from release.environment import Environment
from release.process.errors import LeaseHeld, Refused
from release.records.ledger.stops import Cause, asked_to_end
from release.work.deployment import open_in


@click.command("stop")
@environment_argument
@reason_option
@pass_call
def command(call: Call, name: str, reason: str) -> None:
    """Ask the deployment that is at work to end and be put back.

    It ends at its next safe point, is put back, and its own process says so. The verb waits for nothing, and takes no
    lease.

    Refused (3) where no deployment is open, with whoever is at work on something else. One whose process died reads
    nothing any more: `abort` puts it back.

    \b
    Example: release stop prod --reason "the wrong version"
    """
    report = stop(call, name, reason=reason)
    call.show(report, stop_text(report))


def stop(call: Call, name: str, *, reason: str) -> dict[str, Any]:
    """The deployment that was asked. It reads that between its steps and at each look of its watch, and is put back.

    Refused when none is open. One whose process died reads nothing any more: `release abort` puts it back.
    """
    environment, writer = call.at_work(name, tolerant=True)
    head = environment.ledger.head()
    if head.state.open is None:
        _refuse_other_work(environment)
    opened = open_in(head)
    cause = Cause(reason=reason, by=writer.principal, at=environment.ledger.now())
    told = {"deployment": opened.deployment, "release": opened.release, "reason": reason}
    environment.stops.change("end asked for", lambda stops: asked_to_end(stops, cause, opened.deployment), writer, told)
    return {"environment": name, **told, "step": opened.step, "at_work": _somebody_is_at_work(environment)}


def _refuse_other_work(environment: Environment) -> None:
    """Refused where somebody is at work on something else than a deployment: only the process itself ends that."""
    try:
        environment.ledger.free_lease()
    except LeaseHeld as error:
        hint = (
            f"it reads no wish: end its process there (Ctrl-C, or kill), and {environment.name} is free within a minute"
        )
        raise Refused(f"{error.args[0]}, and no deployment is open", hint=hint) from error


def _somebody_is_at_work(environment: Environment) -> bool:
    """Whether somebody reads what was asked: not one whose process is proven to have ended here."""
    try:
        environment.ledger.free_lease()
    except LeaseHeld:
        return True
    return False


def stop_text(report: dict[str, Any]) -> str:
    """The same in a line."""
    which, name = f"{report['deployment']} of {report['release']}", report["environment"]
    if not report["at_work"]:
        return f"nobody is at work on {which}: put it back with: release abort {name}"
    return f"{which} was asked to end; it was in step {report['step']!r}; see: release status {name}"
