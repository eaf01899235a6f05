"""The audit export: a ledger's whole history as a file, and the proof with which anybody checks it without AWS.

JSON Lines hold the very texts that are chained, so the file can be checked entry by entry: first the events, then the
changes of stops. CSV holds what fits into columns, for people and their spreadsheets. Beside either stands a proof: a
document that the environment's KMS key signed, with the SHA-256 of the file, number and hash of the last event and of
the last change of stops, and the public key. Whoever
checks it has to know from elsewhere that this is the environment's key: a forger would sign with another.
"""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization
from pydantic import ConfigDict, TypeAdapter, ValidationError

from release.process.canonical import canonical_json, sha256_hex
from release.process.errors import Refused, WrongUsage
from release.process.signature import sign_document, verify_document
from release.process.text import read_json
from release.records.ledger.chain import CHANGES, Fault, chain_faults, read_link
from release.records.ledger.event import Event, parse_event, text_hash, with_states
from release.records.ledger.head import Head, State
from release.records.ledger.stops import Change, Stops, parse_change

KIND = "audit"
PROOF = ".proof.json"
SUFFIXES = JSON_LINES, CSV = ".jsonl", ".csv"
COLUMNS = (
    *("seq", "at", "kind", "step", "deployment", "by", "host", "fence", "nonce"),
    *("live", "declared", "details", "previous", "hash"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run instead of showing it


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What is signed about an exported file: whose ledger, up to which event and which stop, and the file's bytes.

    ``stops_seq`` is -1 where nothing was ever stopped, and in proofs from before stops were exported.
    """

    project: str
    environment: str
    account: str
    seq: int
    hash: str
    sha256: str
    at: str
    public_key: str
    stops_seq: int = -1
    stops_hash: str = ""
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    @property
    def key(self) -> bytes:
        """The public key, DER."""
        return serialization.load_pem_public_key(self.public_key.encode()).public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def fingerprint(self) -> str:
        """What the key is known by: the SHA-256 of its DER form, 64 hex digits."""
        return sha256_hex(self.key)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a .jsonl export: an event or a change of stops as it is stored; the hash is that of its bytes."""

    seq: int
    hash: str
    event: str | None = None
    stop: str | None = None
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)


def refuse_suffix(name: str) -> None:
    """WrongUsage for a file name that does not say which format is meant."""
    if not name.endswith(SUFFIXES):
        raise WrongUsage(f"{name} ends with neither {' nor '.join(SUFFIXES)}", hint="the suffix says what is written")


def exported(name: str, texts: Sequence[str], changes: Sequence[str]) -> bytes:
    """The events 0, 1, 2 … and after them the changes of stops, as the content of a file of this ``name``."""
    if name.endswith(CSV):
        return _csv(texts, changes)
    events = (_json_line(seq, event=text) for seq, text in enumerate(texts))
    return b"".join((*events, *(_json_line(seq, stop=text) for seq, text in enumerate(changes))))


def prove(
    data: bytes, head: Head, stops: Stops, *, at: str, public_key: bytes, key_name: str, sign: Callable[[bytes], bytes]
) -> bytes:
    """The signed proof of an exported file."""
    proof = Proof(
        project=head.project,
        environment=head.environment,
        account=head.account,
        seq=head.seq,
        hash=head.hash,
        sha256=sha256_hex(data),
        at=at,
        public_key=_pem(public_key),
        stops_seq=stops.seq,
        stops_hash=stops.hash,
    )
    return sign_document(asdict(proof), kind=KIND, environment=head.environment, key_name=key_name, sign=sign)


def read_proof(data: bytes) -> Proof:
    """The proof, its signature checked with the key that it brings along; Refused when it does not fit."""
    try:
        claimed = _PROOF.validate_json(canonical_json(read_json(data)["document"]))
        verify_document(data, kind=KIND, environment=claimed.environment, public_key=claimed.key)
    except Refused as refusal:
        refusal.hint = "the proof was changed, or is of another file"
        raise
    except (ValidationError, ValueError, KeyError, TypeError):
        raise Refused("the proof is not readable", hint="give the file that was written beside the export") from None
    return claimed


def file_faults(name: str, data: bytes, proof: Proof) -> tuple[str, ...]:
    """What is wrong with an exported file by its proof; empty when nothing is."""
    faults = tuple(fault.text for fault in _chains_of(data, proof)) if name.endswith(JSON_LINES) else ()
    if sha256_hex(data) != proof.sha256:
        return ("the file is not the one that was signed: its SHA-256 is another", *faults)
    return faults


def ledger_faults(proof: Proof, head: Head, text: str | None, stop: str | None, public_key: bytes) -> tuple[str, ...]:
    """What a proof says otherwise than the ledger that it was taken from, whose event of that number has ``text``, and
    whose change of stops has the text ``stop``.
    """
    whose = (head.project, head.environment, head.account)
    if (proof.project, proof.environment, proof.account) != whose:
        return (f"the proof is of {proof.project}/{proof.environment}/{proof.account}, not of {'/'.join(whose)}",)
    faults = []
    if proof.key != public_key:
        faults.append(f"the proof was signed with another key than the one {head.environment} has now")
    faults += _last_faults(f"event {proof.seq}", text, proof.hash)
    if proof.stops_seq >= 0:
        faults += _last_faults(f"stop {proof.stops_seq}", stop, proof.stops_hash)
    return tuple(faults)


def _last_faults(name: str, text: str | None, hash: str) -> list[str]:
    """What became of an entry that was the last one of its chain."""
    if text is None:
        return [f"the ledger has no {name} any more, which was its last when the file was written"]
    changed = f"{name} of the ledger is not what it was when the file was written"
    return [changed] if text_hash(text) != hash else []


def _chains_of(data: bytes, proof: Proof) -> tuple[Fault, ...]:
    """The chains in a .jsonl file. A line that is not readable stands for an entry that is not, by its place."""
    lines = [_line(number, line, proof) for number, line in enumerate(data.split(b"\n")) if line]
    events = [read_link(line.seq, line.event) for line in lines if line.event is not None]
    stops = [read_link(line.seq, line.stop, parse=parse_change) for line in lines if line.stop is not None]
    return (
        *chain_faults(events, seq=proof.seq, hash=proof.hash),
        *chain_faults(stops, seq=proof.stops_seq, hash=proof.stops_hash, words=CHANGES),
    )


def _line(number: int, line: bytes, proof: Proof) -> Line:
    try:
        return _LINE.validate_json(line)
    except ValidationError:
        after = number - proof.seq - 1
        return Line(seq=number, hash="", event="") if after < 0 else Line(seq=after, hash="", stop="")


def _json_line(seq: int, **text: str) -> bytes:
    (said,) = text.values()
    return canonical_json({"seq": seq, **text, "hash": text_hash(said)}) + b"\n"


def _csv(texts: Sequence[str], changes: Sequence[str]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    events = with_states(parse_event(text, seq) for seq, text in enumerate(texts))
    writer.writerows(_row(event, state, text) for (event, state), text in zip(events, texts, strict=True))
    writer.writerows(_change_row(parse_change(text, seq), text) for seq, text in enumerate(changes))
    return out.getvalue().encode()


def _row(event: Event, state: State, text: str) -> dict[str, str]:
    live = state.live.release if state.live else None
    return _cells(event, text, {"live": live, "declared": state.declared})


def _change_row(change: Change, text: str) -> dict[str, str]:
    return _cells(change, text, {"seq": f"{CHANGES.entry} {change.seq}"})


def _cells(entry: Event | Change, text: str, more: dict[str, str | None]) -> dict[str, str]:
    values = {
        **{column: getattr(entry, column, None) for column in COLUMNS},
        "details": canonical_json(entry.details).decode(),
        "hash": text_hash(text),
        **more,
    }
    return {column: _cell(value) for column, value in values.items()}


def _cell(value: Any) -> str:
    """A value as text that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _pem(public_key: bytes) -> str:
    key = serialization.load_der_public_key(public_key)
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


_PROOF = TypeAdapter(Proof)
_LINE = TypeAdapter(Line)
