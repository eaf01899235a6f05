"""What follows when a deployment fails: it is put back, or left open for a person to decide.

Putting back needs less than doing. The listener goes back first and by one call, whether it can be recorded or not.
What the idle slot held before comes next, as far as it goes: no user sees it, so nothing that is wrong with it keeps
the deployment open. It is emptied or marked then, and the next install mends it.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from contract.slots import SlotName
from release.doors.engine.stack import UpFailed
from release.environment import Environment
from release.process.errors import (
    Broken,
    Inconclusive,
    Interrupted,
    LeaseLost,
    NotBegun,
    StagelineError,
)
from release.process.output import Progress
from release.process.text import bounded
from release.records.ledger.ending import How
from release.records.ledger.head import Open, State, emptied, with_slot
from release.records.ledger.ledger import Holder
from release.records.ledger.stops import Cause, Ending, Stops, held, held_and_vetoed, veto_of
from release.rules.outcomes import as_failure, outcome_of
from release.rules.plan import (
    MOST_WHY,
    UNDOING,
    UNTOLD,
    closed,
    consequence,
    in_undoing,
    is_behind_switch,
    is_listener_away,
    restored,
    unsure,
    was_touched,
    with_listener_back,
)
from release.rules.wanted import Held, refuse_asked_again
from release.rules.ways_on import way_on
from release.work.begun_schema import with_begun_schema
from release.work.deployment import deployment_id, entry
from release.work.seats import seat_told
from release.work.steps import NobodyAnswers, Work
from release.work.users import DeadEnd, move_users, refuse_dead_end, what_users_see
from release.work.wanted import heeding

ANSWER_LIMIT = 30.0  # seconds for what was live before to answer: it ran all the time


@dataclass
class PutBack:
    """A deployment that is being put back: why, what shall be so, and what could not be done or written down so far.

    ``state`` goes on also where it could not be recorded, and ``left`` is what users lost as long as that is not
    written down: whatever is recorded next says all of it.
    """

    environment: Environment
    opened: Open
    holder: Holder
    progress: Progress
    why: str
    state: State
    left: Open | None = None
    undone: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, environment: Environment, opened: Open, holder: Holder, progress: Progress, why: str) -> "PutBack":
        """What is to be put back by what HEAD says now."""
        return cls(environment, opened, holder, progress, bounded(why, MOST_WHY), holder.head.state)

    def record(self, kind: str, state: State, step: str, *, ends: How | None = None, **details: object) -> bool:
        """Write it down if that can be done, and say whether it was. LeaseLost: all of this is another's now."""
        told = {"why": self.why, "failed_in": self.opened.step, **details}
        self.left = self.left or _taken_from_users(self.opened, self.state)
        noted = entry(self.opened, kind, state, step, told)
        self.state = state
        try:
            self.holder.record(replace(noted, left=self.left, ends=ends))
        except LeaseLost:
            raise
        except StagelineError as error:
            self.undone.append(f"{kind} could not be recorded ({error.args[0]})")
            return False
        self.left = None
        return True


def follow(work: Work, failure: StagelineError) -> None:
    """Do what follows a failure, and say in it what that was."""
    environment, state, outcome = work.environment, work.holder.head.state, outcome_of(failure)
    opened, stopped = state.open, ""
    if opened is None:
        return  # it had ended: what failed came after
    match consequence(opened, state, outcome):
        case "left open":
            _leave_open(work, opened, failure)
            return
        case "put back and stopped":
            stopped = stop_release(work, str(failure))
        case "put back":
            pass
    try:
        back = PutBack.of(environment, opened, work.holder, work.progress, str(failure))
        undone = put_back(back, untouched=_never_began(work, opened, failure))
    except DeadEnd as end:
        _leave_open(work, opened, failure)
        failure.hint = "; ".join(filter(None, (end.args[0], stopped, failure.hint)))
        return
    except StagelineError as error:
        error.hint = "; ".join(filter(None, (error.hint, stopped)))
        raise
    told = f"{opened.release} is not live in {environment.name}"
    failure.put_in_context(f"{told}, {what_users_see(environment).words}" if opened.former.declared else told)
    failure.hint = "; ".join(filter(None, (*(f"not done: {one}" for one in undone), stopped, failure.hint)))


