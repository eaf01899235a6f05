"""``release history ENV``: what happened, newest first; or all of it as a file that is signed, for an audit."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from release.aws.keys import SigningKey
from release.environment import Environment, open_environment
from release.errors import Broken, Refused
from release.ledger.audit import PROOF, exported, prove, refuse_suffix
from release.ledger.head import Head
from release.ledger.search import Told, Wanted, found, merged, names_release
from release.ledger.stops import Stops
from release.output import Progress, table
from release.text import bounded

HEADINGS = ("seq", "when (UTC)", "what", "step", "deployment", "by", "why")

MOST_WHY = 120  # characters of a reason in the table: --json has all of it


def history(project_dir: Path, name: str, wanted: Wanted, *, limit: int) -> dict[str, Any]:
    """The newest ``limit`` entries that are wanted: events, and changes of stops, by their times.

    Those that cannot be read are told beside, and hide none of the others.
    """
    environment, spoilt = open_environment(project_dir, name), list[str]()
    environment.ledger.head()
    lines = found(_lines(environment, wanted.release, spoilt.append), wanted, limit)
    return {"environment": name, "events": [_word(told) for told in lines], "unreadable": spoilt}


def history_text(report: dict[str, Any]) -> str:
    """The report as a table, and what is missing in it."""
    shown = table(HEADINGS, [_row(event) for event in report["events"]])
    missing = (f"not shown: {why}; see: release verify {report['environment']}" for why in report["unreadable"])
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


def export(project_dir: Path, name: str, file: Path, *, progress: Progress) -> dict[str, Any]:
    """Write the whole history, events and changes of stops, into ``file`` and its proof beside it, both or neither.

    Refused when either is there. Broken for a ledger that was changed: nobody should sign it.
    """
    proof_file = file.with_name(file.name + PROOF)
    refuse_suffix(file.name)
    _refuse_existing(file, proof_file)
    environment = open_environment(project_dir, name)
    with progress.step(name, "history read and checked"):
        head, items, of_events = environment.ledger.checked()
        stops, changes, of_changes = environment.stops.checked()
    if faults := (*of_events, *of_changes):
        raise Broken(
            f"the ledger of {name} was changed, so it is not signed: {faults[0].text}",
            hint=f"see all with: release verify {name}",
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
