"""``release prune ENV``: which artifacts and snapshots are needed no more, and with ``--yes`` their deletion."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import click

from release.call import Call, environment_argument, pass_call
from release.doors.aws.databases import Snapshot
from release.environment import Environment
from release.process.errors import Refused
from release.process.output import Progress, table
from release.project import open_all
from release.records.ledger.head import Head
from release.records.ledger.ledger import Writer
from release.rules.artifact_retention import Candidate
from release.rules.configuration_retention import Candidate as Configured
from release.rules.retention import Judgement
from release.work import artifact_pruning as artifacts
from release.work import configuration_pruning as configurations
from release.work import snapshot_pruning as snapshots
from release.work.deletion import delete_all
from release.work.maintenance import idle_head

Part = Literal["artifacts", "snapshots", "configurations"]
MOST_AT_ONCE = 500  # releases of one run: it takes a while


@dataclass(frozen=True, kw_only=True)
class Going:
    """What nothing keeps: releases whose bytes go, the names of snapshots, and configurations.

    ``vetoed``: as releases were judged.
    """

    releases: tuple[Candidate, ...] = ()
    snapshots: tuple[str, ...] = ()
    configurations: tuple[Configured, ...] = ()
    vetoed: frozenset[str] = frozenset()


@click.command("prune")
@environment_argument
@click.option(
    "--only", type=click.Choice(["artifacts", "snapshots", "configurations"]), help="Leave the other ones alone."
)
@click.option("--keep", type=click.IntRange(min=2), help="How many verified stay.  [default: the stack file's]")
@click.option("--yes", "really", is_flag=True, help="Delete what is shown to go.")
@pass_call
def command(call: Call, name: str, only: Part | None, keep: int | None, really: bool) -> None:
    """Show what ENVIRONMENT needs no more; with --yes delete it.

    Artifacts, database snapshots, and configurations with their secrets; it says why the others stay. Of releases only
    bytes go: manifests, verdicts and the ledger stay. Never the last good snapshot, and none in the way back.

    Refused (3) while a deployment is open, with --yes, and where a protected environment would keep fewer than its
    stack file says. Inconclusive (4) where another environment's ledger cannot be read: it may need the artifacts.

    \b
    Example: release prune prod --only snapshots --yes
    """
    report = prune(call, name, keep=keep, really=really, only=only)
    call.show(report, prune_text(report))


def prune(call: Call, name: str, *, keep: int | None, really: bool, only: Part | None = None) -> dict[str, Any]:
    """What goes and what stays, and why; nothing is deleted unless ``really``.

    Snapshots are judged by the environment's own ledger, artifacts by those of all environments.
    """
    environment, progress = call.opened(name), call.progress
    window = _window(environment, keep)
    writer = environment.identify(call.ci)
    head = idle_head(environment) if really else environment.ledger.head()
    of_snapshots = _judged_snapshots(environment, head, progress) if only in (None, "snapshots") else ()
    everyone = open_all(call.project) if only in (None, "artifacts") else ()
    of_artifacts = _judged_artifacts(environment, everyone, head, window, progress) if everyone else artifacts.Found()
    configured = _judged_configurations(environment, head, progress) if only in (None, "configurations") else ()
    going = Going(
        releases=tuple(one.candidate for one in of_artifacts.judgements if one.goes)[:MOST_AT_ONCE],
        snapshots=snapshots.going(of_snapshots),
        configurations=tuple(one.candidate for one in configured if one.goes),
        vetoed=of_artifacts.vetoed,
    )
    gone = _delete(environment, going, head, writer, progress) if really else Going()
    return {
        "environment": name,
        "keep": window,
        "releases": [_release_word(judgement) for judgement in of_artifacts.judgements],
        "refused": [{"version": version, "why": why} for version, why in of_artifacts.refused.items()],
        "pruned": [one.version for one in gone.releases],
        "snapshots": [_snapshot_word(judgement) for judgement in of_snapshots],
        "deleted_snapshots": list(gone.snapshots),
        "configurations": [{"name": one.candidate.what, **_becoming(one.reasons)} for one in configured],
        "deleted_configurations": [one.what for one in gone.configurations],
    }


def prune_text(report: dict[str, Any]) -> str:
    """The report as lines: the snapshots, the artifacts and what of them could not be judged, the configurations."""
    texts = (_snapshots_text, _refused_text, _artifacts_text, _configurations_text)
    parts = [part for text in texts if (part := text(report))]
    return "\n\n".join(parts) or f"{report['environment']} stores no artifacts and no snapshots of deployments"


def _delete(environment: Environment, going: Going, head: Head, writer: Writer, progress: Progress) -> Going:
    """Delete all of it, and say what that was."""
    of_releases = artifacts.deletions(environment, going.releases, going.vetoed)
    others = (
        *snapshots.deletions(environment, going.snapshots),
        *configurations.deletions(environment, going.configurations),
    )
    delete_all(environment, (*others, *of_releases), head, writer, progress)
    return going


def _judged_snapshots(environment: Environment, head: Head, progress: Progress) -> tuple[Judgement[Snapshot], ...]:
    with progress.step(environment.name, "snapshots judged"):
        return snapshots.judge(environment, head)


def _judged_artifacts(
    environment: Environment, project: tuple[Environment, ...], head: Head, window: int, progress: Progress
) -> artifacts.Found:
    with progress.step(environment.name, "artifacts judged"):
        return artifacts.judge(environment, project, head, window)


def _judged_configurations(
    environment: Environment, head: Head, progress: Progress
) -> tuple[Judgement[Configured], ...]:
    with progress.step(environment.name, "configurations judged"):
        return configurations.judge(environment, head.state)


def _configurations_text(report: dict[str, Any]) -> str:
    found = report["configurations"]
    rows = [(one["name"], _becomes(one)) for one in found]
    going, gone = sum(one["goes"] for one in found), len(report["deleted_configurations"])
    said = _said(report, "configurations and versions of secrets", going, gone)
    return f"{table(('configuration', 'what becomes of it'), rows)}\n\n{said}" if found else ""


def _snapshots_text(report: dict[str, Any]) -> str:
    found = report["snapshots"]
    rows = [(one["name"], one["created"][:19], f"{one['size_gb']} GB", _becomes(one)) for one in found]
    shown = table(("snapshot", "begun (UTC)", "disk", "what becomes of it"), rows)
    going, gone = sum(one["goes"] for one in found), len(report["deleted_snapshots"])
    return f"{shown}\n\n{_said(report, 'snapshots', going, gone)}" if found else ""


def _artifacts_text(report: dict[str, Any]) -> str:
    found = report["releases"]
    rows = [(one["version"], _size(one["size"]), _becomes(one)) for one in found]
    going = [one for one in found if one["goes"]]
    room = _size(sum({one["digest"]: one["size"] for one in going}.values()))
    said = _said(report, f"artifacts ({room})", len(going), len(report["pruned"]))
    rest = "; their manifests and verdicts stay" if going and len(report["pruned"]) == len(going) else ""
    return f"{table(('release', 'size', 'what becomes of it'), rows)}\n\n{said}{rest}" if found else ""


def _refused_text(report: dict[str, Any]) -> str:
    """The releases that stay because nobody can tell what they are."""
    return "\n".join(f"{one['version']} is left as it is: {one['why']}" for one in report["refused"])


def _said(report: dict[str, Any], what: str, going: int, gone: int) -> str:
    """How it ended for snapshots or for artifacts, and what to do next."""
    if not going:
        return "nothing to prune"
    if not gone:
        return f"{going} {what} would go; delete them with: release prune {report['environment']} --yes"
    return f"pruned {gone} {what}" if gone == going else f"pruned {gone} of {going} {what}; run it again for the rest"


def _window(environment: Environment, keep: int | None) -> int:
    """How many verified releases to keep; a protected environment never keeps fewer than its stack file says."""
    stated = environment.settings.storage.keep_releases
    if keep is not None and keep < stated and environment.settings.protected:
        raise Refused(
            f"{environment.name} is protected and keeps at least {stated} releases",
            hint="change storage.keep_releases in its stack file, where it is reviewed",
        )
    return stated if keep is None else keep


def _release_word(judgement: Judgement[Candidate]) -> dict[str, Any]:
    candidate = judgement.candidate
    return {
        "version": candidate.version,
        "digest": candidate.digest,
        "size": candidate.size,
        **_becoming(judgement.reasons),
    }


def _snapshot_word(judgement: Judgement[Snapshot]) -> dict[str, Any]:
    snapshot = judgement.candidate
    return {
        "name": snapshot.name,
        "deployment": snapshot.tags["deployment"],
        "database": snapshot.database,
        "created": snapshot.created.isoformat(timespec="seconds") if snapshot.created else "",
        "status": snapshot.status,
        "size_gb": snapshot.size_gb,
        **_becoming(judgement.reasons),
    }


def _becoming(reasons: Sequence[str]) -> dict[str, Any]:
    return {"goes": not reasons, "because": list(reasons)}


def _becomes(word: dict[str, Any]) -> str:
    return "goes" if word["goes"] else f"stays: {', '.join(word['because'])}"


def _size(size: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