def _never_began(work: Work, opened: Open, failure: StagelineError) -> bool:
    """Whether no server was asked to install: neither now nor by a process that was at it before."""
    return opened.step == "installed" and isinstance(failure, NotBegun | NobodyAnswers) and not work.resumed


def put_back(
    back: PutBack,
    *,
    untouched: bool = False,
    slot_stays: bool = False,
    end_leftovers: Callable[[], tuple[str, ...]] = tuple,
) -> tuple[str, ...]:
    """Put back the listener, then the slot, and close the deployment as failed; what could not be done.

    ``untouched``: its installation never began, so the slot holds what it held. ``slot_stays``: another release comes
    into it next, and nobody waits for an ``up``. ``end_leftovers`` ends what a process
    that died left running, once users are back, and tells its programs.
    Broken when the listener could not be moved, or that does not end: then it stays open; so it does by DeadEnd.
    Inconclusive when what was live does not answer.
    """
    opened, name = back.opened, back.environment.name
    with back.progress.step(name, "put back"):
        moved = _listener_back(back)
        if programs := end_leftovers():
            back.record("leftovers ended", back.state, opened.step, programs=list(programs))
            if moved:
                _move_back(back)  # what was ended knew a HEAD of before
        silence = _silence(back) if moved else ""
        if untouched and not moved:
            back.state = _with_former(back.opened, back.state)
        elif slot_stays:
            back.state = _as_it_is(back)
        else:
            _slot_back(back, moved=moved)
        _close(back, silence)
    if silence:
        raise Inconclusive(
            f"{opened.release} failed ({back.why}) and was put back, but what was live in {name} before does "
            f"not answer: {silence}",
            hint=f"see: release status {name}",
        )
    return tuple(back.undone)


def stop_release(work: Work, why: str) -> str:
    """A hold here and a veto of the release, before the undoing, so that no kill can lose them; what became of it.

    The hold alone where users keep its bytes: then what failed is their configuration. That they cannot be written
    keeps nobody from going back.
    """
    environment, plan = work.environment, work.plan
    cause = Cause(
        reason=bounded(f"{plan.version} failed behind the live listener in {plan.deployment}: {why}", MOST_WHY),
        by=work.holder.writer.principal,
        at=environment.ledger.now(),
    )
    told = {"deployment": plan.deployment, "release": plan.version, "digest": plan.digest, "reason": cause.reason}
    live = work.holder.head.state.live
    stays = live is not None and live.digest == plan.digest  # deployed again: users go back to these very bytes
    try:
        stops = environment.stops.change(
            "verification failed",
            lambda stops: (
                held(stops, cause) if stays else held_and_vetoed(stops, cause, release=plan.version, digest=plan.digest)
            ),
            work.holder.writer,
            told,
        )
    except StagelineError as error:
        return f"neither a hold nor a veto could be written ({error.args[0]}): release hold {environment.name}"
    if stays:
        return f"{environment.name} is on hold until a person lifts that"
    if veto_of(stops, plan.digest) is None:
        why = f"{len(stops.vetoes)} releases are vetoed there, more do not fit: lift some, then release veto it"
        return f"{environment.name} is on hold until a person lifts that, {plan.version} could not be vetoed ({why})"
    return f"{environment.name} is on hold and {plan.version} is vetoed there until a person lifts that"


def _leave_open(work: Work, opened: Open, failure: StagelineError) -> None:
    """Write down why the deployment waits for a person. It is open anyway, so the failure is told first."""
    name, state = work.environment.name, work.holder.head.state
    stopped = opened.but(stopped=bounded(f"{outcome_of(failure)}: {failure}", MOST_WHY))
    waits = entry(opened, "deployment stopped", state.but(open=stopped), opened.step, {"why": str(failure)})
    with suppress(StagelineError):
        work.holder.record(waits)
    failure.put_in_context(f"{opened.release} is not verified in {name}, {what_users_see(work.environment).words}")
    lifted = f"lift that first: release hold, or freeze, {name} --lift --reason WHY"
    failure.hint = "; ".join(([lifted] if isinstance(failure, Held) else []) + [way_on(name, state.but(open=stopped))])


