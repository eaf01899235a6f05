"""``release resume ENV``: go on with a deployment whose process died, that paused, or that could not tell."""

from functools import partial
from pathlib import Path

from release.deployment import executor
from release.deployment.executor import Deployed
from release.deployment.gates import not_vetoed, refuse_unless_passed
from release.deployment.lanes import StepName
from release.deployment.plan import Plan, remaining
from release.deployment.record import open_in, plan_of_open
from release.deployment.vetoes import vetoes_upstream
from release.environment import Environment, open_environment
from release.ledger.ledger import Writer
from release.output import Progress
from release.verbs.promote import tidied

PROMOTIONS = ("promotion", "hotfix")  # what comes from elsewhere


def resume(project_dir: Path, name: str, *, ci: str, progress: Progress) -> Deployed:
    """The deployment at its end. What was stopped here meanwhile ends it instead: a veto, or the wish that it ends.

    Before its switch it is refused, as a new promotion would be, where the release is vetoed in another environment.
    """
    environment = open_environment(project_dir, name)
    environment.stack.refuse_missing_engine()
    return resume_in(environment, environment.identify(ci), progress)


def resume_in(environment: Environment, writer: Writer, progress: Progress) -> Deployed:
    """The same, in an environment that is open. Like a rollback itself, one that is resumed leaves snapshots alone."""
    opened = open_in(environment.ledger.head())
    done = executor.resume(environment, writer, progress, partial(_refuse_vetoed_upstream, environment))
    return done if opened.kind == "rollback" else tidied(environment, done, writer, progress)


def _refuse_vetoed_upstream(environment: Environment, plan: Plan) -> None:
    """Refused where others say no by now to what waits to be promoted: by the gate of a new promotion."""
    if plan.kind not in PROMOTIONS:
        return
    gate = not_vetoed(plan.version, vetoes_upstream(environment, plan.source, plan.digest))
    hint = f"lift that first, or put it back with: release abort {environment.name}"
    refuse_unless_passed((gate,), f"promoting {plan.version} to {environment.name}", hint)


def resume_plan(project_dir: Path, name: str) -> tuple[Plan, tuple[StepName, ...]]:
    """The open deployment, and the steps that a resumption would run."""
    ledger = open_environment(project_dir, name).ledger
    head = ledger.head()
    plan = plan_of_open(ledger, head)
    return plan, remaining(plan, open_in(head))
