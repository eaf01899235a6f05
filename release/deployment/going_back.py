"""Where a rollback goes: the release, and the slot that holds it. Pure, by the ledger of the environment alone."""

from dataclasses import dataclass

from release.artifacts.manifest import artifact_key
from release.deployment.lanes import IN_PLACE, INSTALLED_BACK, STARTED, StepName
from release.errors import Refused
from release.ledger.head import Slot, State
from release.ledger.index import Known


@dataclass(frozen=True, kw_only=True)
class Target:
    """The release to go back to, and the deployment by which it was live here; empty where it never was."""

    release: Slot
    verified: str


def default_target(state: State, environment: str) -> Target:
    """Where a rollback goes that names no release: what was verified before what users have now.

    While users have a release that is being tried, that is the live one. Refused where there is none, and where it
    would lead forward again to what a rollback just left: that must be said by name.
    """
    live, previous = state.live, state.previous
    if live is not None and state.open is not None and state.declared != live.slot:
        held = state.slot(live.slot)
        content = held or Slot(
            release=live.release,
            digest=live.digest,
            artifact_key=artifact_key(live.digest),
            deployment=live.deployment,
        )
        return Target(release=content.but(made_with=live.made_with), verified=live.deployment)
    if previous is None:
        raise Refused(
            f"{environment} has no earlier verified release to go back to",
            hint=f"deploy a good release with: release promote VERSION --to {environment}",
        )
    if previous.left:
        raise Refused(
            f"{previous.left} rolled {environment} back from {previous.release}: going there again leads forward",
            hint=f"if that is meant, name it: release rollback {environment} --to {previous.release}",
        )
    return Target(
        release=Slot(
            release=previous.release,
            digest=previous.digest,
            artifact_key=previous.artifact_key or artifact_key(previous.digest),  # not told by format 1
            deployment=previous.deployment,
            made_with=previous.made_with,
        ),
        verified=previous.deployment,
    )


def named_target(known: Known | None, version: str, environment: str) -> Target:
    """Where a rollback goes that names a release, by what is proven of it. Refused for one that was never deployed."""
    if known is None:
        raise Refused(
            f"{version} was never deployed to {environment}",
            hint=f"see what was: release history {environment}",
        )
    release = Slot(
        release=known.release,
        digest=known.digest,
        artifact_key=known.artifact_key,
        deployment=known.live,
        made_with=known.made_with,
    )
    return Target(release=release, verified=known.live)


def is_held(state: State, release: Slot) -> bool:
    """Whether the idle slot holds these very bytes, as far as is known."""
    held = state.slot(state.idle)
    return held is not None and held.digest is not None and held.digest == release.digest and not held.unsure


def steps_back(state: State, release: Slot, *, runs: bool, install: bool = False) -> tuple[StepName, ...]:
    """The lane: in place where the slot holds it, started first where it does not run, else installed again."""
    if install or not is_held(state, release):
        return INSTALLED_BACK
    return IN_PLACE if runs else STARTED


def overwrites_verified(state: State, release: Slot, steps: tuple[StepName, ...]) -> bool:
    """Whether a rollback would install over what is live by the ledger while users are on what is being tried.

    Then users go back to the live one first, by the listener alone. Those of an open rollback stay: they left it.
    """
    live, opened = state.live, state.open
    if live is None or opened is None or opened.kind == "rollback":
        return False
    return state.declared != live.slot and "installed" in steps and live.digest != release.digest
