"""``release rollback ENV``: make the last verified release before the live one live again, or a named one."""

from pathlib import Path

from release.artifacts.manifest import Manifest, Verdict, checked_version
from release.artifacts.pruning import refuse_pruned
from release.deployment.executor import Deployed, Order, deploy
from release.deployment.gates import RollbackFacts, refuse_unless_passed, rollback_gates
from release.deployment.stops import StandingVeto
from release.deployment.vetoes import standing_vetoes
from release.environment import Environment, open_environment
from release.errors import Refused
from release.ledger.head import State
from release.output import Progress


def rollback(project_dir: Path, name: str, *, version: str | None, ci: str, progress: Progress) -> Deployed:
    """Judge the gates and deploy the earlier release: by the listener alone where a slot still holds it."""
    environment = open_environment(project_dir, name)
    environment.stack.refuse_missing_engine()
    writer = environment.identify(ci)
    order = rollback_order(project_dir, name, version=version)
    refuse_unless_passed(order.gates, f"rolling {name} back to {order.manifest.version}")
    refuse_pruned(environment, order.manifest)
    return deploy(environment, order, writer, progress)


def rollback_order(project_dir: Path, name: str, *, version: str | None) -> Order:
    """What would be deployed, and the gates as they are judged now."""
    return order_back(open_environment(project_dir, name), version, standing_vetoes(project_dir))


def order_back(environment: Environment, version: str | None, vetoes: tuple[StandingVeto, ...]) -> Order:
    """The same, with the project's vetoes."""
    name, head = environment.name, environment.ledger.head()
    environment.ledger.refuse_held()  # before the gates speak: a deployment under way is open, but did not stop
    manifest = environment.releases.get(checked_version(version) if version else _previous(head.state, name))
    facts = RollbackFacts(
        manifest=manifest,
        environment=name,
        state=head.state,
        verdict=_verdict(environment, manifest, head.state),
        vetoes=vetoes,
    )
    return Order(kind="rollback", manifest=manifest, head=head, gates=rollback_gates(facts))


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
