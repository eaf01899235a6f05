"""`release audit`: what was changed in a ledger (row 15), and whether an export is what was signed."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from release import cli
from release.doors.aws.keys import SigningKey
from release.process.canonical import sha256_hex
from release.process.errors import Broken, Refused, WrongUsage
from release.process.signature import sign_document
from release.records.ledger.head import State
from release.records.ledger.index import LIVE, Known, Lived, known_json
from release.records.ledger.ledger import Entry
from release.records.ledger.stops import Cause, held
from release.verbs.audit import audit, audit_file, audit_file_text, audit_text, refuse_faults, refuse_file_faults
from release.verbs.history import export
from settings.stackfile import Project
from tests.aws_clients import aws_client, aws_resource
from tests.project import PROJECT
from tests.release.deploying import CALL, put
from tests.release.world import OPS, STAGELINE, World

NOTE = Entry(kind="note", state=State())


def note(world: World, times: int) -> None:
    with world.dev.ledger.begin(NOTE, world.dev.ledger.head(), OPS) as holder:
        for _ in range(times - 1):
            holder.record(NOTE)


def table(world: World) -> Any:
    return aws_resource("dynamodb").Table(world.dev.ledger.table.name)


def item(world: World, seq: int, kind: str = "EVENT") -> dict[str, Any]:
    found: dict[str, Any] = table(world).get_item(Key={"kind": kind, "seq": seq})["Item"]
    return found


def edit(world: World, seq: int, **values: object) -> None:
    before = item(world, seq)
    table(world).put_item(Item={**before, "body": json.dumps({**json.loads(before["body"]), **values})})


@pytest.fixture
def exported(world: World, tmp_path: Path) -> Callable[[str], Path]:
    """The history of dev, events 0 to 4, as a file."""
    note(world, 4)

    def write(suffix: str) -> Path:
        file = tmp_path / f"dev{suffix}"
        export(CALL, "dev", file)
        return file

    return write


def test_a_whole_ledger_is_told_with_its_number_of_events(world: World) -> None:
    note(world, 4)
    report = audit(STAGELINE, "dev")
    assert audit_text(report) == "the 5 events of dev are whole"
    refuse_faults(report)


def hold(world: World) -> None:
    cause = Cause(reason="what was that?", by="ann", at=world.clock())
    world.dev.stops.change("hold set", lambda stops: held(stops, cause), OPS, {})


def test_the_changes_of_stops_are_counted_beside_the_events(world: World) -> None:
    hold(world)
    report = audit(STAGELINE, "dev")
    assert audit_text(report) == "the 1 events of dev and the 1 change of its stops are whole"


def test_a_hold_that_was_taken_away_by_hand_is_a_fault_like_any(world: World) -> None:
    hold(world)
    stops = item(world, 0, "STOPS")
    table(world).put_item(Item={**stops, "body": json.dumps({**json.loads(stops["body"]), "hold": None})})
    report = audit(STAGELINE, "dev")
    assert audit_text(report) == "STOPS was changed: its content is not that of stop 0"
    with pytest.raises(Broken, match=r"the ledger of dev was changed \(1 fault\)"):
        refuse_faults(report)


def test_every_change_has_a_line_and_the_end_is_one_refusal(world: World) -> None:
    note(world, 8)
    edit(world, 2, by="somebody else")
    table(world).delete_item(Key={"kind": "EVENT", "seq": 4})
    table(world).put_item(Item={**item(world, 6), "body": "rubbish"})
    report = audit(STAGELINE, "dev")
    assert [line.split(":")[0] for line in audit_text(report).splitlines()] == [
        "event 2 or event 3 was edited",
        "event 4 is missing",
        "event 6 was edited",
    ]
    with pytest.raises(Broken, match=r"the ledger of dev was changed \(3 faults\).*nothing was repaired"):
        refuse_faults(report)


def test_auditing_repairs_nothing(world: World) -> None:
    note(world, 3)
    edit(world, 2, by="somebody else")
    before = table(world).scan()["Items"]
    audit(STAGELINE, "dev")
    assert table(world).scan()["Items"] == before


def test_the_command_lists_faults_on_stdout_and_ends_as_broken(world: World) -> None:
    note(world, 3)
    edit(world, 2, by="somebody else")
    done = run("dev", "--json")
    assert json.loads(done.stdout)["faults"] == [
        {
            "kind": "edited",
            "seq": 2,
            "through": None,
            "text": "event 2 was edited: its hash is not the one that event 3 carries",
            "of": "event",
        }
    ]
    assert isinstance(done.exception, Broken)


def test_without_environment_or_file_there_is_nothing_to_audit() -> None:
    assert isinstance(run().exception, WrongUsage)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_an_export_is_checked_without_aws_and_says_that_the_key_came_with_it(
    exported: Callable[[str], Path], suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = exported(suffix)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    report = audit_file(Project(Path("nowhere")), None, file)
    assert report["faults"] == []
    assert f"public key: sha256 {report['fingerprint']}" in audit_file_text(report)
    assert "the key came with the file: compare this fingerprint" in audit_file_text(report)


def test_the_fingerprint_is_that_of_the_environments_key(exported: Callable[[str], Path], world: World) -> None:
    key = aws_client("kms").get_public_key(KeyId=world.dev.settings.names.signing_alias)["PublicKey"]
    assert audit_file(STAGELINE, None, exported(".csv"))["fingerprint"] == sha256_hex(key)


def test_an_edited_event_of_an_export_is_named(exported: Callable[[str], Path]) -> None:
    file = exported(".jsonl")
    file.write_bytes(file.read_bytes().replace(rb"user/ops", rb"user/nobody", 1))
    report = audit_file(STAGELINE, None, file)
    assert report["faults"] == [
        "the file is not the one that was signed: its SHA-256 is another",
        "event 0 was edited: its hash is not the one that event 1 carries",
    ]
    with pytest.raises(Broken, match=r"is not what was signed \(2 faults\)"):
        refuse_file_faults(report)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param(lambda lines: lines[:-1], "event 4 is missing: the end was cut off, HEAD is at event 4", id="cut"),
        pytest.param(lambda lines: [*lines[:2], *lines[3:]], "event 2 is missing: event 3 follows", id="deleted"),
        pytest.param(lambda lines: [b"{}", *lines[1:]], "event 0 was edited", id="unreadable"),
        pytest.param(lambda lines: [], "events 0 to 4 are missing", id="empty"),
    ],
)
def test_what_was_done_to_the_lines_of_an_export_is_named(
    exported: Callable[[str], Path], change: Callable[[list[bytes]], list[bytes]], fault: str
) -> None:
    file = exported(".jsonl")
    file.write_bytes(b"\n".join(change(file.read_bytes().splitlines())))
    assert audit_file(STAGELINE, None, file)["faults"][1].startswith(fault)


def test_an_edited_table_is_found_by_its_digest(exported: Callable[[str], Path]) -> None:
    file = exported(".csv")
    file.write_bytes(file.read_bytes().replace(b"note", b"nota", 1))
    assert audit_file(STAGELINE, None, file)["faults"] == [
        "the file is not the one that was signed: its SHA-256 is another"
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"seq": 3}, "does not match its signature", id="edited"),
        pytest.param({"environment": "prod"}, "does not match its signature", id="another-environment"),
        pytest.param({"public_key": "rubbish"}, "the proof is not readable", id="no-key"),
        pytest.param({"surprise": 1}, "the proof is not readable", id="another-part"),
    ],
)
def test_a_proof_that_was_changed_is_refused(exported: Callable[[str], Path], change: dict[str, Any], why: str) -> None:
    file = exported(".jsonl")
    proof = Path(f"{file}.proof.json")
    signed = json.loads(proof.read_bytes())
    proof.write_text(json.dumps({**signed, "document": {**signed["document"], **change}}))
    with pytest.raises(Refused, match=why):
        audit_file(STAGELINE, None, file)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"document": ' + "[" * 100_000, id="nested"),
        pytest.param('{"document": {}, "document": {}}', id="twice"),
        pytest.param('{"document": NaN}', id="no-number"),
        pytest.param('["document"]', id="no-object"),
        pytest.param("", id="empty"),
    ],
)
def test_a_proof_that_cannot_be_meant_is_refused(exported: Callable[[str], Path], text: str) -> None:
    file = exported(".jsonl")
    Path(f"{file}.proof.json").write_text(text)
    with pytest.raises(Refused, match="the proof is not readable; give the file that was written beside the export"):
        audit_file(STAGELINE, None, file)


def test_an_export_without_its_proof_cannot_be_checked(exported: Callable[[str], Path]) -> None:
    file = exported(".jsonl")
    Path(f"{file}.proof.json").unlink()
    with pytest.raises(Broken, match=r"cannot read .*proof\.json: No such file"):
        audit_file(STAGELINE, None, file)


def test_with_the_environment_its_key_and_its_event_are_compared(exported: Callable[[str], Path], world: World) -> None:
    file = exported(".jsonl")
    note(world, 2)
    report = audit_file(STAGELINE, "dev", file)
    assert (report["faults"], report["compared_with"]) == ([], "dev")
    assert "compared with that of dev" in audit_file_text(report)


def test_an_export_of_another_environment_is_told(exported: Callable[[str], Path]) -> None:
    report = audit_file(STAGELINE, "qa", exported(".jsonl"))
    assert report["faults"] == ["the proof is of stageline/dev/123456789012, not of stageline/qa/123456789012"]


@pytest.mark.moto
def test_a_proof_that_was_signed_with_a_key_of_ones_own_is_told(exported: Callable[[str], Path], world: World) -> None:
    file, kms = exported(".jsonl"), aws_client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName=world.dev.settings.names.signing_alias, TargetKeyId=key)
    assert audit_file(STAGELINE, "dev", file)["faults"] == [
        "the proof was signed with another key than the one dev has now"
    ]


def test_a_ledger_that_was_written_anew_since_the_export_is_told(exported: Callable[[str], Path], world: World) -> None:
    """What no chain shows by itself: everything from an event on was replaced, HEAD too."""
    file = exported(".jsonl")
    edit(world, 4, by="somebody else")
    assert audit_file(STAGELINE, "dev", file)["faults"] == [
        "event 4 of the ledger is not what it was when the file was written"
    ]
    table(world).delete_item(Key={"kind": "EVENT", "seq": 4})
    assert audit_file(STAGELINE, "dev", file)["faults"] == [
        "the ledger has no event 4 any more, which was its last when the file was written"
    ]


@pytest.fixture
def with_stops(world: World, tmp_path: Path) -> Path:
    """The history of dev with events 0 and 1, and stops 0 to 2."""
    note(world, 1)
    hold(world)
    lift(world)
    hold(world)
    file = tmp_path / "dev.jsonl"
    export(CALL, "dev", file)
    return file


def lift(world: World) -> None:
    world.dev.stops.change("hold lifted", lambda stops: stops.but(hold=None), OPS, {})


def test_the_stops_of_an_export_are_told_and_compared_like_its_events(with_stops: Path, world: World) -> None:
    report = audit_file(STAGELINE, "dev", with_stops)
    assert report["faults"] == []
    assert audit_file_text(report).startswith(f"{with_stops}: events 0 to 1 and stops 0 to 2 of stageline/dev/")
    lift(world)
    assert audit_file(STAGELINE, "dev", with_stops)["faults"] == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param(lambda lines: lines[:-1], "stop 2 is missing: the end was cut off, STOPS is at stop 2", id="cut"),
        pytest.param(lambda lines: [*lines[:3], lines[4]], "stop 1 is missing: stop 2 follows", id="deleted"),
        pytest.param(lambda lines: [*lines[:3], b"{}", lines[4]], "stop 1 was edited", id="unreadable"),
        pytest.param(lambda lines: [*lines[:2], *lines[3:]], "stop 0 is missing", id="the-first"),
        pytest.param(lambda lines: lines[:2], "stops 0 to 2 are missing", id="all"),
        pytest.param(
            lambda lines: [*lines[:3], lines[3].replace(b"user/ops", b"user/nobody"), lines[4]],
            "stop 1 was edited: its hash is not the one that stop 2 carries",
            id="edited",
        ),
    ],
)
def test_what_was_done_to_the_stops_of_an_export_is_named(
    with_stops: Path, change: Callable[[list[bytes]], list[bytes]], fault: str
) -> None:
    with_stops.write_bytes(b"\n".join(change(with_stops.read_bytes().splitlines())))
    _, *faults = audit_file(STAGELINE, None, with_stops)["faults"]
    assert [one.startswith(fault) for one in faults] == [True]


def test_stops_that_were_written_anew_since_the_export_are_told(with_stops: Path, world: World) -> None:
    stop = item(world, 2, "STOP")
    table(world).put_item(Item={**stop, "body": stop["body"].replace("user/ops", "user/nobody")})
    assert audit_file(STAGELINE, "dev", with_stops)["faults"] == [
        "stop 2 of the ledger is not what it was when the file was written"
    ]
    table(world).delete_item(Key={"kind": "STOP", "seq": 2})
    assert audit_file(STAGELINE, "dev", with_stops)["faults"] == [
        "the ledger has no stop 2 any more, which was its last when the file was written"
    ]


def test_a_proof_from_before_stops_were_exported_is_read(exported: Callable[[str], Path], world: World) -> None:
    file = exported(".jsonl")
    proof = Path(f"{file}.proof.json")
    document = json.loads(proof.read_bytes())["document"]
    older = {key: value for key, value in document.items() if not key.startswith("stops_")}
    key = SigningKey(world.dev.session, world.dev.settings.names.signing_alias)
    proof.write_bytes(sign_document(older, kind="audit", environment="dev", key_name=key.alias, sign=key.sign))
    hold(world)
    assert audit_file(STAGELINE, "dev", file)["faults"] == []


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.release, ["--project", str(PROJECT), "audit", *arguments])


def lived(world: World) -> None:
    """1.0.0, 1.1.0, and back to 1.0.0: whole, and then an index that is to be changed."""
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    put(world, "1.0.0", kind="rollback")
    assert audit(STAGELINE, "dev")["faults"] == []


def rewrite(world: World, kind: str, seq: int = 0, **values: object) -> None:
    before = item(world, seq, kind)
    table(world).put_item(Item={**before, "body": json.dumps({**json.loads(before["body"]), **values})})


def forge(world: World) -> None:
    world.publish("6.6.6")
    said = Known(release="6.6.6", digest="6" * 64, artifact_key="k", live="dev-6", live_at="t", live_in=1)
    table(world).put_item(Item={"kind": "RELEASE#6.6.6", "seq": 0, "body": known_json(said)})


def note_life(world: World, seq: int) -> None:
    said = Lived(release="6.6.6", digest="6" * 64, deployment="dev-6", at="t")
    table(world).put_item(Item={"kind": LIVE, "seq": seq, "body": known_json(said)})


INDEX: dict[str, tuple[Callable[[World], None], str]] = {
    "forged": (forge, "RELEASE#6.6.6 was changed: no event says that dev-6 let it be live"),
    "other bytes": (
        lambda world: rewrite(world, "RELEASE#1.0.0", digest="6" * 64),
        r"RELEASE#1.0.0 was changed: event \d+ says what was live, and by which deployment",
    ),
    "another deployment": (
        lambda world: rewrite(world, "RELEASE#1.0.0", live="dev-6"),
        r"RELEASE#1.0.0 was changed: event \d+ says what was live, and by which deployment",
    ),
    "a life taken away": (
        lambda world: rewrite(world, "RELEASE#1.0.0", live=""),
        r"RELEASE#1.0.0 was changed: event \d+ says what was live, and by which deployment",
    ),
    "that it was left taken away": (
        lambda world: rewrite(world, "RELEASE#1.1.0", left=""),
        r"RELEASE#1.1.0 was changed: it does not say that dev-[-0-9a-f]+ left it",
    ),
    "spoilt": (
        lambda world: rewrite(world, "RELEASE#1.1.0", release=7),
        "RELEASE#1.1.0 was changed: what the ledger knows of 1.1.0 is not readable: release: .*",
    ),
    "a life of an event that tells of none": (
        lambda world: note_life(world, 1),
        "LIVE 1 was changed: event 1 does not say that 6.6.6 was live",
    ),
    "a life of no event": (
        lambda world: note_life(world, 999),
        "LIVE 999 was changed: event 999 does not say that 6.6.6 was live",
    ),
    "a life spoilt": (
        lambda world: table(world).put_item(Item={"kind": LIVE, "seq": 1, "body": "["}),
        "LIVE 1 was changed: an entry of what was live is not readable: .*",
    ),
}


@pytest.mark.parametrize(("change", "line"), INDEX.values(), ids=INDEX)
def test_row_15_what_the_index_says_otherwise_than_the_events_is_named(
    world: World, change: Callable[[World], None], line: str
) -> None:
    lived(world)
    change(world)
    report = audit(STAGELINE, "dev")
    assert re.fullmatch(line, audit_text(report)), audit_text(report)
    with pytest.raises(Broken, match=r"the ledger of dev was changed \(1 fault\)"):
        refuse_faults(report)


def test_what_was_live_before_there_was_an_index_need_not_be_in_it(world: World) -> None:
    lived(world)
    for kind in ("RELEASE#1.0.0", "RELEASE#1.1.0"):
        table(world).delete_item(Key={"kind": kind, "seq": 0})
    assert audit(STAGELINE, "dev")["faults"] == []
