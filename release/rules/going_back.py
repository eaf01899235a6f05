"""Where a rollback goes: the release, and the slot that holds it. Pure, by the ledger of the environment alone."""

from dataclasses import dataclass

from contract.slots import SlotName
from release.process.errors import Refused
from release.records.artifacts.manifest import artifact_key
from release.records.ledger.head import Content, Live, Open, Previous, State, run_by
from release.records.ledger.index import Known
from release.rules.lanes import IN_PLACE, INSTALLED_BACK, STARTED, StepName
from release.rules.plan import UNDOING, is_behind_switch


@dataclass(frozen=True, kw_only=True)
class Target:
    """The release to go back to, and the deployment by which it was live here; empty where it never was.

    ``adopted``: it was never verified, and users were on it all the same, as a person moved the listener by hand.
    """

    release: Content
    verified: str
    adopted: bool = False


def is_gone_on_with(state: State, version: str | None) -> bool:
    """Whether a rollback only ends well the one that is open: that has moved users, and this one goes there as well."""
    opened = state.open
    if opened is None or opened.kind != "rollback" or not is_behind_switch(opened, state):
        return False
    return version in (None, opened.release)


def is_put_back_first(state: State, users_in: SlotName | None, version: str | None) -> bool:
    """Whether a rollback first ends the putting back of what is open: HEAD says that users are back, and they are not;
    or it is a rollback itself, which nobody goes on with any more.
    """
    if state.open is None or state.open.step != UNDOING:
        return False
    return users_in != state.declared or is_gone_on_with(state, version)


def is_back_by_that(opened: Open, state: State, version: str | None) -> bool:
    """Whether users have what a rollback goes to as soon as what is open is put back."""
    live = state.live
    if live is None or opened.former.declared != live.slot:
        return False
    if version is None:
        return opened.kind != "rollback" or run_by(opened) == run_by(live)
    return version == live.release


def default_target(state: State, environment: str) -> Target:
    """Where a rollback goes that names no release: what was verified before what users have now.

    While users have another release that is being tried, that is the live one. Refused where there is none that was
    verified, and where it would lead forward again to what a rollback just left, or is leaving: that must be said by
    name.
    """
    live = state.live
    if state.open is not None and is_gone_on_with(state, None):
        raise Refused(
            f"{state.open.deployment} has moved users of {environment} back to {state.open.release} already",
            hint=f"end that with: release rollback {environment}, or name another: --to VERSION",
        )
    if live is not None and state.open is not None and _have_another(state, live):
        _refuse_unverified(live, environment)
        return _live_one(live, state)
    return _one_before(state.previous, environment)


def _have_another(state: State, live: Live) -> bool:
    """Whether users have another release than what is live by HEAD, and not just the same from the other slot."""
    had = state.slot(state.declared) if state.declared else None
    return state.declared != live.slot and (had is None or run_by(had) != run_by(live))


def _live_one(live: Live, state: State) -> Target:
    """What is live by HEAD, as its slot holds it: nothing else counts as verified that somebody tried there since."""
    content = state.slot(live.slot)
    if content is None or run_by(content) != run_by(live):
        content = Content(
            release=live.release,
            digest=live.digest,
            artifact_key=artifact_key(live.digest),
            deployment=live.deployment,
            commands=live.commands,
            configuration=live.configuration,
        )
    return Target(release=content.but(made_with=live.made_with), verified=live.deployment)


def _one_before(previous: Previous | None, environment: str) -> Target:
    """What was live before, unless a rollback left it."""
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
        release=Content(
            release=previous.release,
            digest=previous.digest,
            artifact_key=previous.artifact_key or artifact_key(previous.digest),  # not told by format 1
            deployment=previous.deployment,
            commands=previous.commands,
            configuration=previous.configuration,
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
    release = Content(
        release=known.release,
        digest=known.digest,
        artifact_key=known.artifact_key,
        deployment=known.live,
        commands=known.commands,
        configuration=known.configuration,
        made_with=known.made_with,
    )
    return Target(release=release, verified=known.live, adopted=not known.live and known.adopted == known.digest)


def _refuse_unverified(live: Live, environment: str) -> None:
    if live.unverified:
        raise Refused(
            f"nobody verified {live.release}, which users of {environment} had before: they were moved there by hand",
            hint=f"if that is meant: release abort {environment}; or name another: release rollback {environment} "
            "--to VERSION",
        )


def is_held(state: State, release: Content) -> bool:
    """Whether the idle slot holds these very bytes with this configuration by the ledger, on some server at least."""
    held = state.slot(state.idle)
    return held is not None and held.digest is not None and run_by(held) == run_by(release)


def steps_back(*, held: bool, runs: bool) -> tuple[StepName, ...]:
    """The lane: in place where the slot holds it, started first where it does not run, else installed again."""
    if not held:
        return INSTALLED_BACK
    return IN_PLACE if runs else STARTED


def overwrites_verified(state: State, release: Content, steps: tuple[StepName, ...]) -> bool:
    """Whether a rollback would install over what is live by the ledger while users are on what is being tried.

    Then users go back to the live one first, by the listener alone. Those of an open rollback stay: they left it.
    """
    live, opened = state.live, state.open
    if live is None or opened is None or opened.kind == "rollback":
        return False
    return state.declared != live.slot and "installed" in steps and run_by(live) != run_by(release)
