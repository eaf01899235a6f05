"""``release publish FILE --version V``: store an artifact under its digest and sign its manifest."""

from dataclasses import dataclass, replace
from pathlib import Path

from release.artifacts.archive import Artifact, inspect_artifact, sha256_of
from release.artifacts.build import Build, agreed
from release.artifacts.manifest import (
    Evidence,
    Manifest,
    Provenance,
    checked_evidence,
    checked_provenance,
    checked_version,
)
from release.artifacts.repository import is_commit, tagged_commit
from release.artifacts.schema import Schema, schema_faults
from release.environment import Environment, open_first
from release.errors import Refused, WrongUsage
from release.output import Progress
from release.verification.smoke import agreed_checks


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What to publish: a file as a version, and what is said of it beside what it says of itself.

    ``repository`` is where the git tag is looked up; ``evidence`` are names and files.
    """

    path: Path
    version: str
    tag: str | None
    notes: str
    repository: Path
    commit: str | None = None
    schema: Schema | None = None
    provenance: Provenance | None = None
    evidence: tuple[tuple[str, Path], ...] = ()
    smoke: Path | None = None


def publish(project_dir: Path, request: Publication, *, ci: str, progress: Progress) -> tuple[Manifest, bool]:
    """The manifest as it is signed, and whether it is new (False: this very release was published before)."""
    version = checked_version(request.version)
    commit = _commit(request, version)
    evidence = checked_evidence(tuple(_evidence(name, path) for name, path in request.evidence))
    environment = open_first(project_dir)
    with progress.step(request.path.name, "inspected"):
        artifact = inspect_artifact(request.path)
        artifact = replace(artifact, checks=agreed_checks(artifact, request.smoke))
    build = _agreed(artifact.build, request, commit)
    principal = environment.identify(ci).principal
    environment.ledger.head()
    manifest = _manifest(request, artifact, build, evidence, environment, principal)
    with progress.step(environment.name, "published"):
        new = environment.releases.publish(artifact, manifest)
    return manifest if new else environment.releases.get(version), new


def parsed_schema(text: str) -> Schema:
    """A schema as an option states it: ``3`` (works with releases made with 3 only) or ``3:1`` (from 1 on)."""
    version, _, oldest = text.partition(":")
    if not all(number.isascii() and number.isdigit() and len(number) <= 9 for number in (version, oldest or version)):
        raise WrongUsage(f"{text[:80]!r} is not a schema", hint="give its number and the oldest that fits: 3:2")
    schema = Schema(version=int(version), oldest=int(oldest or version))
    if fault := schema_faults(schema):
        raise WrongUsage(fault)
    return schema


def parsed_evidence(texts: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    """Names and files, each pair as an option states it: ``NAME=FILE``."""
    pairs = [text.partition("=") for text in texts]
    for name, equals, file in pairs:
        if not (name and equals and file):
            raise WrongUsage(f"{name[:80]!r} is no evidence", hint="give a name and a file: tests=report.xml")
    return tuple((name, Path(file)) for name, _, file in pairs)


def _commit(request: Publication, version: str) -> str | None:
    """The commit that the tag leads to, or that was given; Refused when these are two."""
    given = request.commit
    if given is not None and not is_commit(given):
        raise WrongUsage(f"{given[:80]!r} is not a whole commit id", hint="see: git rev-parse HEAD")
    if request.tag is None:
        return given
    tagged = tagged_commit(request.repository, request.tag, version)
    if given not in (None, tagged):
        raise Refused(f"tag {request.tag} leads to {tagged}, not to {given}", hint="publish what was tagged")
    return tagged


def _evidence(name: str, path: Path) -> Evidence:
    if not path.is_file():
        raise Refused(f"there is no file {path.name!r} for the evidence {name}", hint="give NAME=FILE")
    return Evidence(name=name, digest=sha256_of(path))


def _agreed(build: Build, request: Publication, commit: str | None) -> Build:
    """What the build says of itself and what is said of it; Refused when these are two."""
    agreed("version", build.version, request.version)
    return Build(
        version=request.version,
        commit=agreed("commit", build.commit, commit),
        schema=agreed("schema", build.schema, request.schema),
    )


def _manifest(
    request: Publication,
    artifact: Artifact,
    build: Build,
    evidence: tuple[Evidence, ...],
    environment: Environment,
    principal: str,
) -> Manifest:
    return Manifest(
        project=environment.settings.project,
        version=request.version,
        digest=artifact.digest,
        size=artifact.size,
        file_name=artifact.path.name,
        commit=build.commit,
        tag=request.tag,
        checks=artifact.checks,
        notes=request.notes,
        published_at=environment.ledger.now().isoformat(timespec="seconds"),
        published_by=principal,
        schema=build.schema,
        provenance=checked_provenance(request.provenance) if request.provenance else None,
        evidence=evidence,
        parts=artifact.parts,
    )
