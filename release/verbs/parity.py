"""``release parity``: what differs between environments, and which setting of the stack files declares it."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import click

from contract.graph import Held, Resource
from release.call import Call, pass_call
from release.doors.recordings import Recordings
from release.environment import Environment
from release.process.errors import Broken, Inconclusive, Refused, WrongUsage
from release.process.output import Progress, table
from release.rules.graph import Graph, Identity, exported, graph
from release.rules.parity import Judged, differing, judged, strays
from settings.model import Settings

HEADINGS = ("here", "there", "resource", "input", "value here", "value there", "declared by")
UNDECLARED = "UNDECLARED"
NOT_SETTINGS = {"project", "environment"}  # known from elsewhere, so they declare nothing
LONGEST = 40


@click.command("parity")
@click.option("--live", is_flag=True, help="Also compare each stack with its program.")
@pass_call
def command(call: Call, live: bool) -> None:
    """Show how environments differ, and by which settings.

    Works on what the program would declare, without an account, and changes nothing.

    Refused (3) when no setting declares a difference; inconclusive (4) when, with --live, a stack could not be read.

    \b
    Example: release parity
    """
    report = parity(call, live=live)
    call.show(report, parity_text(report))
    refuse_undeclared(report)


def parity(call: Call, *, live: bool) -> dict[str, Any]:
    """Compare each environment with the one before it in promotion order; ``live``: and each stack with its program."""
    project, progress = call.project, call.progress
    names = project.environments
    if len(names) < 2:
        raise WrongUsage("there are no two environments to compare", hint="run it in the project, or give --project")
    settings = [project.load(name) for name in names]
    unasked: dict[str, str] = {}
    with Recordings(project) as recordings:
        found = [entry for here, there in pairwise(settings) for entry in _compared(recordings, here, there, progress)]
        for name in names if live else ():
            try:
                found += _strayed(recordings, call.opened(name, engine=True), progress)
            except (Broken, Inconclusive) as error:
                unasked[name] = str(error)
    return {
        "environments": list(names),
        "live": live,
        "differences": found,
        "undeclared": sum(1 for entry in found if not entry["declared_by"]),
        "unasked": [{"environment": name, "why": why} for name, why in unasked.items()],
    }


def refuse_undeclared(report: dict[str, Any]) -> None:
    """Refused when anything differs that no setting declares; Inconclusive when a stack could not be read."""
    if report["undeclared"]:
        raise Refused(
            f"undeclared differences between environments: {report['undeclared']}",
            hint="make what differs a setting, or remove the difference",
        )
    if report["unasked"]:
        stacks = ", ".join(entry["environment"] for entry in report["unasked"])
        raise Inconclusive(f"these stacks could not be read: {stacks}", hint="mend that, or compare without --live")


def parity_text(report: dict[str, Any]) -> str:
    """The differences as a table, undeclared ones first, and their number."""
    rows = [_row(entry) for entry in sorted(report["differences"], key=lambda entry: bool(entry["declared_by"]))]
    declared = len(rows) - report["undeclared"]
    summary = f"{', '.join(report['environments'])}: {report['undeclared']} undeclared, {declared} declared"
    unasked = [f"not read: {entry['environment']}: {entry['why']}" for entry in report["unasked"]]
    return "\n".join([*([table(HEADINGS, rows)] if rows else []), *unasked, summary])


def _compared(recordings: Recordings, here: Settings, there: Settings, progress: Progress) -> Iterator[dict[str, Any]]:
    theirs = differing(
        here.model_dump(mode="json", exclude=NOT_SETTINGS), there.model_dump(mode="json", exclude=NOT_SETTINGS)
    )
    with progress.step(there.environment, f"compared with {here.environment}"):
        found = judged(
            _recorded(recordings, here, {}),
            _recorded(recordings, there, {}),
            theirs,
            partial(_with_settings_of, recordings, here, theirs),
        )
    yield from (_entry(here.environment, there.environment, one) for one in found)


def _recorded(recordings: Recordings, settings: Settings, changes: Mapping[str, Any]) -> Graph:
    return graph(recordings.resources(settings.environment, changes), Identity.of(settings))


def _with_settings_of(
    recordings: Recordings, here: Settings, theirs: Mapping[str, Any], keys: frozenset[str]
) -> Graph | None:
    """The graph of ``here`` with some of their settings; None where the program refuses that mixture."""
    changes = {key: theirs[key] for key in sorted(keys)}
    network, account = theirs.get("network.cidr"), theirs.get("account")
    identity = Identity(
        project=here.project,
        environment=here.environment,
        account=account if "account" in keys and account else here.account,
        cidr=network if "network.cidr" in keys and network else here.network.cidr,
    )
    try:
        return graph(recordings.resources(here.environment, changes), identity)
    except Broken:
        return None


def _strayed(recordings: Recordings, environment: Environment, progress: Progress) -> list[dict[str, Any]]:
    """What a stack holds otherwise than the program would declare it now, for what its ledger says."""
    name, identity = environment.name, Identity.of(environment.settings)
    with progress.step(name, "stack compared with its program"):
        stack = graph(_stack_resources(environment), identity)
        program = graph(recordings.resources(name, slots=_slots(environment)), identity)
        found = strays(stack, program)
    return [_entry(f"{name} (stack)", name, Judged(difference=one, declared_by=())) for one in found]


def _stack_resources(environment: Environment) -> list[Resource]:
    there = environment.stack.exists()
    resources = exported(json.loads(environment.stack.export()).get("deployment") or {}) if there else []
    if not resources:
        raise Inconclusive(
            f"{environment.name} has not come up, so there is no stack to compare",
            hint=f"run pulumi up --stack {environment.name}, or compare without --live",
        )
    return resources


def _slots(environment: Environment) -> Held:
    state = environment.ledger.head().state
    return Held(blue=state.blue is not None, green=state.green is not None, declared=state.declared)


def _entry(here: str, there: str, one: Judged) -> dict[str, Any]:
    difference = one.difference
    kind, name = difference.resource
    return {
        "here": here,
        "there": there,
        "type": kind,
        "resource": name,
        "input": difference.input,
        "value_here": difference.here,
        "value_there": difference.there,
        "declared_by": list(one.declared_by),
    }


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    here, there = _shown(entry["value_here"], entry["value_there"])
    declared = " + ".join(entry["declared_by"]) or UNDECLARED
    resource = f"{entry['resource']} ({entry['type'].rsplit(':', 1)[-1]})"
    return (entry["here"], entry["there"], resource, entry["input"], here, there, declared)


def _shown(here: Any, there: Any) -> tuple[str, str]:
    """Two values in one short line each, from where they begin to differ."""
    texts = (repr(here) if not isinstance(here, str) else here, repr(there) if not isinstance(there, str) else there)
    same = next((place for place, (one, other) in enumerate(zip(*texts, strict=False)) if one != other), 0)
    start = max(0, same - LONGEST // 2) if max(map(len, texts)) > LONGEST else 0
    first, second = (_cut(text, start) for text in texts)
    return first, second


def _cut(text: str, start: int) -> str:
    part = " ".join(text[start : start + LONGEST].split())
    return f"{'…' if start else ''}{part}{'…' if start + LONGEST < len(text) else ''}"
