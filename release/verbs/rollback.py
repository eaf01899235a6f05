"""``release rollback ENV``: make the last verified release before the live one live again, or a named one."""

from pathlib import Path

from release.environment import Environment, open_environment
from release.errors import Refused
from release.executor import Deployed, Order, deploy
from release.gates import RollbackFacts, refuse_unless_passed, rollback_gates
from release.head import State
from release.manifest import Manifest, Verdict, checked_version
from release.output import Progress


def rollback(project_dir: Path, name: str, *, version: str | None, ci: str, progress: Progress) -> Deployed:
    """Judge the gates and deploy the earlier release: by the listener alone where a slot still holds it."""
    environment = open_environment(project_dir, name)
    environment.stack.refuse_missing_engine()
    writer = environment.identify(ci)
    head = environment.ledger.head()
    environment.ledger.refuse_held()  # before the gates speak: a deployment under way is open, but did not stop
    manifest = environment.releases.get(checked_version(version) if version else _previous(head.state, name))
    verdict = _verdict(environment, manifest, head.state)
    gates = rollback_gates(RollbackFacts(manifest=manifest, environment=name, state=head.state, verdict=verdict))
    refuse_unless_passed(gates, f"rolling {name} back to {manifest.version}")
    return deploy(environment, Order(kind="rollback", manifest=manifest, head=head, gates=gates), writer, progress)


def _previous(state: State, name: str) -> str:
    if state.previous is None:
        raise Refused(
            f"{name} has no earlier verified release to go back to",
            hint=f"deploy a good release with: release promote VERSION --to {name}",
        )
    return state.previous.release


def _verdict(environment: Environment, manifest: Manifest, state: State) -> Verdict | None:
    """The verdict over these bytes of a deployment that was live here, by the word of the ledger."""
    previous = state.previous
    if previous is not None and previous.digest == manifest.digest:
        return environment.releases.verdict(manifest, previous.deployment)
    deployment = environment.ledger.deployment_that_was_live(manifest.digest)
    return environment.releases.verdict(manifest, deployment) if deployment else None
