"""``release status [ENV]``: what each environment holds, by one read of its ledger."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from release.aws.session import is_not_found
from release.environment import Environment, open_all, open_environment
from release.errors import Broken
from release.output import table

HEADINGS = ("environment", "live", "since (UTC)", "slot", "blue", "green", "previous", "open deployment")


def status(project_dir: Path, name: str | None) -> dict[str, Any]:
    """The state of one environment, or of all in promotion order."""
    chosen = (open_environment(project_dir, name),) if name else open_all(project_dir)
    return {"environments": [_one(environment) for environment in chosen]}


def status_text(report: dict[str, Any]) -> str:
    """The report as a table."""
    return table(HEADINGS, [_row(entry) for entry in report["environments"]])


def _one(environment: Environment) -> dict[str, Any]:
    try:
        head = environment.ledger.head()
    except Broken as error:
        if is_not_found(error):
            return {"environment": environment.name, "initialised": False}
        raise
    lease = environment.ledger.lease() if head.state.open else None
    return {
        "environment": environment.name,
        "initialised": True,
        "seq": head.seq,
        "fence": head.fence,
        **asdict(head.state),
        "lease": asdict(lease) if lease and lease.held_at(environment.ledger.now()) else None,
    }


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    if not entry["initialised"]:
        return (entry["environment"], "not initialised", *[""] * (len(HEADINGS) - 2))
    live, opened = entry["live"] or {}, entry["open"] or {}
    return (
        entry["environment"],
        live.get("release", "nothing"),
        live.get("since", "")[:19],
        live.get("slot", ""),
        _held(entry["blue"]),
        _held(entry["green"]),
        (entry["previous"] or {}).get("release", ""),
        f"{opened['deployment']}: {opened['step']}" if opened else "",
    )


def _held(slot: dict[str, Any] | None) -> str:
    return (slot or {}).get("release") or "empty"
