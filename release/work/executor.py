"""Runs a deployment's plan: records each step before and after it, and puts things back when one fails.

Each step's state is written to HEAD before anybody is asked to make it so. A process that dies leaves an open
deployment in HEAD: by the plan that the ledger keeps, ``resume`` goes on with it and ``abort`` puts it back.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import partial

from contract.configuration import Document
from contract.outputs import PREVIEW_URL
from release.environment import Environment
from release.process.errors import Interrupted, LeaseLost, Refused
from release.process.interruption import INTERRUPTION
from release.process.output import Progress
from release.records.artifacts.manifest import Manifest
from release.records.artifacts.schema import Schema, newest
from release.records.ledger.event import Details
from release.records.ledger.head import Content, Head, Open, with_slot
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Entry, Free, Writer
from release.rules.configuring import looks_secret, secrets_warning
from release.rules.consents import Consent
from release.rules.gates import Gate
from release.rules.lanes import Kind, StepName
from release.rules.outcomes import Unforeseen, as_failure
from release.rules.passed_over import missed, until_back
from release.rules.plan import (
    REQUESTED,
    UNDOING,
    Plan,
    doubt,
    entering,
    has_way_back,
    in_step,
    is_behind_switch,
    leaving,
    left_behind,
    make_plan,
    remaining,
    unsure,
)
from release.rules.wanted import Held, Unwanted
from release.rules.ways_on import way_elsewhere
from release.work.aftermath import PutBack, follow, put_back
from release.work.deployment import deployment_id, entry, open_in, plan_of_open
from release.work.preflight import refuse_users_in
from release.work.steps import STEPS, Work, manifest_of
from release.work.users import DeadEnd
from release.work.wanted import heeding_stops, refuse_unwanted

ASKED_BEFORE = frozenset({"installed", "switched", "live"})  # steps before which it is asked whether it is still wanted
IN_ONE_GO = frozenset({"answered", "live"})  # steps of a rollback that neither a signal nor a wish comes before


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What is to be deployed: a release by these steps, judged by these gates on this very HEAD.

    ``manifest`` is None where it is read only when it is needed. ``configuration`` is what the release is to run with,
    where it was chosen for it; ``reconfigured`` says in a line what of that changes. ``free`` is the lease as it was
    found free. ``brought`` is the schema that the deployment which it takes over from began to bring.
    """

    kind: Kind
    release: Content
    steps: tuple[StepName, ...]
    head: Head
    gates: tuple[Gate, ...]
    manifest: Manifest | None
    configuration: Document | None = None
    reconfigured: str = ""
    free: Free | None = None
    reason: str = ""
    source: str | None = None
    unverified: bool = False
    despite: tuple[Consent, ...] = ()
    brought: Schema | None = None


@dataclass
class Done:
    """What a run has done so far: the evidence of its steps, what is told as a warning, and what ended it so late."""

    evidence: dict[str, Details] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    ended_by: Interrupted | Unwanted | None = None


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """How a deployment ended well: what is live, where, the evidence of each step by its name, and the warnings.

    ``paused``: it waits before the switch, with the release behind the preview listener at ``url``.
    """

    environment: str
    deployment: str
    version: str
    digest: str
    configuration: str | None = None
    slot: str
    url: str
    evidence: dict[str, Details]
    warnings: tuple[str, ...] = ()
    paused: bool = False


def deploy(environment: Environment, proposal: Proposal, writer: Writer, progress: Progress) -> Deployed:
    """Make the proposed release live in ``environment``, from the lease to the verdict.

    Raises LeaseHeld when somebody else is at work, or when HEAD is no longer the one that the gates were judged on;
    and the error of the step that failed, after having put back what the deployment had changed.
    """
    plan, ledger = plan_of(environment, proposal), environment.ledger
    if proposal.configuration is not None:  # kept before anybody may need it; chosen once, whatever is set from now on
        environment.configurations.keep(proposal.configuration)
        if names := looks_secret(proposal.configuration.environment):
            progress.note(secrets_warning(names, environment.name))
    with (
        watched(environment, plan.kind),
        ledger.begin(_request(plan, proposal), proposal.head, writer, proposal.free) as holder,
    ):
        work = Work(plan, proposal.manifest, environment, holder, holder.head.seq, progress)
        return _run(work, plan.steps)


