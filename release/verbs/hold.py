"""``release hold ENV --reason R``: keep every promotion out of an environment until a person lifts that."""

from pathlib import Path

from release.environment import open_environment
from release.errors import Refused
from release.ledger.stops import Cause, Stops, held, refuse_changed


def hold(project_dir: Path, name: str, *, reason: str, ci: str) -> None:
    """Takes no lease: what is at work reads it. Refused when it is on hold already: the first reason stands."""
    environment = open_environment(project_dir, name)
    writer = environment.identify(ci)
    cause = Cause(reason=reason, by=writer.principal, at=environment.ledger.now())

    def rule(stops: Stops) -> Stops:
        if stops.hold:
            raise Refused(f"{name} is on hold already, by {stops.hold.by}: {stops.hold.reason}")
        return held(stops, cause)

    environment.stops.change("hold set", rule, writer, {"reason": reason})


def lift_hold(project_dir: Path, name: str, *, reason: str, ci: str) -> None:
    """Let promotions in again. Refused when nothing holds them."""
    environment = open_environment(project_dir, name)
    writer = environment.identify(ci)
    hold = environment.stops.read().hold
    if hold is None:
        raise Refused(f"{name} is not on hold", hint=f"see: release status {name}")
    details = {"reason": reason, "held_for": hold.reason}

    def rule(stops: Stops) -> Stops:
        refuse_changed(stops.hold, hold, f"the hold of {name}")
        return stops.but(hold=None)

    environment.stops.change("hold lifted", rule, writer, details)
