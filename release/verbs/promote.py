"""``release promote V --from A --to B``: carry a verified release into an environment, and make it live there."""

from pathlib import Path

from release.environment import Environment, open_environment
from release.executor import Deployed, Order, deploy
from release.gates import PromotionFacts, promotion_gates, refuse_unless_passed
from release.head import Head
from release.manifest import Manifest, checked_version
from release.output import Progress


def promote(
    project_dir: Path, version: str, *, source_name: str | None, target_name: str, ci: str, progress: Progress
) -> Deployed:
    """Judge the gates, copy the artifact, deploy. Without a source it comes from the environment before this one."""
    target = open_environment(project_dir, target_name)
    source = _source(project_dir, source_name, target)
    target.stack.refuse_missing_engine()
    writer = target.identify(ci)
    manifest = (source or target).releases.get(checked_version(version))
    head = target.ledger.head()
    target.ledger.refuse_held()  # before the gates speak: a deployment under way is open, but did not stop
    gates = promotion_gates(_facts(manifest, source, target, head))
    refuse_unless_passed(gates, f"promoting {version} to {target.name}")
    if source is not None:
        with progress.step(target.name, f"artifact copied from {source.name}"):
            target.releases.adopt(manifest, source.releases)
    return deploy(target, Order(kind="promotion", manifest=manifest, head=head, gates=gates), writer, progress)


def _facts(manifest: Manifest, source: Environment | None, target: Environment, head: Head) -> PromotionFacts:
    """What the ledgers and the signed verdicts say now."""
    upstream = source.ledger.head().state if source else None
    live = upstream.live if upstream else None
    return PromotionFacts(
        manifest=manifest,
        environment=target.name,
        promotes_from=target.settings.promotes_from,
        state=head.state,
        source=source.name if source else None,
        source_state=upstream,
        source_verdict=source.releases.verdict(manifest, live.deployment) if source and live else None,
    )


def _source(project_dir: Path, given: str | None, target: Environment) -> Environment | None:
    name = given or target.settings.promotes_from
    return open_environment(project_dir, name) if name else None
