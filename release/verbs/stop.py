"""``release stop ENV --reason R``: ask the deployment that is at work to end at its next safe point."""

from pathlib import Path
from typing import Any

from release.deployment.record import open_in
from release.environment import Environment, open_environment
from release.errors import LeaseHeld
from release.ledger.stops import Cause, asked_to_end


def stop(project_dir: Path, name: str, *, reason: str, ci: str) -> dict[str, Any]:
    """The deployment that was asked. It reads that between its steps and at each look of its watch, and is put back.

    Refused when none is open. One whose process died reads nothing any more: `release abort` puts it back.
    """
    environment = open_environment(project_dir, name)
    writer, opened = environment.identify(ci, tolerant=True), open_in(environment.ledger.head())
    cause = Cause(reason=reason, by=writer.principal, at=environment.ledger.now())
    told = {"deployment": opened.deployment, "release": opened.release, "reason": reason}
    environment.stops.change("end asked for", lambda stops: asked_to_end(stops, cause, opened.deployment), writer, told)
    return {"environment": name, **told, "step": opened.step, "at_work": _somebody_is_at_work(environment)}


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
