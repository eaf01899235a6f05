"""``release history ENV``: what happened, newest first."""

from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from release.environment import open_environment
from release.output import table

HEADINGS = ("seq", "when (UTC)", "what", "step", "deployment", "by")


def history(project_dir: Path, name: str, *, limit: int) -> dict[str, Any]:
    """The newest ``limit`` events of an environment's ledger."""
    environment = open_environment(project_dir, name)
    environment.ledger.head()
    events = islice(environment.ledger.events(newest_first=True), limit)
    return {"environment": name, "events": [asdict(event) for event in events]}


def history_text(report: dict[str, Any]) -> str:
    """The report as a table."""
    return table(HEADINGS, [_row(event) for event in report["events"]])


def _row(event: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(event["seq"]),
        event["at"][:19],
        event["kind"],
        event["step"] or "",
        event["deployment"] or "",
        event["by"].rsplit(":", 1)[-1],
    )