def _listener_back(back: PutBack) -> bool:
    """Let the live listener point where the deployment found it; whether it could have been away."""
    opened, state = back.opened, back.state
    away = opened.step == UNDOING or is_listener_away(opened, state) or is_behind_switch(opened, state)
    if not away and not (was_touched(opened, state) and _users_are_in(back.environment, opened.slot)):
        return False
    refuse_dead_end(back.environment, opened)
    back.record("undo started", with_listener_back(opened, state), UNDOING)
    _move_back(back)
    return True


def _move_back(back: PutBack) -> None:
    """The one call. Broken when it cannot be made, with what users see."""
    opened = back.opened
    try:
        move_users(back.environment, back.holder, back.environment.listeners.find(), opened.former.declared)
    except LeaseLost:
        raise
    except Exception as error:
        name = back.environment.name
        raise Broken(
            f"the live listener of {name} could not be moved back after {opened.release} failed ({back.why}): "
            f"{as_failure(error)}; "
            f"{what_users_see(back.environment).words}",
            hint=f"run: release abort {name}, or move it by hand: see the runbook, In an incident",
        ) from error


def _taken_from_users(opened: Open, state: State) -> Open | None:
    """What users lose when the listener goes back; None where they do not have it, or keep its bytes."""
    kept = state.live is not None and state.live.digest == opened.digest
    return opened if is_behind_switch(opened, state) and not kept else None


def _users_are_in(environment: Environment, slot: SlotName) -> bool:
    """Whether somebody moved the live listener by hand into a slot that is about to be changed; False if not known."""
    try:
        return environment.listeners.slot_in_use(environment.listeners.find()) == slot
    except StagelineError:
        return False


def _silence(back: PutBack) -> str:
    """Why the release that was live before does not answer now; empty when it does, or when none was."""
    live = back.state.live
    if live is None:
        return ""
    try:
        url = back.environment.live_url(back.environment.listeners.find())
        back.environment.verification.wait_until_answering(url, live.release, ANSWER_LIMIT)
    except Interrupted:  # said once, and what puts back is not stopped by it
        return _silence(back)
    except Exception as error:
        return str(as_failure(error))
    return ""


def _with_former(opened: Open, state: State) -> State:
    """The state with what the slot held, as servers and Pulumi's state have it still: nobody has to do anything."""
    return with_slot(state, opened.slot, opened.former.content)


def _as_it_is(back: PutBack) -> State:
    """The state with the slot as it was left, in doubt: who goes there next asks what it holds, or fills it."""
    if not was_touched(back.opened, back.state):
        return back.state
    begun = with_begun_schema(back.environment, back.opened, back.state)
    return unsure(begun, back.opened.slot, f"{back.opened.deployment} left it as it was")


def _slot_back(back: PutBack, *, moved: bool) -> None:
    """Give the slot what it held, as far as it goes: what goes wrong with it, foreseen or not, only marks it.

    The same ``up`` tells Pulumi's state of a listener that went back.
    """
    touched = was_touched(back.opened, back.state)
    if not touched and not (moved and back.state.behind):
        return
    try:
        with heeding(back.environment, _unless_asked_again(back)):
            failure = _restored(back) if touched else _up(back)
    except LeaseLost:
        raise
    except Exception as error:
        failure = as_failure(error)
    if failure is not None:
        _mark(back, touched, failure)


def _unless_asked_again(back: PutBack) -> Callable[[Stops], None]:
    """What ends an ``up`` that takes too long here: a wish that came after the first look. The one before was heard."""
    seen: list[Ending | None] = []

    def refuse(stops: Stops) -> None:
        seen.append(stops.ending)
        refuse_asked_again(stops, back.opened.deployment, before=seen[0])

    return refuse


def _restored(back: PutBack) -> StagelineError | None:
    """Give the slot its former content, or empty it where that does not come up; how it failed."""
    content = restored(back.opened.former.content, _undo_id(back))
    begun = with_begun_schema(back.environment, back.opened, back.state)
    wanted = with_slot(begun, back.opened.slot, content)
    if not back.record("undo started", in_undoing(back.opened, wanted), UNDOING):
        return Broken(f"that it is put back: {back.undone[-1]}")
    failure = _up(back)
    if isinstance(failure, UpFailed) and (failed := _failed_in(failure, back.opened.slot)):
        return _without(back, failed, failure)
    return failure


