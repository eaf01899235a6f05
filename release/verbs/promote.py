"""``release promote V --from A --to B``: carry a verified release into an environment, and make it live there.

A hotfix is a promotion that passes over environments, for a written reason. It comes from one further up, was verified
there, and goes through every other gate and all steps. The roles of `settings.permissions` read only the environment
before theirs, so it takes an administrator.
"""

from dataclasses import dataclass, replace

import click

from release.call import Call, checked_reason, environments, open_door_option, pass_call, plan_option
from release.deployment_text import show_deployed, show_plan
from release.environment import Environment, open_environment
from release.process.output import Progress
from release.records.artifacts.manifest import Manifest, Verdict, checked_version
from release.records.ledger.head import Head, State
from release.records.ledger.index import Known
from release.records.ledger.lease import IMPATIENT, Patience
from release.records.ledger.ledger import Free, Writer
from release.rules.gates import PromotionFacts, promotion_gates, refuse_unless_passed
from release.rules.lanes import forward
from release.rules.plan import content_of
from release.work.artifact_pruning import refuse_pruned
from release.work.configuring import configured
from release.work.door import door_for
from release.work.executor import Deployed, Proposal, deploy
from release.work.preflight import refuse_short_credentials
from release.work.snapshot_pruning import tidied
from release.work.vetoes import vetoes_elsewhere
from settings.stackfile import Project


@dataclass(frozen=True, kw_only=True)
class Route:
    """From where to where. Without a source it is the environment before; ``hotfix`` is the reason to skip some.

    ``pause``: stop before the switch, for people to look. ``wait``: seconds for which a held lease is waited for.
    """

    source: str | None
    target: str
    hotfix: str = ""
    pause: bool = False
    wait: float = 0.0


@click.command("promote")
@click.argument("version")
@click.option(
    "--to", "target", required=True, shell_complete=environments, help="The environment where it shall be live."
)
@click.option(
    "--from",
    "source",
    shell_complete=environments,
    help="Where it is live and verified.  [default: the environment before]",
)
@click.option("--hotfix", is_flag=True, help="Skip the environments in between; needs --from and --reason.")
@click.option("--reason", default="", callback=checked_reason, help="Why this hotfix must not wait, for the ledger.")
@click.option("--until", type=click.Choice(["verified"]), help="Stop before users get it, for people to look at it.")
@click.option(
    "--wait",
    is_flag=False,
    flag_value=10.0,
    type=click.FloatRange(min=0),
    metavar="[MINUTES]",
    help="Wait for whoever is at work, 10 minutes or as many.",
)
@open_door_option
@plan_option
@pass_call
def command(
    call: Call,
    version: str,
    target: str,
    source: str | None,
    hotfix: bool,
    reason: str,
    until: str | None,
    wait: float | None,
    door: str | None,
    only_plan: bool,
) -> None:
    """Make the release VERSION live in the next environment.

    Nothing is built again: it backs up, installs into the idle slot of every server, verifies it behind the preview
    listener, then moves the live listener. Whatever fails before that, users never see it.

    Refused (3) when a gate says no: --plan shows all of them. Broken (1) when it failed and was put back. Inconclusive
    (4) when it could not tell: it stays open for `resume`, `accept` or `abort`. Lease held (5) while somebody is at
    work: --wait.

    \b
    Example: release promote 1.4.0 --to qa
    Example: release promote 1.4.0 --to prod --until verified
    """
    if hotfix != bool(reason) or (hotfix and not source):
        raise click.UsageError("a hotfix needs --hotfix, --reason and --from; a promotion has no reason")
    route = Route(source=source, target=target, hotfix=reason, pause=until is not None, wait=60 * (wait or 0))
    if only_plan:
        environment = call.opened(target)
        show_plan(call, environment, proposal_into(environment, version, route, call.progress))
        return
    environment, writer = call.at_work(target, engine=True)
    with door_for(environment, door, call.progress):
        show_deployed(call, promote_into(environment, version, route, writer, call.progress))


def promote_into(target: Environment, version: str, route: Route, writer: Writer, progress: Progress) -> Deployed:
    """Judge the gates, copy the artifact, deploy."""
    refuse_short_credentials(target)
    source = _source(route, target)
    proposal = proposal_into(target, version, route, progress)
    refuse_unless_passed(proposal.gates, f"promoting {version} to {target.name}")
    manifest = source_manifest(source, target, version)
    refuse_pruned(source or target, manifest)
    if source is not None:
        with progress.step(target.name, f"artifact copied from {source.name}"):
            target.releases.adopt(manifest, source.releases)
    return tidied(target, deploy(target, proposal, writer, progress), writer, progress)


def proposal_into(target: Environment, version: str, route: Route, progress: Progress) -> Proposal:
    """What would be deployed, and the gates as they are judged now."""
    source = _source(route, target)
    patience = Patience(seconds=route.wait, told=progress.note) if route.wait else IMPATIENT
    free, head = target.ledger.at_rest(patience)  # before the gates speak: who is at work is not stopped yet
    facts = gather(source, target, version, head.state)
    skipped = passed_over(target.project, route) if route.hotfix else ()
    proposal = configured(target, proposal_of(replace(facts, skipped=skipped), head, free, pause=route.pause))
    return replace(proposal, kind="hotfix", reason=route.hotfix) if route.hotfix else proposal


def proposal_of(facts: PromotionFacts, head: Head, free: Free | None = None, *, pause: bool = False) -> Proposal:
    """What a promotion proposes, by facts that were gathered."""
    manifest = facts.manifest
    return Proposal(
        kind="promotion",
        release=content_of(manifest),
        steps=forward(pause=pause),
        head=head,
        gates=promotion_gates(facts),
        manifest=manifest,
        free=free,
        source=facts.source,
    )


def gather(source: Environment | None, target: Environment, version: str, state: State) -> PromotionFacts:
    """What the ledgers and the signed verdicts say now, beside the target's state."""
    manifest = source_manifest(source, target, version)
    source_state = source.ledger.head().state if source else None  # first: who goes back closes it and writes the index
    known = source.ledger.known(version) if source else None
    return PromotionFacts(
        manifest=manifest,
        environment=target.name,
        promotes_from=target.settings.promotes_from,
        state=state,
        stops=target.stops.read(),
        source=source.name if source else None,
        upstream=known,
        source_stops=source.stops.read() if source else None,
        source_verdict=_verdict(source, manifest, known) if source else None,
        elsewhere=vetoes_elsewhere(target.project, manifest.digest, {target.name, source.name if source else ""}),
        now=target.ledger.now(),
        source_state=source_state,
    )


def source_manifest(source: Environment | None, target: Environment, version: str) -> Manifest:
    """The signed manifest of the release, from where it comes."""
    return (source or target).releases.get(checked_version(version))


def passed_over(project: Project, route: Route) -> tuple[str, ...]:
    """The environments between source and target; none where the source is not further up, or right before it."""
    found: list[str] = []
    name = project.load(route.target).promotes_from
    while name and name != route.source:
        found.append(name)
        name = project.load(name).promotes_from
    return tuple(found) if name else ()


def _verdict(source: Environment, manifest: Manifest, known: Known | None) -> Verdict | None:
    """The verdict of the deployment by which the release was last live in the source."""
    return source.releases.verdict(manifest, known.live) if known is not None and known.live else None


def _source(route: Route, target: Environment) -> Environment | None:
    name = route.source or target.settings.promotes_from
    return open_environment(target.project, name) if name else None
