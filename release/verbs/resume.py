"""``release resume ENV``: go on with a deployment whose process died, that paused, or that could not tell."""

from functools import partial

import click

from release.call import Call, environment_argument, open_door_option, pass_call, plan_option
from release.deployment_text import plan_report, plan_text, show_deployed
from release.environment import Environment
from release.process.output import Progress
from release.records.ledger.ledger import Ledger, Writer
from release.rules.gates import not_vetoed, refuse_unless_passed
from release.rules.lanes import StepName
from release.rules.plan import Plan, remaining
from release.work import executor
from release.work.deployment import open_in, plan_of_open
from release.work.door import door_for
from release.work.executor import Deployed
from release.work.snapshot_pruning import tidied
from release.work.vetoes import vetoes_upstream

PROMOTIONS = ("promotion", "hotfix")  # what comes from elsewhere


@click.command("resume")
@environment_argument
@open_door_option
@plan_option
@pass_call
def command(call: Call, name: str, door: str | None, only_plan: bool) -> None:
    """Go on with a deployment that died, paused or could not tell.

    It goes on at the step where it stopped. What a dead process left running on this machine is ended first. `abort`
    puts the deployment back instead.

    Refused (3) where none is open, and before the switch where the release is vetoed by now, or users were moved by
    hand to its slot. Otherwise it ends like `promote`. Lease held (5) while its process may live.

    \b
    Example: release resume prod
    """
    if only_plan:
        planned = plan_report(*resume_plan(call.opened(name).ledger))
        call.show(planned, plan_text(planned))
        return
    environment, writer = call.at_work(name, engine=True)
    with door_for(environment, door, call.progress):
        show_deployed(call, resume_in(environment, writer, call.progress))


def resume_in(environment: Environment, writer: Writer, progress: Progress) -> Deployed:
    """The deployment at its end. What was stopped here meanwhile ends it instead: a veto, or the wish that it ends.

    Before its switch it is refused, as a new promotion would be, where the release is vetoed in another environment.
    Like a rollback itself, one that is resumed leaves snapshots alone.
    """
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


def resume_plan(ledger: Ledger) -> tuple[Plan, tuple[StepName, ...]]:
    """The open deployment, and the steps that a resumption would run."""
    head = ledger.head()
    plan = plan_of_open(ledger, head)
    return plan, remaining(plan, open_in(head))
