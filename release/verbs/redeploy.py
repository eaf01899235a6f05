"""``release redeploy ENV``: install the live release again, in the other slot, and move the listener to it."""

from pathlib import Path

from release.deployment.executor import Deployed, Order, deploy
from release.deployment.gates import RedeploymentFacts, redeployment_gates, refuse_unless_passed
from release.deployment.lanes import forward
from release.deployment.preflight import refuse_short_credentials
from release.environment import Environment, open_environment
from release.errors import Refused
from release.ledger.lease import Patience
from release.ledger.ledger import Writer
from release.output import Progress
from release.verbs.promote import content_of, tidied


def redeploy(project_dir: Path, name: str, *, ci: str, progress: Progress) -> Deployed:
    """Judge the gates and deploy what is live: for servers that lost it, or that shall read their secrets anew."""
    environment = open_environment(project_dir, name)
    environment.stack.refuse_missing_engine()
    return redeploy_in(environment, environment.identify(ci), progress)


def redeploy_in(environment: Environment, writer: Writer, progress: Progress) -> Deployed:
    """The same, in an environment that is open."""
    refuse_short_credentials(environment)
    order = order_again(environment)
    refuse_unless_passed(order.gates, f"deploying {order.release.release} to {environment.name} again")
    return tidied(environment, deploy(environment, order, writer, progress), writer, progress)


def redeployment_order(project_dir: Path, name: str) -> Order:
    """What would be deployed, and the gates as they are judged now. Refused where nothing is live."""
    return order_again(open_environment(project_dir, name))


def order_again(environment: Environment) -> Order:
    """The same, of an environment that is open."""
    name = environment.name
    free, head = environment.ledger.at_rest(Patience(until_silent=True))
    live = head.state.live
    if live is None:
        raise Refused(f"nothing is live in {name}", hint=f"deploy with: release promote VERSION --to {name}")
    manifest = environment.releases.get(live.release)
    facts = RedeploymentFacts(
        manifest=manifest,
        environment=name,
        state=head.state,
        stops=environment.stops.read(),
        verdict=environment.releases.verdict(manifest, live.deployment),
        now=environment.ledger.now(),
    )
    return Order(
        kind="redeployment",
        release=content_of(manifest),
        steps=forward(pause=False),
        head=head,
        gates=redeployment_gates(facts),
        manifest=manifest,
        free=free,
    )
