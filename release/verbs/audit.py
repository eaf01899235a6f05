"""``release audit``: is a ledger whole, and is an exported file what it was when it was signed?

What was changed is listed entry by entry. Nothing is ever repaired: what was there cannot be known from here.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from release.call import Call, any_environment_argument, pass_call
from release.doors.aws.keys import SigningKey
from release.environment import Environment, open_environment
from release.process.errors import Broken, StagelineError, WrongUsage
from release.records.ledger.audit import PROOF, Proof, file_faults, ledger_faults, read_proof
from settings.stackfile import Project


@click.command("audit")
@any_environment_argument
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Check this export by the proof beside it; with ENVIRONMENT also against its key and ledger.",
)
@pass_call
def command(call: Call, name: str | None, file: Path | None) -> None:
    """Tell which entries of a ledger were changed or are missing.

    Cut off, edited, reordered, added or deleted. Nothing is repaired: what was there cannot be known from here. With
    --file it is an export that is judged, by the proof beside it, without AWS where no ENVIRONMENT is named.

    Broken (1) when anything was changed.

    \b
    Example: release audit prod
    Example: release audit --file prod-2026-11.jsonl
    """
    if file is not None:
        report = audit_file(call.project, name, file)
        call.show(report, audit_file_text(report))
        refuse_file_faults(report)
    elif name is not None:
        report = audit(call.project, name)
        call.show(report, audit_text(report))
        refuse_faults(report)
    else:
        raise WrongUsage("there is nothing to audit", hint="name an environment, or give a --file")


def audit(project: Project, name: str) -> dict[str, Any]:
    """How many events an environment's ledger has by HEAD, how many changes of stops, and what is wrong with which.

    The index is compared with the events.
    """
    environment = open_environment(project, name)
    head, items, faults = environment.ledger.checked()
    index = environment.ledger.index_faults(head, items, _published(environment))
    stops, _, others = environment.stops.checked()
    told = [asdict(fault) for fault in (*faults, *index, *others)]
    return {"environment": name, "events": head.seq + 1, "stops": stops.seq + 1, "faults": told}


def _published(environment: Environment) -> tuple[str, ...]:
    """The releases that the index could know beside those of the events; none where S3 cannot be asked."""
    with suppress(StagelineError):
        return environment.releases.versions()
    return ()


def audit_text(report: dict[str, Any]) -> str:
    """The report as lines, one for each fault."""
    if report["faults"]:
        return "\n".join(fault["text"] for fault in report["faults"])
    stops = f" and the {_counted_as(report['stops'], 'change')} of its stops" if report["stops"] else ""
    return f"the {report['events']} events of {report['environment']}{stops} are whole"


def refuse_faults(report: dict[str, Any]) -> None:
    """Broken when there is any fault."""
    if report["faults"]:
        raise Broken(
            f"the ledger of {report['environment']} was changed ({_counted(report['faults'])})",
            hint="compare it with an export or a backup of the table; nothing was repaired",
        )


def audit_file(project: Project, name: str | None, file: Path) -> dict[str, Any]:
    """What an exported file is by its proof, and what is wrong with it.

    With an environment the proof is also compared with that environment's key and ledger. Without one nothing but
    the two files is read.
    """
    data, proof = _read(file), read_proof(_read(file.with_name(file.name + PROOF)))
    faults = file_faults(file.name, data, proof)
    if name is not None:
        faults += _differences(project, name, proof)
    return {
        **{key: value for key, value in asdict(proof).items() if key != "public_key"},
        "file": str(file),
        "fingerprint": proof.fingerprint,
        "compared_with": name,
        "faults": list(faults),
    }


def audit_file_text(report: dict[str, Any]) -> str:
    """The report as lines: whose history it is, what is wrong with it, and what the proof rests on."""
    whose = f"{report['project']}/{report['environment']}/{report['account']}"
    stops = f" and stops 0 to {report['stops_seq']}" if report["stops_seq"] >= 0 else ""
    first = f"{report['file']}: events 0 to {report['seq']}{stops} of {whose}, signed at {report['at']}"
    return "\n".join((first, *report["faults"], *_rests_on(report)))


def refuse_file_faults(report: dict[str, Any]) -> None:
    """Broken when there is any fault."""
    if report["faults"]:
        raise Broken(
            f"{report['file']} is not what was signed ({_counted(report['faults'])})", hint="do not rely on it"
        )


def _differences(project: Project, name: str, proof: Proof) -> tuple[str, ...]:
    environment = open_environment(project, name)
    key = SigningKey(environment.session, environment.settings.names.signing_alias)
    head, text = environment.ledger.head(), environment.ledger.text(proof.seq)
    stop = environment.stops.text(proof.stops_seq) if proof.stops_seq >= 0 else None
    return ledger_faults(proof, head, text, stop, key.public_key())


def _rests_on(report: dict[str, Any]) -> tuple[str, ...]:
    key = f"public key: sha256 {report['fingerprint']}"
    if report["compared_with"]:
        return (f"{key}, compared with that of {report['compared_with']}",)
    return (key, "the key came with the file: compare this fingerprint with one that you got from elsewhere")


def _counted(faults: Sequence[Any]) -> str:
    return _counted_as(len(faults), "fault")


def _counted_as(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Broken(f"cannot read {file}: {error.strerror}", hint="the proof is kept beside the export") from None
