"""``release promote V --from A --to B``: carry a verified release into an environment, and make it live there."""

from pathlib import Path

from release.environment import Environment, open_environment
from release.executor import Deployed, deploy
from release.gates import Gate, PromotionFacts, promotion_gates, refuse_unless_open
from release.manifest import Manifest, checked_version
from release.output import Progress


def promote(
    project_dir: Path, version: str, *, source_name: str | None, target_name: str, ci: str, progress: Progress
) -> Deployed:
    """Judge the gates, copy the artifact, deploy. Without a source it comes from the environment before this one."""
    target = open_environment(project_dir, target_name)
    source = _source(project_dir, source_name, target)
    writer = target.identify(ci)
    manifest = (source or target).releases.get(checked_version(version))
    refuse_unless_open(judge(manifest, source, target), f"promoting {version} to {target.name}")
    if source is not None:
        with progress.step(target.name, f"artifact copied from {source.name}"):
            target.releases.adopt(manifest, source.releases)
    return deploy(target, manifest, "promotion", writer, progress)


def judge(manifest: Manifest, source: Environment | None, target: Environment) -> tuple[Gate, ...]:
    """The gates of this promotion, by what the ledgers and the signed verdicts say now."""
    facts = PromotionFacts(
        manifest=manifest,
        environment=target.name,
        promotes_from=target.settings.promotes_from,
        state=target.ledger.head().state,
        source=source.name if source else None,
        source_state=source.ledger.head().state if source else None,
        source_verdict=source.releases.verdict(manifest) if source else None,
    )
    return promotion_gates(facts)


def _source(project_dir: Path, given: str | None, target: Environment) -> Environment | None:
    name = given or target.settings.promotes_from
    return open_environment(project_dir, name) if name else None
