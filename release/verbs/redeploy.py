"""``release redeploy ENV``: install the live release again, in the other slot, and move the listener to it."""

from pathlib import Path

from release.deployment.executor import Deployed, Order, deploy
from release.deployment.gates import RedeploymentFacts, redeployment_gates, refuse_unless_passed
from release.deployment.stops import StandingVeto
from release.deployment.vetoes import standing_vetoes
from release.environment import Environment, open_environment
from release.errors import Refused
from release.output import Progress


def redeploy(project_dir: Path, name: str, *, ci: str, progress: Progress) -> Deployed:
    """Judge the gates and deploy what is live: for servers that lost it, or that shall read their secrets anew."""
    environment = open_environment(project_dir, name)
    environment.stack.refuse_missing_engine()
    writer = environment.identify(ci)
    order = redeployment_order(project_dir, name)
    refuse_unless_passed(order.gates, f"deploying {order.manifest.version} to {name} again")
    return deploy(environment, order, writer, progress)


def redeployment_order(project_dir: Path, name: str) -> Order:
    """What would be deployed, and the gates as they are judged now. Refused where nothing is live."""
    return order_again(open_environment(project_dir, name), standing_vetoes(project_dir))


def order_again(environment: Environment, vetoes: tuple[StandingVeto, ...]) -> Order:
    """The same, with the project's vetoes."""
    name, head = environment.name, environment.ledger.head()
    environment.ledger.refuse_held()  # before the gates speak: a deployment under way is open, but did not stop
    live = head.state.live
    if live is None:
        raise Refused(f"nothing is live in {name}", hint=f"deploy with: release promote VERSION --to {name}")
    manifest = environment.releases.get(live.release)
    facts = RedeploymentFacts(
        manifest=manifest,
        environment=name,
        state=head.state,
        verdict=environment.releases.verdict(manifest, live.deployment),
        vetoes=vetoes,
        now=environment.ledger.now(),
    )
    return Order(kind="redeployment", manifest=manifest, head=head, gates=redeployment_gates(facts))
