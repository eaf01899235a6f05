"""``release history ENV``: what happened, newest first; or all of it as a file that is signed, for an audit."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from release.call import Call, environment_argument, pass_call
from release.doors.aws.keys import SigningKey
from release.environment import Environment, open_environment
from release.process.errors import Broken, Refused, WrongUsage
from release.process.output import table
from release.process.text import bounded
from release.records.ledger.audit import PROOF, exported, prove, refuse_suffix
from release.records.ledger.head import Head
from release.records.ledger.search import Told, Wanted, found, merged, moment, names_release
from release.records.ledger.stops import Stops
from settings.stackfile import Project

HEADINGS = ("seq", "when (UTC)", "what", "step", "deployment", "by", "why")

MOST_WHY = 120  # characters of a reason in the table: --json has all of it
NO_FILTERS = ("name", "file", "as_json")  # of the options


@click.command("history")
@environment_argument
@click.option("--deployment", help="Only events of this deployment.")
@click.option("--release", "version", help="Only what concerns this release, with its deployments.")
@click.option("--kind", help="Only events of this kind, like `deployment failed`.")
@click.option("--by", help="Only events by this principal: its ARN, or the end of it.")
@click.option("--since", help="Only events from this UTC date or time on, like 2026-11-21.")
@click.option("--until", help="Only events up to this UTC date or time.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many events.")
@click.option(
    "--export",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all events into this new file (.jsonl or .csv) and a signed proof beside it.",
)
@pass_call
def command(call: Call, name: str, file: Path | None, limit: int, **filters: str | None) -> None:
    """Show what happened in ENVIRONMENT, newest first.

    Events of the ledger, and changes of what is stopped (`stop N`). With --export all of it goes into a file for an
    auditor, with a proof that `release audit --file` checks without AWS.

    Refused (3) where such a file is there already. Broken (1) for an export of a ledger that was changed: nobody should
    sign it.

    \b
    Example: release history prod --release 1.4.0 --since 2026-11-21
    Example: release history prod --export prod-2026-11.jsonl
    """
    if file is not None:
        _refuse_filters(click.get_current_context())
        done = export(call, name, file)
        told = f"{done['events']} events and {done['stops']} changes of stops in {file}, the proof in {done['proof']}"
        call.show(done, told)
        return
    report = history(call.project, name, _wanted(**filters), limit=limit)
    call.show(report, history_text(report))


def _refuse_filters(context: click.Context) -> None:
    """An export without some of the events could not be checked."""
    given = [
        name for name in context.params if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    others = [f"--{'release' if name == 'version' else name}" for name in given if name not in NO_FILTERS]
    if others:
        raise WrongUsage(f"--export writes the whole history, without {', '.join(others)}")


def _wanted(*, version: str | None, since: str | None, until: str | None, **same: str | None) -> Wanted:
    return Wanted(
        release=version,
        since=moment(since) if since else None,
        until=moment(until, end_of_day=True) if until else None,
        **same,
    )


def history(project: Project, name: str, wanted: Wanted, *, limit: int) -> dict[str, Any]:
    """The newest ``limit`` entries that are wanted: events, and changes of stops, by their times.

    Those that cannot be read are told beside, and hide none of the others.
    """
    environment, spoilt = open_environment(project, name), list[str]()
    environment.ledger.head()
    lines = found(_lines(environment, wanted.release, spoilt.append), wanted, limit)
    return {"environment": name, "events": [_word(told) for told in lines], "unreadable": spoilt}


def history_text(report: dict[str, Any]) -> str:
    """The report as a table, and what is missing in it."""
    shown = table(HEADINGS, [_row(event) for event in report["events"]])
    missing = (f"not shown: {why}; see: release audit {report['environment']}" for why in report["unreadable"])
    return "\n".join((shown, *missing))


def _lines(environment: Environment, release: str | None, spoilt: Callable[[str], None]) -> Iterator[Told]:
    """Everything, or all that concerns a release, the newest first."""
    changes = environment.stops.changes(spoilt=spoilt)
    if release is None:
        return merged(environment.ledger.readable(newest_first=True, spoilt=spoilt), changes)
    about = (change for change in changes if names_release(change, release))
    return merged(environment.ledger.of_release(release, spoilt=spoilt), about)


def _word(told: Told) -> dict[str, Any]:
    return {
        **told.entry.model_dump(),
        "log": told.log,
        "deployment": told.deployment,
        "step": told.step,
        "why": told.why,
    }


def export(call: Call, name: str, file: Path) -> dict[str, Any]:
    """Write the whole history, events and changes of stops, into ``file`` and its proof beside it, both or neither.

    Refused when either is there. Broken for a ledger that was changed: nobody should sign it.
    """
    proof_file = file.with_name(file.name + PROOF)
    refuse_suffix(file.name)
    _refuse_existing(file, proof_file)
    environment = call.opened(name)
    with call.progress.step(name, "history read and checked"):
        head, items, of_events = environment.ledger.checked()
        stops, changes, of_changes = environment.stops.checked()
    if faults := (*of_events, *of_changes):
        raise Broken(
            f"the ledger of {name} was changed, so it is not signed: {faults[0].text}",
            hint=f"see all with: release audit {name}",
        )
    data = exported(file.name, [item.body for item in items], [item.body for item in changes])
    _write_new({file: data, proof_file: _proof(environment, data, head, stops)})
    counted = {"events": len(items), "stops": len(changes)}
    return {"environment": name, **counted, "file": str(file), "proof": str(proof_file)}


def _proof(environment: Environment, data: bytes, head: Head, stops: Stops) -> bytes:
    key = SigningKey(environment.session, environment.settings.names.signing_alias)
    at = environment.ledger.now().isoformat(timespec="seconds")
    return prove(data, head, stops, at=at, public_key=key.public_key(), key_name=key.alias, sign=key.sign)


def _refuse_existing(*files: Path) -> None:
    for file in files:
        if file.exists():
            raise Refused(f"{file} is there already", hint="an export never overwrites: give another name")


def _write_new(contents: Mapping[Path, bytes]) -> None:
    """Write new files, all or none."""
    made: list[Path] = []
    try:
        for file, data in contents.items():
            with file.open("xb") as out:
                made.append(file)
                out.write(data)
    except BaseException as error:
        for file in made:
            file.unlink()
        if isinstance(error, OSError):
            raise Broken(f"cannot write {error.filename or made[-1]}: {error.strerror}") from None
        raise


def _row(event: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(event["seq"]) if event["log"] == "events" else f"stop {event['seq']}",
        event["at"][:19],
        event["kind"],
        event["step"] or "",
        event["deployment"] or "",
        event["by"].rsplit(":", 1)[-1],
        bounded(event["why"], MOST_WHY),
    )
