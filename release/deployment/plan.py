"""What a deployment is going to do: a frozen plan, made before anything changes, and what follows when it fails.

Promotion, hotfix, re-deployment and rollback are the same steps with different inputs; a rollback to a release that a
slot still holds needs no installation.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from pydantic import ConfigDict, TypeAdapter

from release.artifacts.manifest import Manifest
from release.artifacts.schema import Schema, newest
from release.ledger.canonical import canonical_json
from release.ledger.head import Live, Open, Previous, Slot, SlotName, State, with_slot

Kind = Literal["promotion", "hotfix", "redeployment", "rollback"]
StepName = Literal["preflight", "backed up", "installed", "verified", "switched", "watched", "live"]
Outcome = Literal["failed", "inconclusive", "errored", "interrupted"]
Consequence = Literal["put back", "put back and stopped", "left open"]

ALL_STEPS: tuple[StepName, ...] = get_args(StepName)
REQUESTED, UNDOING = "requested", "undoing"  # what an open deployment is in before its first step, and after its last

WORK: dict[StepName, str] = {
    "preflight": "see that the stored artifact has digest {digest}, and that the application has its database role",
    "backed up": "snapshot the database, store the stack file and the stack's state, as backup of {deployment}",
    "installed": "pulumi up: {version} into slot {slot} of every server",
    "verified": "health and smoke checks of {version} behind the preview listener",
    "switched": "pulumi up: the live listener to slot {slot}, until it answers with {version}",
    "watched": "smoke checks and figures of {version} behind the live listener",
    "live": "sign the verdict over {digest}, and write down that {version} is live",
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One deployment: which release goes into which slot by which steps, and what was there before."""

    deployment: str
    kind: Kind
    environment: str
    version: str
    digest: str
    artifact_key: str
    slot: SlotName
    steps: tuple[StepName, ...]
    former: State
    schema: Schema | None = None
    __pydantic_config__ = ConfigDict(extra="forbid")

    @property
    def content(self) -> Slot:
        """What the slot holds once the release is installed."""
        return Slot(
            release=self.version, digest=self.digest, artifact_key=self.artifact_key, deployment=self.deployment
        )


def make_plan(*, deployment: str, kind: Kind, environment: str, manifest: Manifest, state: State) -> Plan:
    """The plan to make ``manifest`` live from ``state``."""
    held = state.slot(state.idle)
    in_place = kind == "rollback" and held is not None and held.digest == manifest.digest
    return Plan(
        deployment=deployment,
        kind=kind,
        environment=environment,
        version=manifest.version,
        digest=manifest.digest,
        artifact_key=manifest.artifact_key,
        slot=state.idle,
        steps=tuple(step for step in ALL_STEPS if not (in_place and step == "installed")),
        former=state,
        schema=manifest.schema,
    )


def entering(plan: Plan, step: StepName, state: State) -> State:
    """The state while ``step`` runs: what the program shall declare is set before Pulumi is asked to do it."""
    if step == "installed":
        return replace(with_slot(state, plan.slot, plan.content), schema=newest(state.schema, plan.schema))
    if step == "switched":
        return replace(state, declared=plan.slot)
    return state


def leaving(plan: Plan, step: StepName, state: State, now: str) -> State:
    """The state after ``step`` succeeded: what is live is written down only once it was seen."""
    if step != "live":
        return replace(state, open=state.open and replace(state.open, done=True))
    live = Live(
        slot=plan.slot,
        release=plan.version,
        digest=plan.digest,
        deployment=plan.deployment,
        since=now,
        schema=plan.schema,
    )
    return replace(state, live=live, previous=_previous(plan.former, plan.digest), open=None)


def in_step(plan: Plan, step: str, state: State, requested: int) -> State:
    """The state with this deployment recorded as open in ``step``; its plan is in event ``requested``."""
    return replace(state, open=Open(deployment=plan.deployment, step=step, requested=requested))


def remaining(plan: Plan, opened: Open) -> tuple[StepName, ...]:
    """The steps that a deployment still has to run. The one that it stopped in runs again, unless it had ended.

    None for a deployment that is being put back.
    """
    if opened.step == REQUESTED:
        return plan.steps
    if opened.step == UNDOING:
        return ()
    names = [str(step) for step in plan.steps]
    return plan.steps[names.index(opened.step) + opened.done :]


def consequence(plan: Plan, state: State, outcome: Outcome) -> Consequence:
    """What follows a failure. Before the switch users saw nothing, so whatever failed is put back.

    After it, going back is a decision: taken at once for a release that is known to be bad, left to a person where
    that is not known, and where going back would lead to what a rollback just left. A switch that could not be made
    is put back like any step before it.
    """
    if state.declared != plan.slot:
        return "put back"
    if plan.kind == "rollback":
        return "left open"
    if outcome == "failed":
        return "put back and stopped"
    made = state.open is None or state.open.step != "switched"
    return "left open" if outcome == "inconclusive" or (outcome == "errored" and made) else "put back"


def described(plan: Plan, steps: tuple[StepName, ...]) -> tuple[tuple[StepName, str], ...]:
    """What each of these steps is going to do."""
    words = {"version": plan.version, "digest": plan.digest, "slot": plan.slot, "deployment": plan.deployment}
    return tuple((step, WORK[step].format(**words)) for step in steps)


def undoing(plan: Plan, state: State, undo: str) -> tuple[State, ...]:
    """The states that put back what the deployment changed, one ``up`` each: the listener, then the slot.

    The slot gets its former content under the deployment ``undo``, or is emptied where it held nothing. What the
    deployment never changed stays as it is; where there is nothing to put back, there is no state.
    """
    former = plan.former.slot(plan.slot)
    listener_back = replace(state, declared=plan.former.declared)
    slot_back = with_slot(listener_back, plan.slot, restored(former, undo))
    away, touched = _listener_may_be_away(plan, state), state.slot(plan.slot) != former
    return (*((listener_back,) if away else ()), *((slot_back,) if touched else ()))


def _listener_may_be_away(plan: Plan, state: State) -> bool:
    """Whether users may still get what is put back.

    An earlier undoing may have stopped between the word that the listener goes back and its move. It has moved for sure
    once the slot was put back as well.
    """
    undone = state.open is not None and state.open.step == UNDOING
    untouched = state.slot(plan.slot) in (plan.former.slot(plan.slot), plan.content)
    return state.declared != plan.former.declared or (undone and untouched)


def restored(former: Slot | None, undo: str) -> Slot:
    """A slot's former content under a new deployment, so that every server installs it again."""
    if former is None:
        return Slot(release=None, digest=None, artifact_key=None, deployment=undo)
    return Slot(release=former.release, digest=former.digest, artifact_key=former.artifact_key, deployment=undo)


def closed(state: State) -> State:
    """The state without an open deployment."""
    return replace(state, open=None)


def parse_plan(details: Any) -> Plan:
    """A plan from the ledger."""
    return _PLAN.validate_json(canonical_json(details))


def _previous(former: State, digest: str) -> Previous | None:
    if former.live is None or former.live.digest == digest:
        return former.previous
    return Previous(release=former.live.release, digest=former.live.digest, deployment=former.live.deployment)


_PLAN = TypeAdapter(Plan)
