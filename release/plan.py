"""What a deployment is going to do: a frozen plan, made before anything changes.

Promotion, re-deployment and rollback are the same steps with different inputs; a rollback to a release that a slot
still holds needs no installation.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from pydantic import ConfigDict, TypeAdapter

from release.canonical import canonical_json
from release.head import Live, Open, Previous, Slot, SlotName, State, with_slot
from release.manifest import Manifest

Kind = Literal["promotion", "rollback"]
StepName = Literal["preflight", "backed up", "installed", "verified", "switched", "watched", "live"]

ALL_STEPS: tuple[StepName, ...] = get_args(StepName)


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
    )


def entering(plan: Plan, step: StepName, state: State) -> State:
    """The state while ``step`` runs: what the program shall declare is set before Pulumi is asked to do it."""
    if step == "installed":
        return with_slot(state, plan.slot, plan.content)
    if step == "switched":
        return replace(state, declared=plan.slot)
    return state


def leaving(plan: Plan, step: StepName, state: State, now: str) -> State:
    """The state after ``step`` succeeded: what is live is written down only once it was seen."""
    if step != "live":
        return state
    live = Live(slot=plan.slot, release=plan.version, digest=plan.digest, deployment=plan.deployment, since=now)
    return replace(state, live=live, previous=_previous(plan.former, plan.digest), open=None)


def in_step(plan: Plan, step: str, state: State, requested: int) -> State:
    """The state with this deployment recorded as open in ``step``; its plan is in event ``requested``."""
    return replace(state, open=Open(deployment=plan.deployment, step=step, requested=requested))


def undoing(plan: Plan, state: State, undo: str) -> tuple[State, ...]:
    """The states that put back what the deployment changed, one ``up`` each: the listener, then the slot.

    The slot gets its former content under the deployment ``undo``, or is emptied where it held nothing. What the
    deployment never changed stays as it is; where there is nothing to put back, there is no state.
    """
    former = plan.former.slot(plan.slot)
    listener_back = replace(state, declared=plan.former.declared)
    slot_back = with_slot(listener_back, plan.slot, restored(former, undo))
    moved, touched = state.declared != plan.former.declared, state.slot(plan.slot) != former
    return (*((listener_back,) if moved else ()), *((slot_back,) if touched else ()))


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