def resume(
    environment: Environment,
    writer: Writer,
    progress: Progress,
    judged: Callable[[Plan], None] = lambda plan: None,
) -> Deployed:
    """Go on with a deployment whose process died, or which stopped because it could not be told how it went.

    ``judged`` may refuse one that has not switched yet. Refused when none is open, when it is being put back, when its
    release is another now than the one of the plan, or when its listener was moved since; LeaseHeld while its process
    may still be alive.
    """
    free, head = environment.ledger.at_rest(Patience(until_silent=True, told=progress.note))
    opened, plan = open_in(head), plan_of_open(environment.ledger, head)
    if opened.step == UNDOING:
        raise Refused(f"{opened.release} is being put back", hint=f"end that with: release abort {environment.name}")
    steps = remaining(plan, opened)
    if "switched" not in steps and _was_moved_away(environment, opened):
        steps = _moved_again(environment, plan)
    if not is_behind_switch(opened, head.state):
        refuse_users_in(environment, environment.listeners.find(), opened.slot)  # to put back would move them
        judged(plan)
    manifest = None if plan.kind == "rollback" else manifest_of(environment, plan)
    request = entry(opened, "resume requested", head.state, opened.step)
    with watched(environment, plan.kind), environment.ledger.begin(request, head, writer, free) as holder:
        if programs := _end_leftovers(environment, opened, progress):
            told = {"programs": list(programs)}
            holder.record(entry(opened, "leftovers ended", holder.head.state, opened.step, told))
        work = Work(plan, manifest, environment, holder, opened.requested, progress, resumed=True)
        return _run(work, steps)


def abort(
    environment: Environment, writer: Writer, progress: Progress, *, slot_stays: bool = False
) -> tuple[Open, tuple[str, ...]]:
    """Put back what an open deployment changed; the deployment, and what could not be done.

    ``slot_stays``: users move and its slot stays as it is, for who fills that next.

    It needs nothing but HEAD: any plan can be aborted. Refused when no deployment is open, and where what users would
    get back was overwritten by another rollback; LeaseHeld while its process
    may still be alive; Inconclusive when what was live before does not answer; DeadEnd where users stay where they are,
    because what they would get back does not run.
    """
    free, head = environment.ledger.at_rest(Patience(until_silent=True, told=progress.note))
    opened = open_in(head)
    _refuse_lost_way_back(environment, opened, head)
    request = entry(opened, "abort requested", head.state, opened.step)
    with watched(environment), environment.ledger.begin(request, head, writer, free) as holder:
        back = PutBack.of(environment, opened, holder, progress, f"aborted by {writer.principal}")
        ended = partial(_end_leftovers, environment, opened, progress)
        try:
            undone = put_back(back, slot_stays=slot_stays, end_leftovers=ended)
        except DeadEnd as end:
            end.hint = way_elsewhere(environment.name, opened)
            raise
    return opened, undone


def _was_moved_away(environment: Environment, opened: Open) -> bool:
    """Whether users are elsewhere since the switch: put back without a record of it, or moved by hand."""
    return environment.listeners.slot_in_use(environment.listeners.find()) != opened.slot


def _moved_again(environment: Environment, plan: Plan) -> tuple[StepName, ...]:
    """The steps of a rollback from its switch on: it is for getting users back. Refused for everything else."""
    name = environment.name
    if plan.kind != "rollback":
        raise Refused(
            f"the live listener of {name} was moved away from {plan.version} since its switch",
            hint=f"put it back with: release abort {name}, or keep users there: release adopt-listener {name} "
            "--reason WHY",
        )
    return plan.steps[plan.steps.index("switched") :]


def _refuse_lost_way_back(environment: Environment, opened: Open, head: Head) -> None:
    if not has_way_back(opened, head.state):
        name = environment.name
        raise Refused(
            f"{opened.deployment} installs where users would get back what was live before, and did not come to an end",
            hint=way_elsewhere(name, opened),
        )


def plan_of(environment: Environment, proposal: Proposal) -> Plan:
    """What ``deploy`` would do with this proposal now."""
    return make_plan(
        deployment=deployment_id(environment.name, environment.ledger.now()),
        kind=proposal.kind,
        environment=environment.name,
        release=proposal.release,
        steps=proposal.steps,
        state=proposal.head.state,
        reason=proposal.reason,
        source=proposal.source,
        unverified=proposal.unverified,
        despite=proposal.despite,
    )


def watched(environment: Environment, kind: str = "") -> AbstractContextManager[None]:
    """Signals remembered for the length of a deployment; a second one names the way on: a rollback is not put back."""
    return INTERRUPTION.watched(way_on=f"release {'resume' if kind == 'rollback' else 'abort'} {environment.name}")


def _request(plan: Plan, proposal: Proposal) -> Entry:
    """The first event of a deployment: it holds the plan, and what the decision to begin rests on."""
    state, superseded = proposal.head.state, proposal.head.state.open
    if why := doubt(state):
        state = unsure(state if plan.installs else with_slot(state, plan.slot, plan.content), plan.slot, why)
    state = state.but(brought=newest(state.brought, proposal.brought))
    details = {
        "plan": plan.model_dump(),
        "gates": [asdict(gate) for gate in proposal.gates],
        "reason": proposal.reason,
        **({"reconfigured": proposal.reconfigured} if proposal.reconfigured else {}),
        **({"supersedes": superseded.deployment} if superseded else {}),
    }
    return Entry(
        kind=f"{plan.kind} requested",
        state=in_step(plan, REQUESTED, state, proposal.head.seq + 1),
        deployment=plan.deployment,
        step=REQUESTED,
        details=details,
        begins=plan.content,
        ends="superseded",
    )


