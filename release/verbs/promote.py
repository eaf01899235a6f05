"""``release promote V --from A --to B``: carry a verified release into an environment, and make it live there.

A hotfix is a promotion that passes over environments, for a written reason. It comes from one further up, is live and
verified there, and goes through every other gate and all steps. The roles of `settings.permissions` read only the
environment before theirs, so it takes an administrator.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from release.artifacts.manifest import Manifest, checked_version
from release.artifacts.pruning import refuse_pruned
from release.deployment.executor import Deployed, Order, deploy
from release.deployment.gates import PromotionFacts, promotion_gates, refuse_unless_passed
from release.deployment.stops import StandingVeto
from release.deployment.vetoes import standing_vetoes
from release.environment import Environment, open_environment
from release.ledger.head import State
from release.output import Progress


@dataclass(frozen=True, kw_only=True)
class Route:
    """From where to where. Without a source it is the environment before; ``hotfix`` is the reason to skip some."""

    source: str | None
    target: str
    hotfix: str = ""


def promote(project_dir: Path, version: str, route: Route, *, ci: str, progress: Progress) -> Deployed:
    """Judge the gates, copy the artifact, deploy."""
    target = open_environment(project_dir, route.target)
    target.stack.refuse_missing_engine()
    writer = target.identify(ci)
    source = _source(project_dir, route, target)
    order = promotion_order(project_dir, version, route)
    refuse_unless_passed(order.gates, f"promoting {version} to {target.name}")
    refuse_pruned(source or target, order.manifest)
    if source is not None:
        with progress.step(target.name, f"artifact copied from {source.name}"):
            target.releases.adopt(order.manifest, source.releases)
    return deploy(target, order, writer, progress)


def promotion_order(project_dir: Path, version: str, route: Route) -> Order:
    """What would be deployed, and the gates as they are judged now."""
    target = open_environment(project_dir, route.target)
    source = _source(project_dir, route, target)
    skipped = passed_over(project_dir, route) if route.hotfix else ()
    order = order_from(source, target, version, standing_vetoes(project_dir), skipped)
    return replace(order, kind="hotfix", reason=route.hotfix) if route.hotfix else order


def order_from(
    source: Environment | None,
    target: Environment,
    version: str,
    vetoes: tuple[StandingVeto, ...],
    skipped: tuple[str, ...] = (),
) -> Order:
    """The order of a promotion, with the project's vetoes and what a hotfix passes over."""
    manifest = (source or target).releases.get(checked_version(version))
    head = target.ledger.head()
    target.ledger.refuse_held()  # before the gates speak: a deployment under way is open, but did not stop
    upstream = source.ledger.head().state if source else None
    facts = replace(_facts(manifest, source, target, head.state, upstream, vetoes), skipped=skipped)
    return Order(kind="promotion", manifest=manifest, head=head, gates=promotion_gates(facts))


def passed_over(project_dir: Path, route: Route) -> tuple[str, ...]:
    """The environments between source and target; none where the source is not further up, or right before it."""
    found: list[str] = []
    name = open_environment(project_dir, route.target).settings.promotes_from
    while name and name != route.source:
        found.append(name)
        name = open_environment(project_dir, name).settings.promotes_from
    return tuple(found) if name else ()


def _facts(
    manifest: Manifest,
    source: Environment | None,
    target: Environment,
    state: State,
    upstream: State | None,
    vetoes: tuple[StandingVeto, ...],
) -> PromotionFacts:
    """What the ledgers and the signed verdicts say now."""
    live = upstream.live if upstream else None
    return PromotionFacts(
        manifest=manifest,
        environment=target.name,
        promotes_from=target.settings.promotes_from,
        state=state,
        source=source.name if source else None,
        source_state=upstream,
        source_verdict=source.releases.verdict(manifest, live.deployment) if source and live else None,
        vetoes=vetoes,
        now=target.ledger.now(),
    )


def _source(project_dir: Path, route: Route, target: Environment) -> Environment | None:
    name = route.source or target.settings.promotes_from
    return open_environment(project_dir, name) if name else None
