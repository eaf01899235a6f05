"""``release veto V --reason R``: keep a release out of every environment until a person lifts that.

It stands in each environment, because none depends on another; where it could not be written is said. A veto is of
bytes: of all that any environment knows under the version, so that none is meant that another one does not have.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from release.call import Call, lift_option, pass_call, reason_option
from release.doors.aws.session import is_not_found
from release.environment import Environment
from release.process.errors import Broken, Refused, StagelineError
from release.project import names_in, open_each
from release.records.artifacts.manifest import checked_version
from release.records.ledger.head import State
from release.records.ledger.stops import Cause, Rule, Stops, refuse_changed, vetoed, vetoes_of, without_veto
from settings.stackfile import Project

Told = dict[str, Any]


@click.command("veto")
@click.argument("version")
@reason_option
@lift_option
@pass_call
def command(call: Call, version: str, reason: str, lift: bool) -> None:
    """Keep the release VERSION out of every environment.

    Until a person lifts that. It is of all bytes that any environment knows under that version, takes no lease, and is
    written wherever it can be. Whoever has the release already keeps it: `rollback` takes users back.

    Broken (1), naming the others, when it could not be everywhere. Refused (3) for what was never published, for what
    is vetoed already, and, with --lift, for what is not.

    \b
    Example: release veto 1.4.0 --reason "it loses rows"
    """
    report = (lift_veto if lift else veto)(call, version, reason=reason)
    call.show(report, veto_text(report, lifted=lift))
    refuse_failed(report)


def veto(call: Call, version: str, *, reason: str) -> Told:
    """Where it stands from now on, and where it could not be written. Refused for what was never published."""
    checked_version(version)
    opened, closed = open_each(call.project, names_in(call.project))
    digests, unread = _digests(call.project, opened, version)

    def rule(environment: Environment, before: Stops) -> Rule:
        cause = Cause(reason=reason, by=environment.identify(call.ci).principal, at=environment.ledger.now())
        return lambda stops: with_vetoes(stops, cause, version, digests)

    told = {"release": version, "digests": list(digests), "reason": reason}
    report = _everywhere(opened, closed, "veto set", rule, told, call.ci) | {"unread": unread}
    if not any(report[key] for key in ("changed", "failed", "unread")):
        raise Refused(f"{version} is vetoed already", hint="see: release status")
    return report


def lift_veto(call: Call, version: str, *, reason: str) -> Told:
    """Lift it wherever it stands. Refused when it stands nowhere."""
    checked_version(version)
    opened, closed = open_each(call.project, names_in(call.project))

    def rule(environment: Environment, before: Stops) -> Rule:
        return lambda stops: _lifted(stops, before, version)

    report = _everywhere(opened, closed, "veto lifted", rule, {"release": version, "reason": reason}, call.ci)
    if not report["changed"] and not report["failed"]:
        raise Refused(f"{version} is not vetoed", hint="see: release status")
    return report


def veto_text(report: Told, *, lifted: bool) -> str:
    """The same in a line for each outcome."""
    where = ", ".join(report["changed"]) or "no environment"
    lines = [f"{report['release']} is {'no longer vetoed' if lifted else 'vetoed'} in {where}"]
    lines += [f"not written in {name}: {why}" for name, why in report["failed"].items()]
    lines += [f"{name} may know other bytes of it: {why}" for name, why in report.get("unread", {}).items()]
    return "\n".join(lines)


def refuse_failed(report: Told) -> None:
    """Broken where an environment could not be written, or not asked for its bytes: they may go live there."""
    failed = {**report.get("unread", {}), **report["failed"]}
    if failed:
        where, why = ", ".join(failed), next(iter(failed.values()))
        raise Broken(
            f"the veto of {report['release']} is not whole in {where}: {why}",
            hint="when that is mended, run it again",
        )


def with_vetoes(stops: Stops, cause: Cause, version: str, digests: Sequence[str]) -> Stops:
    """With a veto of each of these bytes under this version."""
    for digest in digests:
        stops = vetoed(stops, cause, release=version, digest=digest)
    return stops


def digests_in(state: State, version: str) -> Iterator[str]:
    """The bytes that HEAD knows under a version."""
    opened = state.open
    holders = (state.blue, state.green, state.live, state.previous, opened, opened and opened.former.content)
    return (one.digest for one in holders if one is not None and one.release == version and one.digest)


def _digests(project: Project, opened: Sequence[Environment], version: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """All bytes that any environment knows under a version, and which one could not be asked for all of its own, why.

    Where none knows any, what the first one says to that: releases enter there.
    """
    found: dict[str, None] = {}
    unread: dict[str, str] = {}
    for environment in opened:
        try:
            for digest in _known(environment, version):
                found[digest] = None
        except StagelineError as error:
            if not is_not_found(error):
                unread[environment.name] = str(error)
    return tuple(found) or _said_of_unknown(project, opened, version), unread


def _known(environment: Environment, version: str) -> Iterator[str]:
    """The bytes that an environment knows under a version: by HEAD, by its index, by its signed manifest."""
    yield from digests_in(environment.ledger.head().state, version)
    if known := environment.ledger.known(version):
        yield known.digest
    if environment.releases.exist() and (manifest := environment.releases.find(version)):
        yield manifest.digest


def _said_of_unknown(project: Project, opened: Sequence[Environment], version: str) -> tuple[str, ...]:
    if not opened:
        raise Broken("no stack file can be read, so nothing can be vetoed", hint="see: release status")
    first = next((one for one in opened if one.name == project.first), opened[0])
    return (first.releases.get(version).digest,)


def _lifted(stops: Stops, read: Stops, version: str) -> Stops:
    """Without the vetoes of a release. Refused where they are no longer those that were read."""
    refuse_changed(vetoes_of(stops, version), vetoes_of(read, version), f"the veto of {version}")
    return without_veto(stops, version)


def _everywhere(
    opened: Sequence[Environment],
    failed: dict[str, str],
    kind: str,
    rule: Callable[[Environment, Stops], Rule],
    told: Told,
    ci: str,
) -> Told:
    """Change what stands in every environment that can be asked; ``failed`` are those that cannot be opened."""
    changed: list[str] = []
    for environment in opened:
        try:
            before = environment.stops.read()
            writer = environment.identify(ci)
            after = environment.stops.change(kind, rule(environment, before), writer, told)
        except StagelineError as error:
            if not is_not_found(error):  # else it is not initialised, and nothing can go live there
                failed[environment.name] = str(error)
            continue
        if after != before:
            changed.append(environment.name)
    return {**told, "changed": changed, "failed": failed}
