"""``release resume ENV``: go on with a deployment whose process died, that paused, or that could not tell."""

from pathlib import Path

from release.deployment import executor
from release.deployment.executor import Deployed
from release.deployment.lanes import StepName
from release.deployment.plan import Plan, remaining
from release.deployment.record import open_in, plan_of_open
from release.environment import open_environment
from release.output import Progress


def resume(project_dir: Path, name: str, *, ci: str, progress: Progress) -> Deployed:
    """The deployment at its end. What was stopped meanwhile ends it instead: a veto, or the wish that it ends."""
    environment = open_environment(project_dir, name)
    environment.stack.refuse_missing_engine()
    return executor.resume(environment, environment.identify(ci), progress)


def resume_plan(project_dir: Path, name: str) -> tuple[Plan, tuple[StepName, ...]]:
    """The open deployment, and the steps that a resumption would run."""
    ledger = open_environment(project_dir, name).ledger
    head = ledger.head()
    plan = plan_of_open(ledger, head)
    return plan, remaining(plan, open_in(head))
