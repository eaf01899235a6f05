"""``release resume ENV``: go on with a deployment whose process died, or which could not tell how it went."""

from pathlib import Path

from release.deployment import executor
from release.deployment.executor import Deployed
from release.deployment.plan import Plan, StepName, remaining
from release.deployment.record import open_deployment
from release.deployment.vetoes import refuse_vetoed, standing_vetoes
from release.environment import Environment, open_environment
from release.output import Progress


def resume(project_dir: Path, name: str, *, ci: str, progress: Progress) -> Deployed:
    """The deployment at its end. Refused when its release was vetoed meanwhile: then it can only be aborted."""
    environment = open_environment(project_dir, name)
    environment.stack.refuse_missing_engine()
    writer = environment.identify(ci)
    plan, _ = _open(environment)
    environment.ledger.refuse_held()  # before other rules speak: a deployment under way is open, but did not stop
    refuse_vetoed(plan.digest, standing_vetoes(project_dir))
    return executor.resume(environment, writer, progress)


def resume_plan(project_dir: Path, name: str) -> tuple[Plan, tuple[StepName, ...]]:
    """The open deployment, and the steps that a resumption would run."""
    return _open(open_environment(project_dir, name))


def _open(environment: Environment) -> tuple[Plan, tuple[StepName, ...]]:
    plan, opened = open_deployment(environment.ledger, environment.ledger.head())
    return plan, remaining(plan, opened)
