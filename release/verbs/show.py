"""``release show V``: what a release is, and which environments have it, verified it and run it."""

from dataclasses import asdict
from typing import Any

import click

from release.call import Call, pass_call
from release.environment import Environment
from release.process.errors import Refused
from release.process.text import bounded
from release.project import open_all
from release.records.artifacts.manifest import Manifest, checked_version
from settings.stackfile import Project

MOST_NOTES = 2000  # characters; all of them are in --json


@click.command("show")
@click.argument("version")
@pass_call
def command(call: Call, version: str) -> None:
    """Show what the release VERSION is, and where it is live.

    Its signed manifest, and which environments verified it. Refused (3) for what was never published.

    \b
    Example: release show 1.4.0
    """
    report = show_release(call.project, version)
    call.show(report, show_text(report))


def show_release(project: Project, version: str) -> dict[str, Any]:
    """The signed manifest and each environment's word on it; Refused when no environment has the version."""
    checked_version(version)
    found = [(environment, environment.releases.find(version)) for environment in _initialised(project)]
    known = [(environment, manifest) for environment, manifest in found if manifest is not None]
    if not known:
        raise Refused(f"{version} was never published", hint="see what is there with: release status")
    return {
        "release": asdict(known[0][1]),
        "environments": [_word(environment, manifest) for environment, manifest in known],
    }


def show_text(report: dict[str, Any]) -> str:
    """The report as lines."""
    release = report["release"]
    lines = [
        f"{release['project']} {release['version']}",
        f"  sha256     {release['digest']}",
        f"  size       {release['size']} bytes ({bounded(release['file_name'])})",
        f"  built from {release['tag'] or 'no tag'} {release['commit'] or ''}".rstrip(),
        *_built_by(release["provenance"]),
        f"  published  {release['published_at']} by {release['published_by']}",
        f"  schema     {_schema(release['schema'])}",
        f"  checks     {', '.join(bounded(check['name']) for check in release['checks']) or 'none'}",
    ]
    lines += [f"  evidence   {evidence['name']} sha256 {evidence['digest']}" for evidence in release["evidence"]]
    if release["notes"]:
        lines.append(f"  notes      {bounded(release['notes'], MOST_NOTES)}")
    return "\n".join([*lines, *(_line(word) for word in report["environments"])])


def _built_by(provenance: dict[str, str] | None) -> list[str]:
    said = [text for text in (provenance or {}).values() if text]
    return [f"  built by   {', '.join(said)}"] if said else []


def _schema(schema: dict[str, int] | None) -> str:
    return f"{schema['version']}, for releases from schema {schema['oldest']} on" if schema else "not stated"


def _initialised(project: Project) -> list[Environment]:
    """The environments that have come up: before that there is no bucket to ask."""
    return [environment for environment in open_all(project) if environment.releases.exist()]


def _word(environment: Environment, manifest: Manifest) -> dict[str, Any]:
    deployment = known.live if (known := environment.ledger.known(manifest.version)) else None
    verdict = environment.releases.verdict(manifest, deployment) if deployment else None
    live = environment.ledger.head().state.live
    return {
        "environment": environment.name,
        "verified": verdict.at if verdict else None,
        "live": live is not None and live.digest == manifest.digest,
    }


def _line(word: dict[str, Any]) -> str:
    verified = f"verified {word['verified']}" if word["verified"] else "not verified"
    return f"  {word['environment']:<10} {verified}{', live' if word['live'] else ''}"
