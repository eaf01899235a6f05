"""``release status [ENV]``: what each environment holds, by one read of its ledger.

While a deployment is open it also reads the lease and, when nobody holds that, the stack's locks.
"""

import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from release.aws.session import is_not_found
from release.deployment.stops import is_frozen
from release.environment import Environment, open_all, open_environment
from release.errors import Broken, StagelineError
from release.output import table
from release.verbs.unlock import locks_of

HEADINGS = ("environment", "live", "since (UTC)", "slot", "blue", "green", "previous", "open deployment", "stops")


def status(project_dir: Path, name: str | None) -> dict[str, Any]:
    """The state of one environment, or of all in promotion order."""
    chosen = (open_environment(project_dir, name),) if name else open_all(project_dir)
    return {"environments": [_one(environment) for environment in chosen]}


def status_text(report: dict[str, Any]) -> str:
    """The report as a table, and below it the locks that would stop whoever ends an open deployment."""
    entries = report["environments"]
    locked = (f"{entry['environment']} is locked by {lock}" for entry in entries for lock in entry.get("locks", ()))
    return "\n".join((table(HEADINGS, [_row(entry) for entry in entries]), *locked))


def _one(environment: Environment) -> dict[str, Any]:
    try:
        head = environment.ledger.head()
    except Broken as error:
        if is_not_found(error):
            return {"environment": environment.name, "initialised": False}
        raise
    now = environment.ledger.now()
    lease = environment.ledger.lease() if head.state.open else None
    held = lease is not None and lease.held_at(now)
    return {
        "environment": environment.name,
        "initialised": True,
        "seq": head.seq,
        "fence": head.fence,
        **asdict(head.state),
        "freeze": asdict(head.state.freeze) if head.state.freeze and is_frozen(head.state, now) else None,
        "lease": asdict(lease) if lease and held else None,
        "locks": _locks(environment) if head.state.open and not held else [],
    }


def _locks(environment: Environment) -> list[str]:
    """The stack's locks, where the backend is named without asking Pulumi; a backend that is silent hides nothing."""
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    with suppress(StagelineError):
        return [str(lock) for lock in locks_of(environment, backend).all()]
    return []


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    if not entry["initialised"]:
        return (entry["environment"], "not initialised", *[""] * (len(HEADINGS) - 2))
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
    return (slot or {}).get("release") or "empty"
