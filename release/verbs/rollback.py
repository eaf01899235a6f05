"""``release rollback ENV``: make an earlier verified release live again, whatever else is broken.

It asks the environment's own ledger and its load balancer, and nothing else before users are back: no other
environment, no database, no server, no artifact, no Pulumi. Where the idle slot holds the release and does not run it,
the servers are asked to start it; where that does not help, or no slot holds it, it is installed again.
"""

from contextlib import suppress
from dataclasses import dataclass, replace

import click

from contract.slots import SlotName
from release.call import Call, checked_reason, environment_argument, pass_call, plan_option
from release.deployment_text import show_deployed, show_plan
from release.doors.aws.listeners import Entrance
from release.environment import Environment
from release.process.errors import Inconclusive, Refused, StagelineError, ToldToEnd, WrongUsage
from release.process.output import Progress
from release.records.artifacts.manifest import checked_version
from release.records.ledger.head import Content, Head, State
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Free, Writer
from release.records.ledger.stops import Stops
from release.rules.consents import CONSENTS, Consent, options
from release.rules.gates import Gate, RollbackFacts, is_enough, overruling, refuse_unless_passed, rollback_gates
from release.rules.going_back import (
    Target,
    default_target,
    is_back_by_that,
    is_gone_on_with,
    is_held,
    is_put_back_first,
    named_target,
    overwrites_verified,
    steps_back,
)
from release.rules.lanes import StepName
from release.rules.plan import UNDOING, doubt, is_behind_switch
from release.work.artifact_pruning import refuse_gone
from release.work.begun_schema import with_begun_schema
from release.work.deployment import open_in
from release.work.executor import Deployed, Proposal, abort, deploy, resume, watched
from release.work.preflight import refuse_users_in
from release.work.steps import NobodyAnswers, NotStarted


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for: a release by name, or the one before; and what a person overrules, with their reason."""

    version: str | None = None
    despite: tuple[Consent, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        if bool(self.despite) != bool(self.reason):
            raise WrongUsage("whoever overrules a rule says why", hint="give --despite with --reason")


@click.command("rollback")
@environment_argument
@click.option("--to", "version", help="The release to go back to.  [default: the last verified one before]")
@click.option(
    "--despite",
    type=click.Choice(CONSENTS),
    multiple=True,
    help="What to overrule, as a refusal names it; may be given several times, with --reason.",
)
@click.option("--reason", default="", callback=checked_reason, help="Why a rule is overruled, for the ledger.")
@plan_option
@pass_call
def command(
    call: Call, name: str, version: str | None, despite: tuple[Consent, ...], reason: str, only_plan: bool
) -> None:
    """Make an earlier verified release live again, in seconds.

    It needs the environment's ledger and its load balancer, and nothing else, where a slot still runs that release;
    else it is installed again. Data stays as it is. Without --to it goes to the release before; a second time it is
    refused, because that would lead forward again.

    Refused (3) when a gate says no: --plan shows all of them, and the refusal which --despite overrules it; one that
    overrules nothing does no harm. Inconclusive (4) when users may not be back yet. Lease held (5) while somebody is at
    work: `stop` asks that one to end.

    \b
    Example: release rollback prod
    Example: release rollback prod --to 1.3.0 --despite fewer-servers --reason "two servers are enough"
    """
    request = Request(version=version, despite=despite, reason=reason)
    if only_plan:
        environment = call.opened(name)
        show_plan(call, environment, proposal_back(environment, request, call.progress))
        return
    environment, writer = call.at_work(name, tolerant=True)
    show_deployed(call, go_back(environment, request, writer, call.progress), how="live again")


def go_back(environment: Environment, request: Request, writer: Writer, progress: Progress) -> Deployed:
    """Judge the gates and move users to the earlier release: by the listener alone where a slot runs it.

    Harmless to repeat, because one that has moved users already is gone on with. What cannot be started is installed
    again, as a deployment of its own.
    """
    state = environment.ledger.head().state
    if state.open is not None and is_put_back_first(state, _users_in(environment, state), request.version):
        return _put_back_first(environment, request, writer, progress)
    if state.open is not None and is_gone_on_with(state, request.version):
        progress.note(f"{state.open.deployment} has moved users back to {state.open.release} already: it is resumed")
        return resume(environment, writer, progress)
    proposal = proposal_back(environment, request, progress)
    if not overwrites_verified(proposal.head.state, proposal.release, proposal.steps):
        return _started_or_installed(environment, proposal, request, writer, progress)
    _refuse(environment, proposal)
    return _over_what_is_open(environment, request, writer, progress)


def _users_in(environment: Environment, state: State) -> SlotName | None:
    """The slot that users are on: by HEAD, and by the listener while it is being put back, which may not be done."""
    if state.open is None or state.open.step != UNDOING:
        return state.declared
    return environment.listeners.slot_in_use(environment.listeners.find())


def _put_back_first(environment: Environment, request: Request, writer: Writer, progress: Progress) -> Deployed:
    """End what is being put back, which moves users; and go on from there where they want to be elsewhere."""
    head = environment.ledger.head()
    opened, state, live = open_in(head), head.state, head.state.live
    progress.note(f"{opened.deployment} of {opened.release} was being put back: that is ended first")
    if live is None or not is_back_by_that(opened, state, request.version):
        return _over_what_is_open(environment, request, writer, progress)
    undone = abort(environment, writer, progress)[1]
    return Deployed(
        environment=environment.name,
        deployment=live.deployment,
        version=live.release,
        digest=live.digest,
        slot=live.slot,
        url=environment.live_url(environment.listeners.find()),
        evidence={},
        warnings=tuple(f"not done: {one}" for one in undone),
    )


def _over_what_is_open(environment: Environment, request: Request, writer: Writer, progress: Progress) -> Deployed:
    """Users go to the live release first, by the listener alone: what comes next fills or passes over the slot."""
    with watched(environment, "rollback"):  # one signal for both: users are safe after the first
        with suppress(Inconclusive):  # closed all the same: what was live before does not answer, and we go on from it
            abort(environment, writer, progress, slot_stays=True)
        proposal = proposal_back(environment, request, progress)
        return _started_or_installed(environment, proposal, request, writer, progress)


def _started_or_installed(
    environment: Environment, proposal: Proposal, request: Request, writer: Writer, progress: Progress
) -> Deployed:
    """By the lane that was proposed; what could not be started is installed again, and where no server lets anybody in,
    a slot that answers with the release is gone to all the same.
    """
    try:
        return _deployed(environment, proposal, writer, progress)
    except (NotStarted, NobodyAnswers) as failure:
        if not _nothing_moved(environment, proposal.head):
            raise
        installs = isinstance(failure, NotStarted)
        again = proposal_back(environment, request, progress, install=installs)
        if not installs and "installed" in again.steps:
            raise
        how = "it is installed again" if installs else "its slot has it"
        progress.note(f"{proposal.release.release} could not be brought up ({failure.args[0]}): {how}")
    return _deployed(environment, again, writer, progress)


def proposal_back(environment: Environment, request: Request, progress: Progress, *, install: bool = False) -> Proposal:
    """The lane, and the gates as they are judged now.

    LeaseHeld while somebody is at work: only after that do other rules speak.
    """
    name = environment.name
    free, head = environment.ledger.at_rest(Patience(until_silent=True, told=progress.note))
    target = _target(environment, head, request.version)
    entrance = environment.listeners.find()
    healthy, serving = _healthy(environment, entrance, head.state)
    held = not install and _holds(environment, entrance, head.state, target.release, request, progress)
    consent = "fewer-servers" in request.despite
    trusted = consent and bool(healthy or not serving or not entrance.preview)  # then no health is told
    runs = is_enough(len(healthy), len(serving)) or trusted
    stops, unread = _stops(environment)
    state = with_begun_schema(environment, head.state.open, head.state)
    facts = RollbackFacts(
        release=target.release,
        environment=name,
        state=state.but(declared=_users_in(environment, head.state)),
        stops=stops,
        stops_unread=unread,
        verified=target.verified,
        healthy=healthy if held and runs else None,
        serving=serving,
        despite=request.despite,
        adopted=target.adopted,
    )
    steps = steps_back(held=held, runs=runs)
    return replace(_proposal(head, free, target, rollback_gates(facts), request, steps), brought=state.brought)


def _proposal(
    head: Head, free: Free, target: Target, gates: tuple[Gate, ...], request: Request, steps: tuple[StepName, ...]
) -> Proposal:
    return Proposal(
        kind="rollback",
        release=target.release,
        steps=steps,
        head=head,
        gates=gates,
        manifest=None,
        free=free,
        reason=request.reason,
        unverified=target.adopted,
        despite=request.despite,
    )


def _deployed(environment: Environment, proposal: Proposal, writer: Writer, progress: Progress) -> Deployed:
    _refuse(environment, proposal)
    if "installed" in proposal.steps:
        environment.stack.refuse_missing_engine()
        refuse_gone(environment, proposal.release.release or "", proposal.release.digest or "")
        refuse_users_in(environment, environment.listeners.find(), proposal.head.state.idle)
    return deploy(environment, proposal, writer, progress)


def _refuse(environment: Environment, proposal: Proposal) -> None:
    what = f"rolling {environment.name} back to {proposal.release.release}"
    refuse_unless_passed(proposal.gates, what, overruling(proposal.gates))


def _target(environment: Environment, head: Head, version: str | None) -> Target:
    if version is None:
        return default_target(head.state, environment.name)
    version = checked_version(version)
    with suppress(Refused):  # HEAD knows no way without a name
        by_head = default_target(head.state, environment.name)
        if by_head.release.release == version:
            return by_head  # one read less, and no index that could be spoilt
    return named_target(environment.ledger.proven(version, head), version, environment.name)


def _stops(environment: Environment) -> tuple[Stops, str]:
    """What stands here, or why it could not be read: that keeps nobody on a bad release who says that they know."""
    try:
        return environment.stops.read(), ""
    except StagelineError as error:
        return Stops(), str(error.args[0])


def _holds(
    environment: Environment, entrance: Entrance, state: State, release: Content, request: Request, progress: Progress
) -> bool:
    """Whether the idle slot holds the release: by the ledger or, where that is not sure, by what the slot answers.

    Who goes there despite that doubt goes by the ledger alone.
    """
    if not is_held(state, release):
        return False
    why = doubt(state)
    if why and "doubt" in request.despite:
        progress.note(f"it is not sure what slot {state.idle} holds ({why}): the ledger is trusted all the same")
        return True
    if not why:
        return True
    try:
        for _ in environment.balancer.targets(entrance.groups[state.idle]):
            environment.verification.wait_until_answering(environment.preview_url(entrance), release.release or "", 0)
    except ToldToEnd:
        raise
    except StagelineError as error:
        progress.note(f"it is not sure what slot {state.idle} holds ({why}), and preview: {error.args[0]}")
        trusts = f"{options(['doubt'])} --reason WHY trusts the ledger, and moves the listener at once"
        progress.note(f"it is installed again; {trusts}")
        return False
    return environment.listeners.leads_to(entrance.preview) == entrance.groups[state.idle]


def _healthy(environment: Environment, entrance: Entrance, state: State) -> tuple[frozenset[str], frozenset[str]]:
    """The servers that are healthy in the slot to go back to, and in the one that users are on."""
    look = environment.verification.healthy
    idle = look(entrance.groups[state.idle])
    return idle, look(entrance.groups[state.declared]) if state.declared else frozenset()


def _nothing_moved(environment: Environment, before: Head) -> bool:
    """Whether users are where they were: nothing is open, or what is has not switched."""
    state = environment.ledger.head().state
    stays = state.open is None or not is_behind_switch(state.open, state)
    return stays and state.declared == before.state.declared
