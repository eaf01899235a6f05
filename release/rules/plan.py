"""What a deployment is going to do: a frozen plan, made before anything changes, and what follows when it fails.

Pure: a plan is made of a release and a state, each step leads from one state to the next, and a failure has a
consequence. Which steps a kind of deployment has, ``lanes`` says.
"""

from typing import Any, Literal

from contract.slots import SLOTS, SlotName, other
from release.process.canonical import canonical_json
from release.process.form import FORMAT, Form, read_form
from release.process.text import bounded
from release.records.artifacts.manifest import Manifest
from release.records.artifacts.schema import Schema, newest
from release.records.commands import KeptCommands
from release.records.ledger.head import Content, Former, Live, Open, Previous, State, emptied, run_by, with_slot
from release.rules.consents import Consent
from release.rules.lanes import Kind, StepName, warnings_of

Outcome = Literal["failed", "inconclusive", "errored", "interrupted", "stopped", "held", "unforeseen"]
Consequence = Literal["put back", "put back and stopped", "left open"]

REQUESTED, UNDOING = "requested", "undoing"  # what an open deployment is in before its first step, and after its last
UNTOLD = "no deployment has told Pulumi's state since"  # a plain `up` may have: it writes down nothing
MOST_WHY = 500  # characters of a reason that HEAD keeps

WORK: dict[str, str] = {
    "preflight": "see that the artifact has digest {digest}, that nothing else would change, and that a backup fits",
    "backed up": "snapshot the database, store the stack file and the stack's state, as backup of {deployment}",
    "installed": "the installers: {version} into slot {slot} of every server",
    "started": "start {version} in slot {slot} on the servers where it does not run",
    "verified": "health and smoke checks of {version} behind the preview listener",
    "paused": "wait for a person to look at it behind the preview listener",
    "switched": "one call: the live listener to slot {slot}",
    "answered": "see the live listener answer with {version}, several times in a row",
    "applied": "pulumi up: so that Pulumi's state says the same",
    "watched": "smoke checks and figures of {version} behind the live listener",
    "live": "sign the verdict over {digest}, and write down that {version} is live",
}


class Plan(Form):
    """One deployment: which content goes live, in which slot, by which steps, and what it found.

    ``source`` is the environment that a release was promoted from; None where there is none. ``unverified``: it goes
    back to what was only ever adopted, so that its end verifies nothing. ``despite`` is what a person overruled, also
    where nothing of it stood in the way.
    """

    deployment: str
    kind: Kind
    environment: str
    content: Content
    slot: SlotName
    steps: tuple[StepName, ...]
    former: Former
    reason: str = ""
    supersedes: str = ""  # the open deployment that it takes over from
    source: str | None = None
    unverified: bool = False
    despite: tuple[Consent, ...] = ()
    format: int = FORMAT

    @property
    def version(self) -> str:
        """The release's version."""
        return self.content.release or ""

    @property
    def digest(self) -> str:
        """The digest of its bytes."""
        return self.content.digest or ""

    @property
    def made_with(self) -> Schema | None:
        """The schema that the release was made with."""
        return self.content.made_with

    @property
    def installs(self) -> bool:
        """Whether the slot gets its content by this deployment."""
        return "installed" in self.steps

    def bears(self, step: StepName) -> bool:
        """Whether a failure of ``step`` is a warning."""
        return step in warnings_of(self.kind)


def make_plan(
    *,
    deployment: str,
    kind: Kind,
    environment: str,
    release: Content,
    steps: tuple[StepName, ...],
    state: State,
    reason: str = "",
    source: str | None = None,
    unverified: bool = False,
    despite: tuple[Consent, ...] = (),
) -> Plan:
    """The plan to make ``release`` live from ``state`` by these steps.

    What is put back when it fails is what was verified: where another deployment is open, that is what it found. What a
    slot holds stays as it is told to Pulumi, unless it is in doubt: then every server has to look again.
    """
    held = None if "installed" in steps or doubt(state) else state.slot(state.idle)
    content = held or release.but(deployment=deployment, reuse=kind == "rollback", unsure="")
    return Plan(
        deployment=deployment,
        kind=kind,
        environment=environment,
        content=content,
        slot=state.idle,
        steps=steps,
        former=Former(declared=state.live.slot if state.live else None, content=former_content(state)),
        reason=reason,
        supersedes=state.open.deployment if state.open else "",
        source=source,
        unverified=unverified,
        despite=despite,
    )


def content_of(manifest: Manifest, configuration: str | None = None) -> Content:
    """The release as a slot holds it, with the configuration that it runs with."""
    return Content(
        release=manifest.version,
        digest=manifest.digest,
        artifact_key=manifest.artifact_key,
        deployment="",
        commands=KeptCommands.of(manifest.commands),
        configuration=configuration,
        made_with=manifest.schema,
    )


