"""``release prune ENV``: which artifacts are needed no more, and with ``--yes`` their deletion."""

from pathlib import Path
from typing import Any

from release.artifacts.pruning import delete, judge
from release.artifacts.retention import Candidate, Judgement
from release.deployment.maintenance import idle_head
from release.environment import Environment, open_all, open_environment
from release.errors import Refused
from release.output import Progress, table


def prune(
    project_dir: Path, name: str, *, keep: int | None, really: bool, ci: str, progress: Progress
) -> dict[str, Any]:
    """What goes and what stays, and why; nothing is deleted unless ``really``."""
    environment = open_environment(project_dir, name)
    window = _window(environment, keep)
    writer = environment.identify(ci)
    head = idle_head(environment) if really else environment.ledger.head()
    with progress.step(name, "artifacts judged"):
        judgements = judge(environment, open_all(project_dir), head, window)
    going = [judgement.candidate for judgement in judgements if judgement.goes]
    gone = delete(environment, going, head, writer, progress) if really and going else ()
    return {
        "environment": name,
        "keep": window,
        "releases": [_word(judgement) for judgement in judgements],
        "pruned": [one.version for one in gone],
    }


def prune_text(report: dict[str, Any]) -> str:
    """The report as lines."""
    name, releases, pruned = report["environment"], report["releases"], report["pruned"]
    if not releases:
        return f"{name} stores no artifacts"
    rows = [(one["version"], _size(one["size"]), "goes" if one["goes"] else _why(one)) for one in releases]
    going = [one for one in releases if one["goes"]]
    room = _size(sum({one["digest"]: one["size"] for one in going}.values()))
    if not going:
        said = "nothing to prune"
    elif not pruned:
        said = f"{len(going)} would go ({room}); delete them with: release prune {name} --yes"
    elif len(pruned) < len(going):
        said = f"pruned {len(pruned)} of {len(going)}; run it again for the rest"
    else:
        said = f"pruned {len(pruned)} ({room}); their manifests and verdicts stay"
    return f"{table(('release', 'size', 'what becomes of it'), rows)}\n\n{said}"


def _window(environment: Environment, keep: int | None) -> int:
    """How many verified releases to keep; a protected environment never keeps fewer than its stack file says."""
    stated = environment.settings.storage.keep_releases
    if keep is not None and keep < stated and environment.settings.protected:
        raise Refused(
            f"{environment.name} is protected and keeps at least {stated} releases",
            hint="change storage.keep_releases in its stack file, where it is reviewed",
        )
    return stated if keep is None else keep


def _word(judgement: Judgement) -> dict[str, Any]:
    candidate: Candidate = judgement.candidate
    return {
        "version": candidate.version,
        "digest": candidate.digest,
        "size": candidate.size,
        "goes": judgement.goes,
        "because": list(judgement.reasons),
    }


def _why(word: dict[str, Any]) -> str:
    return f"stays: {', '.join(word['because'])}"


def _size(size: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
