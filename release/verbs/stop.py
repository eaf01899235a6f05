"""``release stop ENV --reason R``: ask whoever is at work to end at the next safe point, and see that it ends."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import click

from release.call import Call, environment_argument, pass_call, reason_option
from release.environment import Environment
from release.process.errors import Broken, Inconclusive, LeaseHeld, Refused
from release.process.output import Progress
from release.records.ledger.event import Event
from release.records.ledger.head import Head
from release.records.ledger.lease import Lease, Patience
from release.records.ledger.ledger import Writer
from release.records.ledger.stops import Cause, Stops, asked_to_end, work_asked_to_end
from release.rules.ways_on import way_on

WAIT = 10.0  # minutes: putting back takes a few, and an installation is let go to its end


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who is asked: the name of the open deployment, and the lease of who is at work on it; or on something else, and
    then ``deployment`` is empty. ``work`` says what it is.
    """

    work: str
    deployment: str
    lease: Lease | None
    step: str = ""

    @property
    def who(self) -> str:
        """Whoever is at work, and where."""
        return f"{self.lease.owner} on {self.lease.host}" if self.lease else ""

    def to_end(self, stops: Stops, cause: Cause) -> Stops:
        """What stands once they are asked."""
        if self.deployment or self.lease is None:
            return asked_to_end(stops, cause, self.deployment)
        return work_asked_to_end(stops, cause, self.lease.fence)


@click.command("stop")
@environment_argument
@reason_option
@click.option(
    "--wait",
    type=click.FloatRange(min=0, max=120),
    default=WAIT,
    show_default=True,
    metavar="MINUTES",
    help="How long to wait until it has ended; 0: not at all.",
)
@pass_call
def command(call: Call, name: str, reason: str, wait: float) -> None:
    """Ask whoever is at work to end, and wait until that is so.

    It ends at its next safe point, also while it waits: a deployment is put back, other work stops where it can be run
    again. A second `stop` also ends the `pulumi up` of one that is being put back. It takes no lease, and the wish
    stands when you stop waiting.

    Refused (3) where nobody is at work and no deployment is open. Inconclusive (4) when it has not ended by then. One
    whose process died reads nothing any more: `abort` puts it back.

    \b
    Example: release stop prod --reason "the wrong version"
    """
    environment, writer = call.at_work(name, tolerant=True)
    report = stop(environment, reason, writer, call.progress, wait=wait)
    call.show(report, stop_text(report))


def stop(environment: Environment, reason: str, writer: Writer, progress: Progress, *, wait: float) -> dict[str, Any]:
    """Who was asked, and whether they have ended within ``wait`` minutes (None where nobody waited for it).

    Refused when nobody is at work and no deployment is open; Inconclusive when it has not ended.
    """
    name, asked = environment.name, _asked(environment)
    cause = Cause(reason=reason, by=writer.principal, at=environment.ledger.now())
    told = {"deployment": asked.deployment, "work": asked.work, "at_work": asked.who, "reason": reason}
    environment.stops.change("end asked for", lambda stops: asked.to_end(stops, cause), writer, told)
    ended = _has_ended(environment, asked.lease, wait, progress) if asked.lease and wait else None
    if ended is False:
        raise Inconclusive(
            f"{asked.work} was asked to end, and {asked.who} has not within {wait:g} minutes",
            hint=f"it ends at its next safe point: release status {name}; or end its process there (Ctrl-C, or kill)",
        )
    left = way_on(name, environment.ledger.head().state) if ended else ""
    return {"environment": name, **told, "step": asked.step, "ended": ended, "left": left}


def _asked(environment: Environment) -> Asked:
    """Who is at work, by the lease and its last event. Refused where nobody is, and no deployment is open."""
    head, lease = environment.ledger.head(), _holder(environment)
    opened, event = head.state.open, _last_of(environment, head, lease)
    if lease is not None and (opened is None or (event is not None and event.deployment is None)):
        return Asked(work=event.kind.rsplit(" ", 1)[0] if event else "what is done there", deployment="", lease=lease)
    if opened is None:
        name = environment.name
        raise Refused(f"nobody is at work in {name}, and no deployment is open", hint=f"see: release status {name}")
    work = f"{opened.deployment} of {opened.release}"
    return Asked(work=work, deployment=opened.deployment, lease=lease, step=opened.step)


def _last_of(environment: Environment, head: Head, lease: Lease | None) -> Event | None:
    """What the holder of the lease recorded last; None where that is not told."""
    with suppress(Broken):
        return environment.ledger.event(head.seq) if lease and head.fence == lease.fence else None
    return None


def _holder(environment: Environment) -> Lease | None:
    """Whose lease it is; nobody's where its process is proven to have ended here."""
    try:
        environment.ledger.free_lease()
    except LeaseHeld:
        return environment.ledger.lease()
    return None


def _has_ended(environment: Environment, lease: Lease, minutes: float, progress: Progress) -> bool:
    """Whether it gave its lease back, or died with it, by then."""
    patience = Patience(seconds=60 * minutes, told=progress.note)
    try:
        environment.ledger.free_lease(patience, of=lease.fence)
    except LeaseHeld:
        return False
    return True


def stop_text(report: dict[str, Any]) -> str:
    """The same in a line."""
    name, work, who = report["environment"], report["work"], report["at_work"]
    if not who:
        return f"nobody is at work on {work}: put it back with: release abort {name}"
    if report["ended"]:
        return f"{work} ({who}) was asked to end, and has; {report['left'] or f'nothing is open in {name}'}"
    step = f"; it was in step {report['step']!r}" if report["step"] else ""
    return f"{work} ({who}) was asked to end{step}; see: release status {name}"
