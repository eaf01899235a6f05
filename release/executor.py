"""Runs a deployment's plan: records each step before and after it, and puts things back when one fails.

Each step's state is written to HEAD before Pulumi is asked to make it so. A process that dies leaves an open
deployment in HEAD, and ``abort`` puts it back by the plan that the ledger keeps.
"""

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime

from release.environment import Environment
from release.errors import Broken, Inconclusive, LeaseLost, Refused, StagelineError
from release.gates import Gate
from release.head import Head, State
from release.interruption import INTERRUPTION
from release.ledger import Entry, Holder, Writer
from release.manifest import Manifest
from release.output import Progress
from release.plan import Kind, Plan, StepName, closed, entering, in_step, leaving, make_plan, parse_plan, undoing
from release.steps import STEPS, Evidence, Work

UNDOING = "undoing"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be deployed: a release, by promotion or rollback, judged by these gates on this very HEAD."""

    kind: Kind
    manifest: Manifest
    head: Head
    gates: tuple[Gate, ...]


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


def deploy(environment: Environment, order: Order, writer: Writer, progress: Progress) -> Deployed:
    """Make the ordered release live in ``environment``, from the lease to the verdict.

    Raises LeaseHeld when somebody else is at work, or when HEAD is no longer the one that the gates were judged on;
    and the error of the step that failed, after having put back what the deployment had changed.
    """
    plan = make_plan(
        deployment=deployment_id(environment.name, environment.ledger.now()),
        kind=order.kind,
        environment=environment.name,
        manifest=order.manifest,
        state=order.head.state,
    )
    with INTERRUPTION.watched(), environment.ledger.begin(_request(plan, order), order.head, writer) as holder:
        work = Work(plan, order.manifest, environment, holder, requested=holder.head.seq)
        evidence = _run(work, progress)
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

    Refused when no deployment is open; LeaseHeld while its process may still be alive; Inconclusive when what was
    live before does not answer.
    """
    head = environment.ledger.head()
    if head.state.open is None:
        raise Refused(f"no deployment is open in {environment.name}", hint=f"see: release status {environment.name}")
    plan = parse_plan(environment.ledger.event(head.state.open.requested).details["plan"])
    request = _entry(plan, "abort requested", head.state, head.state.open.step)
    with INTERRUPTION.watched(), environment.ledger.begin(request, head, writer) as holder:
        _undo(environment, plan, holder, progress, why=f"aborted by {writer.principal}")
    return plan


def deployment_id(environment: str, now: datetime) -> str:
    """A new deployment's name: environment, UTC time, and a few random digits against two in one second."""
    return f"{environment}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _request(plan: Plan, order: Order) -> Entry:
    """The first event of a deployment: it holds the plan, and what the decision to begin rests on."""
    details = {"plan": asdict(plan), "gates": [asdict(gate) for gate in order.gates]}
    opened = in_step(plan, "requested", order.head.state, order.head.seq + 1)
    return _entry(plan, f"{plan.kind} requested", opened, "requested", details)


def _run(work: Work, progress: Progress) -> dict[str, Evidence]:
    """Run all steps. Whatever fails, also what nobody foresaw, is put back: a half-way deployment helps nobody."""
    try:
        return {step: _run_step(work, step, progress) for step in work.plan.steps}
    except LeaseLost:
        raise  # what was ours is another's now: nothing more may be touched
    except Exception as error:
        failure = _as_failure(error)
        _undo(work.environment, work.plan, work.holder, progress, why=str(failure))
        failure.put_in_context(f"{work.plan.version} is not live in {work.environment.name}")
        raise failure from (error.__cause__ if failure is error else error)


def _run_step(work: Work, step: StepName, progress: Progress) -> Evidence:
    INTERRUPTION.check()
    plan, holder, requested = work.plan, work.holder, work.requested
    before = in_step(plan, step, entering(plan, step, holder.head.state), requested)
    with progress.step(work.environment.name, step):
        holder.record(_entry(plan, "step started", before, step))
        evidence = STEPS[step](work)
        after = leaving(plan, step, holder.head.state, work.environment.ledger.now().isoformat(timespec="seconds"))
        holder.record(_entry(plan, "step done", after, step, evidence))
    return evidence


def _undo(environment: Environment, plan: Plan, holder: Holder, progress: Progress, *, why: str) -> None:
    """Put back the listener, then the slot, and close the deployment as failed.

    The listener goes first and by an up of its own: the slot that is put back is then one that nobody uses. A former
    release that does not answer is no reason to stay open: only another deployment could mend it.
    """
    opened = holder.head.state.open
    failed_in, requested = (opened.step, opened.requested) if opened else ("", holder.head.seq)
    told, silence = {"why": why, "failed_in": failed_in}, ""
    with progress.step(environment.name, "put back"):
        for back in undoing(plan, holder.head.state, deployment_id(environment.name, environment.ledger.now())):
            holder.record(_entry(plan, "undo started", in_step(plan, UNDOING, back, requested), UNDOING, told))
            _up_again(environment, plan, holder)
            silence = _silence(environment, plan)
        ended = closed(holder.head.state)
        holder.record(_entry(plan, "deployment failed", ended, failed_in, {**told, "live_does_not_answer": silence}))
    if silence:
        raise Inconclusive(
            f"{plan.version} failed ({why}) and was put back, but what was live in {environment.name} before does not "
            f"answer: {silence}",
            hint=f"see: release status {environment.name}",
        )


def _up_again(environment: Environment, plan: Plan, holder: Holder) -> None:
    try:
        environment.stack.up(fence=holder.lease.fence)
    except StagelineError as error:
        raise Broken(
            f"{environment.name} could not be put back after {plan.version} failed: {error}",
            hint=f"mend it, then run: release abort {environment.name}",
        ) from error


def _silence(environment: Environment, plan: Plan) -> str:
    """Why the release that was live before does not answer now; empty when it does, or when none was."""
    if plan.former.live is None:
        return ""
    try:
        url = environment.stack.outputs()["live_url"]
        environment.verification.wait_until_answering(url, plan.former.live.release)
    except StagelineError as error:
        return str(error)
    return ""


def _as_failure(error: Exception) -> StagelineError:
    """The error as one that is told in a line, whatever it was."""
    return error if isinstance(error, StagelineError) else Broken(f"unexpected {type(error).__name__}: {error}")


def _entry(plan: Plan, kind: str, state: State, step: str, details: Evidence | None = None) -> Entry:
    return Entry(kind=kind, state=state, deployment=plan.deployment, step=step, details=details or {})
