"""Runs a deployment's plan: records each step before and after it, and puts things back when one fails.

Each step's state is written to HEAD before Pulumi is asked to make it so. A process that dies leaves an open
deployment in HEAD: by the plan that the ledger keeps, ``resume`` goes on with it and ``abort`` puts it back.
"""

from dataclasses import asdict, dataclass

from release.artifacts.manifest import Manifest
from release.deployment.aftermath import follow, undo
from release.deployment.gates import Gate
from release.deployment.interruption import INTERRUPTION
from release.deployment.plan import (
    REQUESTED,
    UNDOING,
    Kind,
    Plan,
    StepName,
    entering,
    in_step,
    leaving,
    make_plan,
    remaining,
)
from release.deployment.record import deployment_id, entry, open_deployment
from release.deployment.steps import STEPS, Evidence, Work
from release.environment import Environment
from release.errors import (
    Broken,
    LeaseLost,
    Refused,
    StagelineError,
)
from release.ledger.head import Head
from release.ledger.ledger import Entry, Holder, Writer
from release.output import Progress


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be deployed: a release, judged by these gates on this very HEAD; a hotfix has a reason."""

    kind: Kind
    manifest: Manifest
    head: Head
    gates: tuple[Gate, ...]
    reason: str = ""


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
    plan = plan_of(environment, order)
    with INTERRUPTION.watched(), environment.ledger.begin(_request(plan, order), order.head, writer) as holder:
        work = Work(plan, order.manifest, environment, holder, requested=holder.head.seq)
        return _deployed(work, _run(work, plan.steps, progress))


def resume(environment: Environment, writer: Writer, progress: Progress) -> Deployed:
    """Go on with a deployment whose process died, or which stopped because it could not be told how it went.

    Refused when none is open, when it is being put back, or when its release is another now than the one of the plan;
    LeaseHeld while its process may still be alive.
    """
    head = environment.ledger.head()
    plan, opened = open_deployment(environment.ledger, head)
    environment.ledger.refuse_held()
    if opened.step == UNDOING:
        raise Refused(f"{plan.version} is being put back", hint=f"end that with: release abort {environment.name}")
    manifest = manifest_of(environment, plan)
    request = entry(plan, "resume requested", head.state, opened.step)
    with INTERRUPTION.watched(), environment.ledger.begin(request, head, writer) as holder:
        _end_leftovers(environment, plan, holder, progress)
        work = Work(plan, manifest, environment, holder, requested=opened.requested)
        return _deployed(work, _run(work, remaining(plan, opened), progress))


def abort(environment: Environment, writer: Writer, progress: Progress) -> Plan:
    """Put back what an open deployment changed; the plan that was put back.

    Refused when no deployment is open; LeaseHeld while its process may still be alive; Inconclusive when what was
    live before does not answer.
    """
    head = environment.ledger.head()
    plan, opened = open_deployment(environment.ledger, head)
    request = entry(plan, "abort requested", head.state, opened.step)
    with INTERRUPTION.watched(), environment.ledger.begin(request, head, writer) as holder:
        _end_leftovers(environment, plan, holder, progress)
        undo(environment, plan, holder, progress, why=f"aborted by {writer.principal}")
    return plan


def manifest_of(environment: Environment, plan: Plan) -> Manifest:
    """The signed manifest of a plan's release; Refused when it speaks of other bytes than the plan."""
    manifest = environment.releases.get(plan.version)
    if manifest.digest != plan.digest:
        raise Refused(
            f"{plan.version} has other bytes than when {plan.deployment} began (sha256 {manifest.digest[:12]} instead "
            f"of {plan.digest[:12]})",
            hint=f"put it back with: release abort {environment.name}",
        )
    return manifest


def plan_of(environment: Environment, order: Order) -> Plan:
    """What ``deploy`` would do with this order now."""
    return make_plan(
        deployment=deployment_id(environment.name, environment.ledger.now()),
        kind=order.kind,
        environment=environment.name,
        manifest=order.manifest,
        state=order.head.state,
    )


def _request(plan: Plan, order: Order) -> Entry:
    """The first event of a deployment: it holds the plan, and what the decision to begin rests on."""
    details = {"plan": asdict(plan), "gates": [asdict(gate) for gate in order.gates], "reason": order.reason}
    opened = in_step(plan, REQUESTED, order.head.state, order.head.seq + 1)
    return entry(plan, f"{plan.kind} requested", opened, REQUESTED, details)


def _end_leftovers(environment: Environment, plan: Plan, holder: Holder, progress: Progress) -> None:
    """Nothing of the process that died may go on while we do; an installation on a server is waited for by its lock."""
    with progress.step(environment.name, "leftovers ended"):
        ended = environment.leftovers.end(plan.deployment)
    if ended:
        state = holder.head.state
        step = state.open.step if state.open else REQUESTED
        holder.record(entry(plan, "leftovers ended", state, step, {"programs": list(ended)}))


def _deployed(work: Work, evidence: dict[str, Evidence]) -> Deployed:
    plan = work.plan
    return Deployed(
        environment=work.environment.name,
        deployment=plan.deployment,
        version=plan.version,
        digest=plan.digest,
        slot=plan.slot,
        live_url=work.outputs["live_url"],
        evidence=evidence,
    )


def _run(work: Work, steps: tuple[StepName, ...], progress: Progress) -> dict[str, Evidence]:
    """Run these steps. Whatever fails, also what nobody foresaw, has a consequence that ends in a named state."""
    try:
        return {step: _run_step(work, step, progress) for step in steps}
    except LeaseLost:
        raise  # what was ours is another's now: nothing more may be touched
    except Exception as error:
        failure = _as_failure(error)
        follow(work, failure, progress)
        raise failure from (error.__cause__ if failure is error else error)


def _run_step(work: Work, step: StepName, progress: Progress) -> Evidence:
    INTERRUPTION.check()
    plan, holder, requested = work.plan, work.holder, work.requested
    before = in_step(plan, step, entering(plan, step, holder.head.state), requested)
    with progress.step(work.environment.name, step):
        holder.record(entry(plan, "step started", before, step))
        evidence = STEPS[step](work)
        after = leaving(plan, step, holder.head.state, work.environment.ledger.now().isoformat(timespec="seconds"))
        holder.record(entry(plan, "step done", after, step, evidence))
    return evidence


def _as_failure(error: Exception) -> StagelineError:
    """The error as one that is told in a line, whatever it was."""
    return error if isinstance(error, StagelineError) else Broken(f"unexpected {type(error).__name__}: {error}")
