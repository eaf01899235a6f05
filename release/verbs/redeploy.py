"""``release redeploy ENV``: install the live release again, in the other slot, and move the listener to it."""

import click

from release.call import Call, environment_argument, pass_call, plan_option
from release.deployment_text import show_deployed, show_plan
from release.environment import Environment
from release.process.errors import Refused
from release.process.output import Progress
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Writer
from release.rules.gates import RedeploymentFacts, redeployment_gates, refuse_unless_passed
from release.rules.lanes import forward
from release.rules.plan import content_of
from release.work.configuring import configured
from release.work.executor import Deployed, Proposal, deploy
from release.work.preflight import refuse_short_credentials
from release.work.snapshot_pruning import tidied


@click.command("redeploy")
@environment_argument
@plan_option
@pass_call
def command(call: Call, name: str, only_plan: bool) -> None:
    """Install the live release again, in the other slot.

    Backs up, verifies and moves the listener like a promotion. It gets the configuration that is set now: so what
    `config` and app.environment say is applied, and rolled back like a release. Also for servers that lost it.

    Refused (3) where nothing is live and when a gate says no: --plan shows all of them. Otherwise it ends like
    `promote`.

    \b
    Example: release redeploy prod
    """
    if only_plan:
        environment = call.opened(name)
        show_plan(call, environment, proposal_again(environment))
        return
    environment, writer = call.at_work(name, engine=True)
    show_deployed(call, redeploy_in(environment, writer, call.progress), how="live, deployed again,")


def redeploy_in(environment: Environment, writer: Writer, progress: Progress) -> Deployed:
    """Judge the gates and deploy what is live."""
    refuse_short_credentials(environment)
    proposal = proposal_again(environment)
    refuse_unless_passed(proposal.gates, f"deploying {proposal.release.release} to {environment.name} again")
    return tidied(environment, deploy(environment, proposal, writer, progress), writer, progress)


def proposal_again(environment: Environment) -> Proposal:
    """What would be deployed, and the gates as they are judged now. Refused where nothing is live."""
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
    proposal = Proposal(
        kind="redeployment",
        release=content_of(manifest),
        steps=forward(pause=False),
        head=head,
        gates=redeployment_gates(facts),
        manifest=manifest,
        free=free,
    )
    return configured(environment, proposal)
