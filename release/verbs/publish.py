"""``release publish FILE --version V``: store an artifact under its digest and sign its manifest."""

from dataclasses import dataclass
from pathlib import Path

from release.archive import Artifact, inspect_artifact
from release.environment import Environment, open_first
from release.manifest import Manifest, checked_version
from release.output import Progress
from release.repository import tagged_commit


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What to publish: a file as a version, optionally built from a git tag of the repository in ``repository``."""

    path: Path
    version: str
    tag: str | None
    notes: str
    repository: Path


def publish(project_dir: Path, request: Publication, *, ci: str, progress: Progress) -> tuple[Manifest, bool]:
    """The manifest, and whether it is new (False: this very release was published before, nothing to do)."""
    version = checked_version(request.version)
    commit = tagged_commit(request.repository, request.tag, version) if request.tag else None
    environment = open_first(project_dir)
    with progress.step(request.path.name, "inspected"):
        artifact = inspect_artifact(request.path)
    principal = environment.identify(ci).principal
    environment.ledger.head()
    manifest = _manifest(request, artifact, environment, commit, principal)
    with progress.step(environment.name, "published"):
        new = environment.releases.publish(artifact, manifest)
    return manifest, new


def _manifest(
    request: Publication, artifact: Artifact, environment: Environment, commit: str | None, principal: str
) -> Manifest:
    return Manifest(
        project=environment.settings.project,
        version=request.version,
        digest=artifact.digest,
        size=artifact.size,
        file_name=artifact.path.name,
        commit=commit,
        tag=request.tag,
        checks=artifact.checks,
        notes=request.notes,
        published_at=environment.ledger.now().isoformat(timespec="seconds"),
        published_by=principal,
    )
