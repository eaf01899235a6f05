"""Who built an artifact, from what and in which run: as options say it, or the variables that CI sets.

It is the builder's word about itself, signed with the manifest and checked by nobody: a trace for people.
"""

from collections.abc import Mapping

from release.process.text import bounded, without_login
from release.records.artifacts.manifest import Provenance


def provenance(environment: Mapping[str, str], *, builder: str | None, source: str | None, run: str) -> Provenance:
    """What the options say, and what GitHub Actions says where they are silent. ``run`` is the URL of the CI run."""
    server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    sources = without_login(f"{server}/{repository}") if server and repository else ""
    return Provenance(
        builder=builder if builder is not None else bounded(environment.get("GITHUB_WORKFLOW_REF", "")),
        source=source if source is not None else sources,
        run=run,
    )
