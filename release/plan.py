"""What a deployment is going to do: a frozen plan, made before anything changes.

Promotion, re-deployment and rollback are the same steps with different inputs; a rollback to a release that a slot
still holds needs no installation.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter

from release.canonical import canonical_json
from release.head import Live, Open, Previous, Slot, SlotName, State, slot_holding, with_slot
from release.manifest import Manifest

Kind = Literal["promotion", "rollback"]
StepName = Literal["preflight", "backed up", "installed", "verified", "switched", "watched", "live"]

ALL_STEPS: tuple[StepName, ...] = (
    "preflight",
    "backed up",
    "installed",
    "verified",
    "switched",
    "watched",
    "live",
)


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
    held = slot_holding(state, manifest.digest) if kind == "rollback" else None
    in_place = held is not None and held == state.idle
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
        return _declaring(state, plan.slot)
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


def undone(plan: Plan, state: State, undo: str) -> State:
    """The state that puts back what the deployment changed: the listener, and the slot with a deployment of its own.

    A slot that held nothing is emptied; one that the deployment never touched stays as it is.
    """
    back = _declaring(state, plan.former.declared)
    if state.slot(plan.slot) == plan.former.slot(plan.slot):
        return back
    return with_slot(back, plan.slot, restored(plan.former.slot(plan.slot), undo))


def restored(former: Slot | None, undo: str) -> Slot:
    """A slot's former content under a new deployment, so that every server installs it again."""
    if former is None:
        return Slot(release=None, digest=None, artifact_key=None, deployment=undo)
    return Slot(release=former.release, digest=former.digest, artifact_key=former.artifact_key, deployment=undo)


def closed(state: State) -> State:
    """The state without an open deployment."""
    return replace(state, open=None)


def plan_details(plan: Plan) -> dict[str, Any]:
    """A plan as the ledger keeps it."""
    return asdict(plan)


def parse_plan(details: Any) -> Plan:
    """A plan from the ledger."""
    return _PLAN.validate_json(canonical_json(details))


def _previous(former: State, digest: str) -> Previous | None:
    if former.live is None or former.live.digest == digest:
        return former.previous
    return Previous(release=former.live.release, digest=former.live.digest)


def _declaring(state: State, slot: SlotName | None) -> State:
    return replace(state, declared=slot)


_PLAN = TypeAdapter(Plan)
