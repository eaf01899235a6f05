"""``release status [ENV]``: what each environment holds, by two reads of its ledger: HEAD, and what is stopped.

While a deployment is open it also reads the lease and, when nobody holds that, the stack's locks. Of a single
environment it also counts the database snapshots that its account has.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import click

from contract.slots import SLOTS
from release.call import Call, any_environment_argument, pass_call
from release.doors.aws.session import is_not_found
from release.environment import Environment, open_environment
from release.process.errors import Broken, StagelineError
from release.process.output import table
from release.project import names_in, open_each
from release.records.ledger.stops import Stops, is_frozen
from release.verbs.unlock import locks_of
from release.work.snapshot_room import count_text, snapshot_count
from settings.stackfile import Project

SHORT = 8  # digits of a configuration's digest that people are shown
HEADINGS = ("environment", "live", "since (UTC)", "slot", "blue", "green", "previous", "open deployment", "stops")


@click.command("status")
@any_environment_argument
@pass_call
def command(call: Call, name: str | None) -> None:
    """Show what is live and what the slots hold.

    In ENVIRONMENT or in all: also what is stopped, what a deployment left open, and how to end it. Of one ENVIRONMENT
    also how many database snapshots its account has. Broken (1) when an environment cannot be read: that hides no other
    one.

    \b
    Example: release status
    """
    report = status(call.project, name)
    call.show(report, status_text(report))
    refuse_unreadable(report)


def status(project: Project, name: str | None) -> dict[str, Any]:
    """The state of one environment, or of all in promotion order."""
    if name is None:
        opened, closed = open_each(project, names_in(project))
        entries = [_as_far_as_known(environment) for environment in opened]
        return {"environments": [*entries, *(_unreadable(one, why) for one, why in closed.items())]}
    environment = open_environment(project, name)
    entry = _one(environment)
    return {"environments": [entry | ({"snapshots": snapshot_count(environment)} if entry["initialised"] else {})]}


def refuse_unreadable(report: dict[str, Any]) -> None:
    """Broken when an environment could not be looked at; what is known of the others was shown."""
    if unreadable := [entry for entry in report["environments"] if "unreadable" in entry]:
        names = ", ".join(entry["environment"] for entry in unreadable)
        whys = dict.fromkeys(entry["unreadable"] for entry in unreadable)
        raise Broken(f"{names} cannot be read: {'; '.join(whys)}")


def status_text(report: dict[str, Any]) -> str:
    """The report as a table, and below it what somebody should know who is to act."""
    entries = report["environments"]
    remarks = (remark for entry in entries if entry["initialised"] for remark in _remarks(entry))
    unreadable = (f"{one['environment']} cannot be read: {one['unreadable']}" for one in entries if "unreadable" in one)
    rows = [_row(entry) for entry in entries]
    return "\n".join((table(HEADINGS, rows), *_snapshots(entries), *remarks, *unreadable))


def _remarks(entry: dict[str, Any]) -> Iterator[str]:
    """What does not fit into a row: locks that stop whoever ends a deployment, and what is not as HEAD says."""
    name = entry["environment"]
    yield from (f"{name} is locked by {lock}" for lock in entry["locks"])
    yield from (f"{name}: {one['server']} is out since {one['since'][:19]}: {one['reason']}" for one in entry["out"])
    for slot in SLOTS:
        if entry[slot] and entry[slot]["unsure"]:
            mend = f"find out with: release drift {name}"
            yield f"{name}: slot {slot} may hold something else, {mend} ({entry[slot]['unsure']})"
    if entry["live"] and entry["live"]["unverified"]:
        yield f"{name}: nobody verified {entry['live']['release']}, to which users were moved by hand"
    if entry["behind"] and not entry["open"]:
        yield f"{name}: {entry['behind']}; run: pulumi up --refresh --stack {name}, then release drift {name}"
    if entry["ending"] and entry["open"] and entry["ending"]["deployment"] == entry["open"]["deployment"]:
        yield f"{name}: {entry['ending']['by']} asked {entry['open']['deployment']} to end: {entry['ending']['reason']}"


def _as_far_as_known(environment: Environment) -> dict[str, Any]:
    """An environment among others, whose ledger may be broken: that hides no other one."""
    try:
        return _one(environment)
    except Broken as error:
        return _unreadable(environment.name, str(error))


def _unreadable(name: str, why: str) -> dict[str, Any]:
    return {"environment": name, "initialised": False, "unreadable": why}


def _one(environment: Environment) -> dict[str, Any]:
    try:
        head = environment.ledger.head()
    except Broken as error:
        if is_not_found(error):
            return {"environment": environment.name, "initialised": False}
        raise
    lease = environment.ledger.lease() if head.state.open else None
    held = lease is not None and lease.held
    return {
        "environment": environment.name,
        "initialised": True,
        "seq": head.seq,
        "fence": head.fence,
        **head.state.model_dump(),
        **_standing(environment.stops.read(), environment.ledger.now()),
        "lease": lease.model_dump() if lease and held else None,
        "locks": _locks(environment) if head.state.open and not held else [],
    }


def _standing(stops: Stops, now: datetime) -> dict[str, Any]:
    """What keeps releases out now; a freeze that is over is none."""
    said = stops.model_dump(include={"hold", "vetoes", "ending"})
    return {**said, "freeze": stops.freeze.model_dump() if stops.freeze and is_frozen(stops, now) else None}


def _locks(environment: Environment) -> list[str]:
    """The stack's locks, where the backend is named without asking Pulumi; a backend that is silent hides nothing."""
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    with suppress(StagelineError):
        return [str(lock) for lock in locks_of(environment, backend).all()]
    return []


def _snapshots(entries: list[dict[str, Any]]) -> list[str]:
    return [count_text(entry["snapshots"]) for entry in entries if "snapshots" in entry]


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    if not entry["initialised"]:
        said = "cannot be read" if "unreadable" in entry else "not initialised"
        return (entry["environment"], said, *[""] * (len(HEADINGS) - 2))
    live = entry["live"] or {}
    return (
        entry["environment"],
        live.get("release", "nothing"),
        live.get("since", "")[:19],
        live.get("slot", ""),
        _held(entry["blue"]),
        _held(entry["green"]),
        (entry["previous"] or {}).get("release", ""),
        _open(entry["open"]),
        ", ".join(_stops(entry)),
    )


def _open(opened: dict[str, Any] | None) -> str:
    if opened is None:
        return ""
    return f"{opened['deployment']}: {opened['step']}" + (f" ({opened['stopped']})" if opened["stopped"] else "")


def _stops(entry: dict[str, Any]) -> list[str]:
    """What keeps releases out, in a word each; ``--json`` has the reasons."""
    freeze = entry["freeze"]
    return [
        *(["on hold"] if entry["hold"] else []),
        *([f"frozen until {freeze['until']}"] if freeze else []),
        *(f"{veto['release']} vetoed" for veto in entry["vetoes"]),
    ]


def _held(slot: dict[str, Any] | None) -> str:
    """A release, and by which configuration."""
    release, configuration = (slot or {}).get("release") or "empty", (slot or {}).get("configuration")
    return f"{release} ({configuration[:SHORT]})" if configuration else release
