"""``release veto V --reason R``: keep a release out of every environment until a person lifts that.

It stands in each environment, because none depends on another; where it could not be written is said.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from release.artifacts.manifest import checked_version
from release.aws.session import is_not_found
from release.environment import Environment, open_each
from release.errors import Broken, Refused, StagelineError
from release.ledger.stops import Cause, Stops, vetoed, without_veto


def veto(project_dir: Path, version: str, *, reason: str, ci: str) -> dict[str, Any]:
    """Where it stands from now on, and where it could not be written. Refused for what was never published."""
    opened, _ = open_each(project_dir)
    digest = _digest(opened, checked_version(version))

    def one(environment: Environment) -> Callable[[Stops], Stops]:
        cause = Cause(reason=reason, by=environment.identify(ci).principal, at=environment.ledger.now())
        return lambda stops: vetoed(stops, cause, release=version, digest=digest)

    told = {"release": version, "digest": digest, "reason": reason}
    report = _everywhere(project_dir, "veto set", one, told, ci)
    if not report["changed"] and not report["failed"]:
        raise Refused(f"{version} is vetoed already", hint="see: release status")
    return report


def lift_veto(project_dir: Path, version: str, *, reason: str, ci: str) -> dict[str, Any]:
    """Lift it wherever it stands. Refused when it stands nowhere."""
    checked_version(version)
    told = {"release": version, "reason": reason}
    report = _everywhere(project_dir, "veto lifted", lambda _: lambda stops: without_veto(stops, version), told, ci)
    if not report["changed"] and not report["failed"]:
        raise Refused(f"{version} is not vetoed", hint="see: release status")
    return report


def veto_text(report: dict[str, Any], *, lifted: bool) -> str:
    """The same in a line for each outcome."""
    where = ", ".join(report["changed"]) or "no environment"
    lines = [f"{report['release']} is {'no longer vetoed' if lifted else 'vetoed'} in {where}"]
    lines += [f"not written in {name}: {why}" for name, why in report["failed"].items()]
    return "\n".join(lines)


def refuse_nowhere(report: dict[str, Any]) -> None:
    """Broken where it could be written in none of the environments."""
    if report["failed"] and not report["changed"]:
        why = next(iter(report["failed"].values()))
        raise Broken(f"the veto of {report['release']} could be written nowhere: {why}")


def _digest(opened: Sequence[Environment], version: str) -> str:
    """The release's bytes, by the first environment that can say: each that has it has its signed manifest.

    Where none can, what the first one said: releases enter there.
    """
    first: StagelineError | None = None
    for environment in opened:
        try:
            return environment.releases.get(version).digest
        except StagelineError as error:
            first = first or error
    raise first or Broken("no stack file can be read, so nothing can be vetoed", hint="see: release status")


def _everywhere(
    project_dir: Path,
    kind: str,
    rule: Callable[[Environment], Callable[[Stops], Stops]],
    told: dict[str, str],
    ci: str,
) -> dict[str, Any]:
    """Change what stands in every environment that can be asked."""
    changed: list[str] = []
    opened, failed = open_each(project_dir)
    for environment in opened:
        try:
            before = environment.stops.read()
            after = environment.stops.change(kind, rule(environment), environment.identify(ci), told)
        except StagelineError as error:
            if not is_not_found(error):  # else it is not initialised, and nothing can go live there
                failed[environment.name] = str(error)
            continue
        if after != before:
            changed.append(environment.name)
    return {**told, "changed": changed, "failed": failed}
