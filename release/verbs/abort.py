"""``release abort ENV``: put back what a deployment changed whose process died."""

from pathlib import Path

from release.deployment import executor
from release.deployment.plan import Plan
from release.environment import open_environment
from release.output import Progress


def abort(project_dir: Path, name: str, *, ci: str, progress: Progress) -> Plan:
    """The plan of the deployment that was put back."""
    environment = open_environment(project_dir, name)
    environment.stack.refuse_missing_engine()
    return executor.abort(environment, environment.identify(ci), progress)