def _without(back: PutBack, failed: frozenset[str], failure: UpFailed) -> StagelineError | None:
    """Leave out the servers where the former release did not come up, or empty the slot where it did on none."""
    why = f"{back.opened.slot} did not come up again on {', '.join(sorted(failed))}: {failure.args[0]}"
    again = _up(back, failed)
    if isinstance(again, UpFailed) and _failed_in(again, back.opened.slot):
        return _emptied(back, again)
    if again is None:
        back.undone.append(why)
        told = back.state.but(behind=f"{', '.join(sorted(failed))} was left out, and {UNTOLD}")
        back.record("undo started", unsure(told, back.opened.slot, why), UNDOING)
    return again


def _emptied(back: PutBack, failure: StagelineError) -> StagelineError | None:
    """Empty a slot whose former release does not come up: nobody waits for what no user sees.

    Not the one that users are brought back to: some of its servers may answer.
    """
    if back.opened.slot == back.state.declared:
        return failure
    slot, former = back.opened.slot, back.opened.former.content
    back.undone.append(f"{former.release if former else 'what'} in {slot} did not come up again: {failure.args[0]}")
    wanted = with_slot(back.state, slot, emptied(_undo_id(back)))
    if not back.record("undo started", in_undoing(back.opened, wanted), UNDOING, emptied=slot):
        return failure
    return _up(back)


def _up(back: PutBack, failed: frozenset[str] = frozenset()) -> StagelineError | None:
    """Make AWS what HEAD says, without the servers that do not answer or failed before; how it failed."""
    environment = back.environment
    try:
        outputs = environment.stack.outputs()
        silent = environment.fleet.silent(outputs, back.state.out_names)
        environment.up(back.holder.lease.fence, back.opened.deployment, back.progress, passed_over=silent | failed)
    except LeaseLost:
        raise
    except StagelineError as error:
        return error
    _seat(back, outputs, failed | back.state.out_names)
    content = back.state.slot(back.opened.slot)
    if silent and content is not None:
        why = f"{', '.join(sorted(silent))} did not answer"
        back.undone.append(f"{why}: the next install mends that")
        back.record("undo started", unsure(back.state.but(behind=""), back.opened.slot, why), UNDOING)
    elif back.state.behind:
        back.record("undo started", back.state.but(behind=""), UNDOING)
    return None


def _seat(back: PutBack, outputs: Mapping[str, Any], passed_over: frozenset[str]) -> None:
    """Let everybody take part again who holds what it held; what a rollback kept out may be among them.

    A server that does not answer was told nothing else, or the slot is not sure, and whoever goes there asks it.
    """
    try:
        seat_told(back.environment, outputs, passed_over)
    except StagelineError as error:
        back.undone.append(f"who takes part in the slots could not be put right: {error.args[0]}")


def _mark(back: PutBack, touched: bool, failure: StagelineError) -> None:
    """Note what is not known, or not written yet, where ``up`` could not be run."""
    why = str(failure)
    if touched:
        back.undone.append(f"slot {back.opened.slot} may hold something else: {why}")
        back.record("undo started", unsure(back.state, back.opened.slot, why), UNDOING)
    else:
        back.undone.append(f"Pulumi's state does not say yet that the listener is back: {why}")


def _close(back: PutBack, silence: str) -> None:
    """Close the deployment. Broken when even that cannot be written: then it stays open, with users where they are."""
    name, told = back.environment.name, {"undone": back.undone, "live_does_not_answer": silence}
    if not back.record("deployment failed", closed(back.state), back.opened.step, ends="put back", **told):
        raise Broken(
            f"{back.opened.release} failed ({back.why}) and that it was put back could not be recorded: "
            f"{back.undone[-1]}; {what_users_see(back.environment).words}",
            hint=f"when the ledger answers again: release abort {name}",
        )


def _failed_in(failure: UpFailed, slot: SlotName) -> frozenset[str]:
    """The servers whose install into this slot is among what failed."""
    ending = f"-{slot}"
    return frozenset(name.removesuffix(ending) for name in failure.resources if name.endswith(ending))


def _undo_id(back: PutBack) -> str:
    """Another name than what is put back has: drawn within the same second, it may be the same one."""
    drawn = deployment_id(back.environment.name, back.environment.ledger.now())
    return drawn if drawn != back.opened.deployment else _undo_id(back)
