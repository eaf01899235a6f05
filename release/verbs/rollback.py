"""``release rollback ENV``: make the last verified release before the live one live again, or a named one."""

from pathlib import Path

from release.environment import Environment, open_environment
from release.errors import Refused
from release.executor import Deployed, deploy
from release.gates import RollbackFacts, refuse_unless_open, rollback_gates
from release.manifest import Manifest, checked_version
from release.output import Progress


def rollback(project_dir: Path, name: str, *, version: str | None, ci: str, progress: Progress) -> Deployed:
    """Judge the gates and deploy the earlier release: by the listener alone where a slot still holds it."""
    environment = open_environment(project_dir, name)
    writer = environment.identify(ci)
    manifest = environment.releases.get(checked_version(version) if version else _previous(environment))
    facts = RollbackFacts(
        manifest=manifest,
        environment=name,
        state=environment.ledger.head().state,
        verdict=environment.releases.verdict(manifest),
    )
    refuse_unless_open(rollback_gates(facts), f"rolling {name} back to {manifest.version}")
    _refuse_other_bytes(environment, manifest)
    return deploy(environment, manifest, "rollback", writer, progress)


def _previous(environment: Environment) -> str:
    previous = environment.ledger.head().state.previous
    if previous is None:
        raise Refused(
            f"{environment.name} has no earlier verified release to go back to",
            hint=f"deploy a good release with: release promote VERSION --to {environment.name}",
        )
    return previous.release


def _refuse_other_bytes(environment: Environment, manifest: Manifest) -> None:
    """HEAD and manifest must mean the same artifact."""
    previous = environment.ledger.head().state.previous
    if previous is not None and previous.release == manifest.version and previous.digest != manifest.digest:
        raise Refused(
            f"the manifest of {manifest.version} names other bytes than the ledger of {environment.name}",
            hint="one of them was changed by hand; name another release with --to",
        )
