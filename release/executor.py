"""Runs a deployment's plan: records each step before and after it, and puts things back when one fails.

Each step's state is written to HEAD before Pulumi is asked to make it so. A process that dies leaves an open
deployment in HEAD, and ``abort`` puts it back by the plan that the ledger keeps.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from release.environment import Environment
from release.errors import Broken, LeaseLost, Refused, StagelineError
from release.head import State
from release.ledger import Entry, Holder, Writer
from release.manifest import Manifest
from release.output import Progress
from release.plan import (
    Kind,
    Plan,
    StepName,
    closed,
    entering,
    in_step,
    leaving,
    make_plan,
    parse_plan,
    plan_details,
    undone,
)
from release.steps import STEPS, Evidence, Work

UNDOING = "undoing"


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """How a deployment ended well: what is live, where, and the evidence of each step by its name."""

    environment: str
    deployment: str
    version: str
    digest: str
    slot: str
    live_url: str
    evidence: dict[str, Evidence]


def deploy(environment: Environment, manifest: Manifest, kind: Kind, writer: Writer, progress: Progress) -> Deployed:
    """Make ``manifest`` live in ``environment``, from the lease to the verdict.

    Raises LeaseHeld when somebody else is at work, and the error of the step that failed after having put back what
    the deployment had changed.
    """
    head = environment.ledger.head()
    plan = make_plan(
        deployment=deployment_id(environment.name, environment.ledger.now()),
        kind=kind,
        environment=environment.name,
        manifest=manifest,
        state=head.state,
    )
    opened = in_step(plan, "requested", head.state, head.seq + 1)
    holder = environment.ledger.begin(
        _entry(plan, f"{kind} requested", opened, "requested", plan_details(plan)), head, writer
    )
    work = Work(plan, manifest, environment, holder, requested=head.seq + 1)
    try:
        evidence = _run(work, progress)
    finally:
        holder.give_back()
    return Deployed(
        environment=environment.name,
        deployment=plan.deployment,
        version=plan.version,
        digest=plan.digest,
        slot=plan.slot,
        live_url=work.outputs["live_url"],
        evidence=evidence,
    )


def abort(environment: Environment, writer: Writer, progress: Progress) -> Plan:
    """Put back what an open deployment changed, after its process died; the plan that was put back.

    Refused when no deployment is open; LeaseHeld while its process may still be alive.
    """
    head = environment.ledger.head()
    if head.state.open is None:
        raise Refused(f"no deployment is open in {environment.name}", hint=f"see: release status {environment.name}")
    plan = parse_plan(environment.ledger.event(head.state.open.requested).details)
    holder = environment.ledger.begin(_entry(plan, "abort requested", head.state, head.state.open.step), head, writer)
    try:
        _undo(environment, plan, holder, progress, why=f"aborted by {writer.principal}")
    finally:
        holder.give_back()
    return plan


def deployment_id(environment: str, now: datetime) -> str:
    """A new deployment's name: environment, UTC time, and a few random digits against two in one second."""
    return f"{environment}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _run(work: Work, progress: Progress) -> dict[str, Evidence]:
    try:
        return {step: _run_step(work, step, progress) for step in work.plan.steps}
    except LeaseLost:
        raise  # what was ours is another's now: nothing more may be touched
    except StagelineError as error:
        _undo(work.environment, work.plan, work.holder, progress, why=str(error))
        raise type(error)(f"{work.plan.version} is not live in {work.environment.name}: {error}") from error


def _run_step(work: Work, step: StepName, progress: Progress) -> Evidence:
    plan, holder, requested = work.plan, work.holder, work.requested
    before = in_step(plan, step, entering(plan, step, holder.head.state), requested)
    with progress.step(work.environment.name, step):
        holder.record(_entry(plan, "step started", before, step))
        evidence = STEPS[step](work)
        after = leaving(plan, step, holder.head.state, work.environment.ledger.now().isoformat(timespec="seconds"))
        holder.record(_entry(plan, "step done", after, step, evidence))
    return evidence


def _undo(environment: Environment, plan: Plan, holder: Holder, progress: Progress, *, why: str) -> None:
    """Restore or empty the slot, point the listener back, and close the deployment as failed."""
    opened = holder.head.state.open
    failed_in, requested = (opened.step, opened.requested) if opened else ("", holder.head.seq)
    back = undone(plan, holder.head.state, deployment_id(environment.name, environment.ledger.now()))
    with progress.step(environment.name, "put back"):
        if _declares_other(back, holder.head.state):
            undoing = in_step(plan, UNDOING, back, requested)
            holder.record(_entry(plan, "undo started", undoing, UNDOING, {"why": why, "failed_in": failed_in}))
            _up_again(environment, plan, holder)
        holder.record(_entry(plan, "deployment failed", closed(back), failed_in, {"why": why}))


def _up_again(environment: Environment, plan: Plan, holder: Holder) -> None:
    try:
        environment.stack.up(fence=holder.lease.fence)
        if plan.former.live is not None:
            url = environment.stack.outputs()["live_url"]
            environment.verification.wait_until_answering(url, plan.former.live.release)
    except StagelineError as error:
        raise Broken(
            f"{environment.name} could not be put back after {plan.version} failed: {error}",
            hint=f"mend it, then run: release abort {environment.name}",
        ) from error


def _declares_other(one: State, other: State) -> bool:
    """Whether two states make the program declare different things."""
    return (one.blue, one.green, one.declared) != (other.blue, other.green, other.declared)


def _entry(plan: Plan, kind: str, state: State, step: str, details: Evidence | None = None) -> Entry:
    return Entry(kind=kind, state=state, deployment=plan.deployment, step=step, details=details or {})
