"""``release hold ENV --reason R``: keep every promotion out of an environment until a person lifts that."""

from dataclasses import replace
from pathlib import Path

from release.deployment.stops import Cause, held
from release.environment import open_environment
from release.errors import Refused
from release.ledger.ledger import Entry


def hold(project_dir: Path, name: str, *, reason: str, ci: str) -> None:
    """Refused when it is on hold already: the first reason stands until it is lifted."""
    environment = open_environment(project_dir, name)
    writer = environment.identify(ci)
    head = environment.ledger.head()
    if head.state.hold:
        raise Refused(f"{name} is on hold already, by {head.state.hold.by}: {head.state.hold.reason}")
    state = held(head.state, Cause(reason=reason, by=writer.principal, at=environment.ledger.now()))
    environment.ledger.note(Entry(kind="hold set", state=state, details={"reason": reason}), head, writer)


def lift_hold(project_dir: Path, name: str, *, reason: str, ci: str) -> None:
    """Let promotions in again. Refused when nothing holds them."""
    environment = open_environment(project_dir, name)
    writer = environment.identify(ci)
    head = environment.ledger.head()
    if head.state.hold is None:
        raise Refused(f"{name} is not on hold", hint=f"see: release status {name}")
    details = {"reason": reason, "held_for": head.state.hold.reason}
    environment.ledger.note(
        Entry(kind="hold lifted", state=replace(head.state, hold=None), details=details), head, writer
    )