def former_content(state: State) -> Content | None:
    """What the idle slot held before anybody tried to change it, unsure where the open deployment began to."""
    opened = state.open
    if opened is None or opened.slot != state.idle:
        return state.slot(state.idle)
    former = opened.former.content
    if former is None or former.unsure or not was_touched(opened, state):
        return former
    return former.but(unsure=f"{opened.deployment} tried {opened.release} in it")


def entering(plan: Plan, step: StepName, state: State) -> State:
    """The state while ``step`` runs: what shall be so is written before anybody is asked to make it so."""
    if step == "installed":
        return with_slot(state, plan.slot, plan.content)
    if step == "switched":
        return state.but(declared=plan.slot, behind=f"the listener was moved, and {UNTOLD}")
    return state


def leaving(plan: Plan, step: StepName, state: State, now: str) -> State:
    """The state after ``step`` succeeded: what is live is written down only once it was seen."""
    if step == "live":
        return made_live(plan, state, now)
    if step == "applied":  # an `up` that ended well told Pulumi's state everything
        state = state.but(behind="")
    if step == "installed":
        state = state.but(behind=f"slot {plan.slot} was filled, and {UNTOLD}")
    if step == "installed" and plan.kind != "rollback":
        state = state.but(brought=newest(state.brought, plan.made_with))
    return state.but(open=state.open and state.open.but(done=True, stopped=""))


def made_live(plan: Plan, state: State, now: str) -> State:
    """The state in which the plan's release is what was seen live."""
    live = Live(
        slot=plan.slot,
        release=plan.version,
        digest=plan.digest,
        deployment=plan.deployment,
        since=now,
        commands=plan.content.commands,
        configuration=plan.content.configuration,
        made_with=plan.made_with,
        unverified=plan.unverified,
    )
    left = plan.deployment if leaves(plan.kind, live, state) else ""
    return state.but(live=live, previous=previous_of(state, live, left), open=None)


def leaves(kind: str, what: Live | Open, state: State) -> bool:
    """Whether a deployment leaves what is live for something better: a rollback does, unless it takes one back."""
    previous = state.previous
    takes_back = previous is not None and run_by(previous) == run_by(what) and bool(previous.left)
    return kind == "rollback" and not takes_back


def left_behind(opened: Open, state: State) -> Content | None:
    """The release that a deployment takes from users for good: what the other slot holds.

    That is what is live, or what was tried when a rollback took over. None where nothing is left, as where these bytes
    stay, and only their configuration is another one.
    """
    beside, leaving = state.slot(other(opened.slot)), leaves(opened.kind, opened, state)
    return beside if beside is not None and beside.digest != opened.digest and leaving else None


def previous_of(state: State, what: Live, left: str) -> Previous | None:
    """Where a rollback goes once this is live instead of what was; ``left`` is the rollback from there.

    What nobody verified is no way back: the one before it stays.
    """
    live = state.live
    if live is None or run_by(live) == run_by(what):
        return state.previous
    if live.unverified:
        return state.previous if state.previous and run_by(state.previous) != run_by(what) else None
    content = state.slot(live.slot)
    return Previous(
        release=live.release,
        digest=live.digest,
        deployment=live.deployment,
        artifact_key=(content.artifact_key if content else None) or "",
        commands=live.commands,
        configuration=live.configuration,
        made_with=live.made_with,
        left=left,
    )


def in_step(plan: Plan, step: str, state: State, requested: int) -> State:
    """The state with this deployment recorded as open in ``step``; its plan is in event ``requested``."""
    return state.but(
        open=Open(
            deployment=plan.deployment,
            kind=plan.kind,
            release=plan.version,
            digest=plan.digest,
            slot=plan.slot,
            step=step,
            requested=requested,
            former=plan.former,
            configuration=plan.content.configuration,
            made_with=plan.made_with,
        )
    )


def remaining(plan: Plan, opened: Open) -> tuple[StepName, ...]:
    """The steps that a deployment still has to run. The one that it stopped in runs again, unless it had ended.

    None for a deployment that is being put back.
    """
    if opened.step == REQUESTED:
        return plan.steps
    if opened.step not in plan.steps:
        return ()
    names = [str(step) for step in plan.steps]
    return plan.steps[names.index(opened.step) + opened.done :]


def is_behind_switch(opened: Open, state: State) -> bool:
    """Whether users may see what the open deployment is about: HEAD says so before the listener moves.

    Its slot was the idle one when it began, so nothing but its switch declares it.
    """
    return state.declared == opened.slot


def is_listener_away(opened: Open, state: State) -> bool:
    """Whether the listener may be elsewhere than it was before anything was tried."""
    return state.declared != opened.former.declared