def _end_leftovers(environment: Environment, opened: Open, progress: Progress) -> tuple[str, ...]:
    """Nothing of the process that died may go on while we do; the programs that were ended. An installation on a server
    is waited for by its lock.
    """
    with progress.step(environment.name, "leftovers ended"):
        return environment.leftovers.end(opened.deployment)


def _run(work: Work, steps: tuple[StepName, ...]) -> Deployed:
    """Run these steps. Whatever fails, also what nobody foresaw, has a consequence that ends in a named state."""
    done = Done()
    try:
        if work.resumed and not _has_moved_back(work):
            refuse_unwanted(work)
        for step in steps:
            if step == "paused":
                return _paused(work, done)
            _attempt(work, step, done) if work.plan.bears(step) else _run_step(work, step, done)
    except LeaseLost:
        raise  # what was ours is another's now: nothing more may be touched
    except Exception as error:
        failure = as_failure(error)
        follow(work, failure)
        raise failure from (error.__cause__ if failure is error else error)
    if isinstance(done.ended_by, Interrupted):
        live = f"{work.plan.version} is live in {work.plan.environment}"
        done.ended_by.put_in_context(f"{live}, what follows is not done")
        raise done.ended_by
    return _deployed(work, done)


def _has_moved_back(work: Work) -> bool:
    """Whether a rollback has moved users: from there on nobody's wish takes them back."""
    return work.plan.kind == "rollback" and work.holder.head.state.declared == work.plan.slot


def _run_step(work: Work, step: StepName, done: Done) -> None:
    plan, holder = work.plan, work.holder
    in_one_go = plan.kind == "rollback" and step in IN_ONE_GO
    if not in_one_go:
        INTERRUPTION.check()
        if step in ASKED_BEFORE:
            refuse_unwanted(work)
    before = in_step(plan, step, entering(plan, step, holder.head.state), work.requested)
    with work.progress.step(work.environment.name, step):
        holder.record(entry(plan, "step started", before, step))
        with nullcontext() if in_one_go else heeding_stops(work):
            evidence = STEPS[step](work)
        holder.record(_done(work, step, evidence))
    done.evidence[step] = evidence
    if why := missed(step, evidence):
        done.warnings.append(f"{why}; {until_back(evidence, work.environment.name)}")


def _done(work: Work, step: StepName, evidence: Details) -> Entry:
    """The end of a step; of the last one, with what the index says from then on."""
    plan, before = work.plan, work.holder.head.state
    after = leaving(plan, step, before, work.environment.ledger.now().isoformat(timespec="seconds"))
    if why := missed(step, evidence):
        after = unsure(after, plan.slot, why)
    done = entry(plan, "step done", after, step, evidence)
    if step != "live":
        return done
    left = before.open and left_behind(before.open, before)
    return replace(done, ends="live", became_live="" if plan.unverified else plan.version, left=left)


def _attempt(work: Work, step: StepName, done: Done) -> None:
    """Run a step that nobody has to wait for: what goes wrong is written down and told, and ends nothing.

    Who interrupts a rollback here, or asks it to end, gets it closed at once: users are helped. What ends a deployment
    forward, or nobody foresaw, is a warning of a rollback only.
    """
    if done.ended_by is not None:
        return
    try:
        _run_step(work, step, done)
    except LeaseLost:
        raise
    except Exception as error:
        failure = as_failure(error)
        if work.plan.kind != "rollback" and isinstance(failure, Interrupted | Unforeseen | Unwanted | Held):
            raise
        if isinstance(failure, Interrupted | Unwanted):
            done.ended_by = failure
        done.warnings.append(f"{step}: {failure}")
        state = work.holder.head.state
        after = state.but(open=state.open and state.open.but(done=True))
        work.holder.record(entry(work.plan, "step failed", after, step, {"why": str(failure), "warning": True}))


def _paused(work: Work, done: Done) -> Deployed:
    """Leave the deployment before its switch, for a person to look at what would be live."""
    plan, url = work.plan, str(work.outputs[PREVIEW_URL])
    state = in_step(plan, "paused", work.holder.head.state, work.requested)
    opened = state.open and state.open.but(done=True, stopped=f"paused before the switch: look at {url}")
    work.holder.record(entry(plan, "deployment paused", state.but(open=opened), "paused", {"preview_url": url}))
    return _ended(work, done, url, paused=True)


def _deployed(work: Work, done: Done) -> Deployed:
    return _ended(work, done, work.live_url, paused=False)


def _ended(work: Work, done: Done, url: str, *, paused: bool) -> Deployed:
    plan = work.plan
    return Deployed(
        environment=work.environment.name,
        deployment=plan.deployment,
        version=plan.version,
        digest=plan.digest,
        configuration=plan.content.configuration,
        slot=plan.slot,
        url=url,
        evidence=done.evidence,
        warnings=tuple(done.warnings),
        paused=paused,
    )
