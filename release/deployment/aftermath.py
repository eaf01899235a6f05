"""What follows when a deployment fails: it is put back, or left open for a person to decide.

The listener goes back first and by an up of its own: the slot that is put back is then one that nobody uses.
"""

from contextlib import suppress
from dataclasses import replace

from release.deployment.plan import UNDOING, Outcome, Plan, closed, consequence, in_step, undoing
from release.deployment.record import deployment_id, entry
from release.deployment.steps import Work
from release.deployment.stops import Cause, held, vetoed
from release.environment import Environment
from release.errors import (
    Broken,
    Inconclusive,
    Interrupted,
    LeaseLost,
    StagelineError,
    VerificationFailed,
)
from release.ledger.head import State
from release.ledger.ledger import Holder
from release.output import Progress


def follow(work: Work, failure: StagelineError, progress: Progress) -> None:
    """Do what follows a failure, and say in it what that was."""
    environment, plan, holder = work.environment, work.plan, work.holder
    why, state = str(failure), holder.head.state
    match consequence(plan, state, _outcome(failure)):
        case "left open":
            _leave_open(work, failure)
            return
        case "put back and stopped":
            holder.record(entry(plan, "verification failed", _stopped(work, why), UNDOING, {"why": why}))
            lift = f"{environment.name} is on hold and {plan.version} is vetoed until a person lifts that"
            failure.hint = "; ".join(filter(None, (lift, failure.hint)))
        case "put back":
            pass
    undo(environment, plan, holder, progress, why=why)
    failure.put_in_context(f"{plan.version} is not live in {environment.name}")


def undo(environment: Environment, plan: Plan, holder: Holder, progress: Progress, *, why: str) -> None:
    """Put back the listener, then the slot, and close the deployment as failed.

    The listener goes first and by an up of its own: the slot that is put back is then one that nobody uses. A former
    release that does not answer is no reason to stay open: only another deployment could mend it.
    """
    with progress.step(environment.name, "put back"):
        try:
            silence = _put_back(environment, plan, holder, why)
        except LeaseLost:
            raise
        except StagelineError as error:
            raise Broken(
                f"{environment.name} could not be put back after {plan.version} failed ({why}): {error}",
                hint=f"mend it, then run: release abort {environment.name}",
            ) from error
    if silence:
        raise Inconclusive(
            f"{plan.version} failed ({why}) and was put back, but what was live in {environment.name} before does not "
            f"answer: {silence}",
            hint=f"see: release status {environment.name}",
        )


def _outcome(failure: StagelineError) -> Outcome:
    """The verdict that a failure is."""
    if isinstance(failure, VerificationFailed):
        return "failed"
    if isinstance(failure, Inconclusive):
        return "inconclusive"
    return "interrupted" if isinstance(failure, Interrupted) else "errored"


def _stopped(work: Work, why: str) -> State:
    """The state with a hold here and a veto everywhere. It comes before the undoing, so that no kill can lose it."""
    plan, ledger, state = work.plan, work.environment.ledger, work.holder.head.state
    reason = f"{plan.version} failed behind the live listener in {plan.deployment}: {why}"
    cause = Cause(reason=reason, by=work.holder.writer.principal, at=ledger.now())
    stopped = vetoed(held(state, cause), cause, release=plan.version, digest=plan.digest)
    return in_step(plan, UNDOING, stopped, work.requested)


def _leave_open(work: Work, failure: StagelineError) -> None:
    """Write down why the deployment waits for a person. It is open anyway, so the failure is told first."""
    plan, name, state = work.plan, work.environment.name, work.holder.head.state
    opened = state.open and replace(state.open, stopped=f"{_outcome(failure)}: {failure}")
    step = opened.step if opened else ""
    with suppress(Broken):
        work.holder.record(entry(plan, "deployment stopped", replace(state, open=opened), step, {"why": str(failure)}))
    failure.put_in_context(f"{plan.version} answers in {name}, but is not verified there")
    failure.hint = f"look again with: release resume {name}; go back with: release abort {name}"


def _put_back(environment: Environment, plan: Plan, holder: Holder, why: str) -> str:
    """Why what was live before does not answer now; empty when it does, when none was, or when nothing was touched."""
    opened = holder.head.state.open
    failed_in, requested = (opened.step, opened.requested) if opened else ("", holder.head.seq)
    told, silence = {"why": why, "failed_in": failed_in}, ""
    for back in undoing(plan, holder.head.state, deployment_id(environment.name, environment.ledger.now())):
        holder.record(entry(plan, "undo started", in_step(plan, UNDOING, back, requested), UNDOING, told))
        environment.stack.up(fence=holder.lease.fence, deployment=plan.deployment)
        silence = _silence(environment, plan)
    ended = closed(holder.head.state)
    holder.record(entry(plan, "deployment failed", ended, failed_in, {**told, "live_does_not_answer": silence}))
    return silence


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