def has_way_back(opened: Open, state: State) -> bool:
    """Whether the slot that the listener would go back to holds what was verified in it.

    It does not where a rollback took over from another open rollback, and installs a third release over that. Nor is it
    known to where a rollback began to install into it, and did not come to an end.
    """
    former, held = opened.former, state.slot(opened.slot)
    if opened.slot != former.declared:
        return True
    was = former.content and run_by(former.content)
    return (held and run_by(held)) == was and not (opened.slot == state.idle and doubt(state))


def consequence(opened: Open, state: State, outcome: Outcome) -> Consequence:
    """What follows a failure. Before the switch users saw nothing, so whatever failed is put back.

    A rollback that took over from a deployment behind its switch found users on what was tried: as long as it has not
    moved them, they stay there, and its process may try another way.

    After it, going back is a decision: taken at once for a release that is known to be bad, and where nobody foresaw
    what happened; left to a person where it is not known, and where going back would lead to what a rollback just left.
    A switch that could not be made is put back like any step before it.
    """
    if not is_behind_switch(opened, state):
        return "left open" if is_listener_away(opened, state) else "put back"
    if not has_way_back(opened, state):
        return "left open"
    if _could_not_switch(opened, outcome):
        return "put back"
    if opened.kind == "rollback" or outcome in ("inconclusive", "held", "errored"):
        return "left open"
    return "put back and stopped" if outcome == "failed" else "put back"


def _could_not_switch(opened: Open, outcome: Outcome) -> bool:
    """Whether the one call that moves the listener is what failed."""
    return opened.step == "switched" and not opened.done and outcome in ("errored", "unforeseen")


def described(plan: Plan, steps: tuple[StepName, ...]) -> tuple[tuple[StepName, str], ...]:
    """What each of these steps is going to do; of the last ones of a rollback, that they hold up nobody."""
    words = {"version": plan.version, "digest": plan.digest, "slot": plan.slot, "deployment": plan.deployment}
    return tuple(
        (step, WORK[step].format(**words) + (" (a failure is a warning)" if plan.bears(step) else "")) for step in steps
    )


def restored(former: Content | None, undo: str) -> Content:
    """A slot's former content under a new deployment, so that every server looks again what it holds."""
    if former is None or former.release is None:
        return emptied(undo)
    return former.but(deployment=undo, reuse=True, unsure="")


def not_finished(state: State, undo: str) -> State:
    """The state for an ``up`` by somebody else than the open deployment, which must not finish what that one began.

    A slot that it was still filling shall hold what it held; the deployment stays open, and installs again if resumed.
    """
    opened = state.open
    if opened is None or opened.step != "installed" or opened.done or not was_touched(opened, state):
        return state
    slot = with_slot(state, opened.slot, restored(opened.former.content, undo))
    return unsure(slot, opened.slot, f"{opened.deployment} did not come to an end with it")


def was_touched(opened: Open, state: State) -> bool:
    """Whether the deployment began to change its slot."""
    return state.slot(opened.slot) != opened.former.content


def doubt(state: State) -> str:
    """Why it is not sure what the idle slot holds; empty where it is.

    What it shall hold is written before anybody is asked to make it so: who dies in between leaves it unproven.
    """
    held, opened = state.slot(state.idle), state.open
    if held is not None and held.unsure:
        return held.unsure
    if opened is None or opened.slot != state.idle or not was_touched(opened, state):
        return ""
    unfinished = opened.step == UNDOING or (opened.step == "installed" and not opened.done)
    return f"{opened.deployment} did not come to an end with it" if unfinished else ""


def in_undoing(opened: Open, state: State) -> State:
    """The state with this deployment recorded as being put back."""
    return state.but(open=opened.but(step=UNDOING, done=False, stopped=""))


def with_listener_back(opened: Open, state: State) -> State:
    """The state in which the listener points where the deployment found it."""
    back = state.but(
        declared=opened.former.declared,
        behind=f"the listener was moved back, and {UNTOLD}",
    )
    return in_undoing(opened, back)


def unsure(state: State, slot: SlotName, why: str) -> State:
    """The state in which it is not known that every server holds what the slot should."""
    content = state.slot(slot)
    return state if content is None else with_slot(state, slot, content.but(unsure=bounded(why, MOST_WHY)))


def settled(state: State) -> State:
    """The state once somebody saw that everything is as it says."""
    for slot in SLOTS:
        content = state.slot(slot)
        state = with_slot(state, slot, content and content.but(unsure=""))
    return state.but(behind="")


def closed(state: State) -> State:
    """The state without an open deployment."""
    return state.but(open=None)


def parse_plan(details: Any) -> Plan:
    """A plan from the ledger; Broken for one that this version cannot read, which can be put back all the same."""
    return read_form(Plan, canonical_json(details).decode(), "the plan")
