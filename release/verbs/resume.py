"""``release resume ENV``: go on with a deployment whose process died, that paused, or that could not tell."""

from pathlib import Path

from release.deployment import executor
from release.deployment.executor import Deployed
from release.deployment.lanes import StepName
from release.deployment.plan import Plan, remaining
from release.deployment.record import open_in, plan_of_open
from release.environment import Environment, open_environment
from release.ledger.ledger import Writer
from release.output import Progress
from release.verbs.promote import tidied


def resume(project_dir: Path, name: str, *, ci: str, progress: Progress) -> Deployed:
    """The deployment at its end. What was stopped meanwhile ends it instead: a veto, or the wish that it ends."""
    environment = open_environment(project_dir, name)
    environment.stack.refuse_missing_engine()
    return resume_in(environment, environment.identify(ci), progress)


def resume_in(environment: Environment, writer: Writer, progress: Progress) -> Deployed:
    """The same, in an environment that is open. Like a rollback itself, one that is resumed leaves snapshots alone."""
    opened = open_in(environment.ledger.head())
    done = executor.resume(environment, writer, progress)
    return done if opened.kind == "rollback" else tidied(environment, done, writer, progress)


def resume_plan(project_dir: Path, name: str) -> tuple[Plan, tuple[StepName, ...]]:
    """The open deployment, and the steps that a resumption would run."""
    ledger = open_environment(project_dir, name).ledger
    head = ledger.head()
    plan = plan_of_open(ledger, head)
    return plan, remaining(plan, open_in(head))
