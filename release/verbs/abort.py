"""``release abort ENV``: put back what a deployment changed whose process died, or that waits for a person."""

from pathlib import Path
from typing import Any

from release.deployment import executor
from release.deployment.users import what_users_see
from release.environment import open_environment
from release.output import Progress


def abort(project_dir: Path, name: str, *, ci: str, progress: Progress) -> dict[str, Any]:
    """The deployment that was put back, what could not be done, and what users see now."""
    environment = open_environment(project_dir, name)
    opened, undone = executor.abort(environment, environment.identify(ci, tolerant=True), progress)
    return {
        "environment": name,
        "deployment": opened.deployment,
        "version": opened.release,
        "not_done": list(undone),
        "users": what_users_see(environment).words,
    }


def abort_text(report: dict[str, Any]) -> str:
    """The same in a line or more."""
    first = "deployment {deployment} of {version} was put back in {environment}; {users}".format(**report)
    return "\n".join((first, *(f"not done: {one}" for one in report["not_done"])))
