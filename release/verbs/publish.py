"""``release publish FILE --version V``: store an artifact under its digest and sign its manifest."""

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from contract.commands import BY_NAME, Commands
from release.call import Call, pass_call
from release.doors.git import is_commit, tagged_commit
from release.environment import Environment
from release.process.errors import Refused, WrongUsage
from release.project import open_first
from release.records.artifacts.archive import Artifact, inspect_artifact, sha256_of
from release.records.artifacts.build import Build, agreed, stated_commands
from release.records.artifacts.manifest import (
    Evidence,
    Manifest,
    Provenance,
    checked_evidence,
    checked_provenance,
    checked_version,
)
from release.records.artifacts.provenance import provenance
from release.records.artifacts.schema import Schema, schema_faults
from release.records.artifacts.smoke import agreed_checks
from settings.machine import machine_of


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
    commands: Commands = BY_NAME


@click.command("publish")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--version", "version", required=True, help="The version that this artifact is, for ever.")
@click.option("--tag", help="The git tag it was built from; it must exist here and name the version.")
@click.option("--commit", help="The git commit it was built from.  [default: the tag's]")
@click.option("--notes", default="", help="What is new, in a sentence or two.")
@click.option("--schema", help="The database schema it brings, and the oldest it lets work: 3:2.")
@click.option("--evidence", multiple=True, metavar="NAME=FILE", help="A file that speaks for it; its sha256 is kept.")
@click.option("--smoke", type=click.Path(path_type=Path), help="Its smoke checks, where the artifact has none.")
@click.option("--start", help='What starts it, where it does not say: "java -jar app.jar".')
@click.option("--migrate", help='What migrates its database, where it does not say: "java -jar app.jar migrate".')
@click.option("--builder", help="What built it.  [default: GitHub's workflow]")
@click.option("--source", help="Where its sources are.  [default: GitHub's repository]")
@pass_call
def command(
    call: Call,
    file: Path,
    version: str,
    tag: str | None,
    commit: str | None,
    notes: str,
    schema: str | None,
    evidence: tuple[str, ...],
    smoke: Path | None,
    start: str | None,
    migrate: str | None,
    builder: str | None,
    source: str | None,
) -> None:
    """Store the artifact FILE under its digest, and sign it.

    In the environment where releases enter, for `promote` to take from there. Nothing is deployed. Of a release that
    was pruned it stores the bytes again.

    Refused (3) for an archive that is unsafe or not whole, where options, tag and the artifact's own word do not agree,
    and for a version that was published with other bytes.

    \b
    Example: release publish app-1.4.0.tar.gz --version 1.4.0 --notes "Faster lists"
    """
    request = Publication(
        path=file,
        version=version,
        tag=tag,
        notes=notes,
        repository=Path.cwd(),
        commit=commit,
        schema=parsed_schema(schema) if schema is not None else None,
        provenance=provenance(os.environ, builder=builder, source=source, run=call.ci),
        evidence=parsed_evidence(evidence),
        smoke=smoke,
        commands=stated_commands(start, migrate),
    )
    manifest, new = publish(call, request)
    said = "published" if new else "was published before, its bytes are stored"
    call.show({"release": asdict(manifest), "new": new}, f"{version} {said} (sha256 {manifest.digest})")


def publish(call: Call, request: Publication) -> tuple[Manifest, bool]:
    """The manifest as it is signed, and whether it is new (False: this very release was published before)."""
    version = checked_version(request.version)
    commit = _commit(request, version)
    evidence = checked_evidence(tuple(_evidence(name, path) for name, path in request.evidence))
    environment = open_first(call.project)
    with call.progress.step(request.path.name, "inspected"):
        machine = machine_of(environment.settings.servers.instance_type)
        artifact = inspect_artifact(request.path, said=request.commands, machine=machine)
        artifact = replace(artifact, checks=agreed_checks(artifact, request.smoke))
    build = _agreed(artifact.build, request, commit)
    principal = environment.identify(call.ci).principal
    environment.ledger.head()
    manifest = _manifest(request, artifact, build, evidence, environment, principal)
    with call.progress.step(environment.name, "published"):
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
        commands=artifact.commands,
    )
