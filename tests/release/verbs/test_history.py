"""`release history`: the events that somebody asks for, and the export that is signed."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from release import cli
from release.process.errors import Broken, Refused, StagelineError, WrongUsage
from release.records.ledger.event import event_json
from release.records.ledger.head import Content, Former, Open, State
from release.records.ledger.ledger import Entry, Writer
from release.records.ledger.search import Wanted, moment
from release.records.ledger.stops import Cause, vetoed
from release.verbs.audit import audit_file
from release.verbs.history import export, history, history_text
from tests.aws_clients import aws_resource
from tests.project import PROJECT
from tests.release.deploying import CALL
from tests.release.world import OPS, STAGELINE, World

LEAD = Writer(principal="arn:aws:sts::123456789012:assumed-role/lead/jo", host="laptop", ci="")
EVERYTHING = Wanted()


def record(world: World, writer: Writer, *entries: Entry) -> None:
    """Work of somebody, an event for each entry."""
    head, (first, *others) = world.dev.ledger.head(), entries
    with world.dev.ledger.begin(first, head, writer) as holder:
        for entry in others:
            holder.record(entry)


def entry(kind: str, deployment: str | None = None, step: str | None = None, **details: object) -> Entry:
    return Entry(kind=kind, state=State(), deployment=deployment, step=step, details=details)


def promotion(version: str, deployment: str, former: str, at: int) -> Entry:
    """The first event of a promotion, with number ``at``."""
    content = Content(release=version, digest=f"d{version}", artifact_key="k", deployment=deployment)
    state = State(
        open=Open(
            deployment=deployment,
            kind="promotion",
            release=version,
            digest=f"d{version}",
            slot="blue",
            step="requested",
            requested=at,
            former=Former(declared=None, content=None),
        )
    )
    plan = {"content": content.model_dump(), "former": {"content": {"release": former}}}
    begun = entry("promotion requested", deployment, "requested", plan=plan)
    return replace(begun, state=state, begins=content)


def within(first: Entry, *others: Entry) -> tuple[Entry, ...]:
    """More of a deployment while it is open."""
    return (first, *(replace(one, state=first.state) for one in others))


@pytest.fixture
def told(world: World) -> World:
    """Events 1 to 3 of the promotion of 1.0.0, a day later a veto of it by another, and event 4 of that of 1.1.0."""
    record(
        world,
        OPS,
        *within(promotion("1.0.0", "d1", "0.9.0", 1), entry("step started", "d1", "installed")),
        entry("deployment failed", "d1", "installed", why="1.0.0 did not start"),
    )
    world.clock.time = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    veto(world, "1.0.0", "it loses orders")
    record(world, LEAD, promotion("1.1.0", "d2", "1.0.0", 4))
    return world


def veto(world: World, version: str, reason: str) -> None:
    cause = Cause(reason=reason, by=LEAD.principal, at=world.clock())
    rule = partial(vetoed, cause=cause, release=version, digest=f"d{version}")
    world.dev.stops.change("veto set", rule, LEAD, {"release": version, "reason": reason})


def shown(wanted: Wanted, limit: int = 50) -> list[str]:
    """The first column of what is found."""
    text = history_text(history(STAGELINE, "dev", wanted, limit=limit))
    return [first_cell(line) for line in text.splitlines()[1:]]


def first_cell(line: str) -> str:
    return line.partition("  ")[0]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(EVERYTHING, "4, stop 0, 3, 2, 1, 0", id="everything"),
        pytest.param(Wanted(deployment="d1"), "3, 2, 1", id="deployment"),
        pytest.param(Wanted(release="1.0.0"), "stop 0, 3, 2, 1", id="release-with-its-deployments-and-vetoes"),
        pytest.param(Wanted(release="1.1.0"), "4", id="release-whose-deployment-is-open"),
        pytest.param(Wanted(release="1.0.0", kind="veto set"), "stop 0", id="release-and-kind"),
        pytest.param(Wanted(release="0.9.0"), "", id="not-what-was-there-before"),
        pytest.param(Wanted(kind="promotion requested"), "4, 1", id="kind"),
        pytest.param(Wanted(by="user/ops"), "3, 2, 1, 0", id="by-the-end-of-the-arn"),
        pytest.param(Wanted(by="jo"), "4, stop 0", id="by-a-name"),
        pytest.param(Wanted(by="o"), "", id="not-by-half-a-name"),
        pytest.param(Wanted(by=LEAD.principal), "4, stop 0", id="by-the-whole-arn"),
        pytest.param(Wanted(since=moment("2026-11-21")), "4, stop 0", id="since"),
        pytest.param(Wanted(until=moment("2026-11-20", end_of_day=True)), "3, 2, 1, 0", id="until-a-whole-day"),
        pytest.param(Wanted(until=moment("2026-11-20")), "", id="until-its-first-moment"),
        pytest.param(Wanted(since=moment("2026-11-22T01:00+02:00")), "4, stop 0", id="another-zone"),
    ],
)
def test_a_filter_leaves_what_it_names(told: World, wanted: Wanted, found: str) -> None:
    assert ", ".join(shown(wanted)) == found


@pytest.mark.parametrize(
    ("wanted", "first"), [(EVERYTHING, "4"), (Wanted(release="1.0.0"), "stop 0")], ids=["everything", "release"]
)
def test_the_newest_come_first_and_no_more_than_asked_for(told: World, wanted: Wanted, first: str) -> None:
    assert shown(wanted, limit=1) == [first]


def test_every_line_says_why_if_its_entry_does(told: World) -> None:
    report = history(STAGELINE, "dev", Wanted(release="1.0.0"), limit=50)
    assert [one["why"] for one in report["events"]] == ["it loses orders", "1.0.0 did not start", "", ""]
    assert re.search(r"deployment failed +installed +d1 +user/ops +1\.0\.0 did not start\n", history_text(report))


def test_a_reason_of_any_length_is_one_short_line_in_the_table(world: World) -> None:
    record(world, OPS, entry("deployment failed", why="line\n" * 300))
    report = history(STAGELINE, "dev", EVERYTHING, limit=1)
    assert len(report["events"][0]["why"]) > 1_000
    assert [len(line) < 300 for line in history_text(report).splitlines()] == [True, True]


def events_table(world: World) -> Any:
    return aws_resource("dynamodb").Table(world.dev.ledger.table.name)


def spoil(world: World, kind: str, seq: int, body: str = "rubbish") -> None:
    item = events_table(world).get_item(Key={"kind": kind, "seq": seq})["Item"]
    events_table(world).put_item(Item={**item, "body": body})


@pytest.mark.parametrize("wanted", [EVERYTHING, Wanted(release="1.0.0")], ids=["everything", "release"])
def test_an_entry_that_cannot_be_read_is_told_and_hides_no_other(told: World, wanted: Wanted) -> None:
    whole = shown(wanted)
    spoil(told, "EVENT", 2)
    spoil(told, "STOP", 0)
    report = history(STAGELINE, "dev", wanted, limit=50)
    assert sorted(why.partition(" is not readable")[0] for why in report["unreadable"]) == [
        "entry 0 of what was stopped",
        "event 2 of the ledger",
    ]
    lines = history_text(report).splitlines()
    assert [first_cell(line) for line in lines[1:-2]] == [seq for seq in whole if seq not in ("2", "stop 0")]
    assert all(line.startswith("not shown: ") and line.endswith("release audit dev") for line in lines[-2:])


def test_an_event_whose_time_is_none_is_shown_and_found_in_no_time(told: World) -> None:
    event = told.dev.ledger.event(0)
    spoil(told, "EVENT", 0, event_json(event.but(at="yesterday")))
    assert "0" in shown(EVERYTHING)
    assert "0" not in shown(Wanted(since=moment("2020-01-01")))


def test_a_release_is_found_by_the_index_however_long_the_history_is(told: World) -> None:
    """The events of others are not even looked at: those that are spoilt here are not told of."""
    record(told, OPS, *(entry("note") for _ in range(3)))
    for seq in (0, 5, 6, 7):
        spoil(told, "EVENT", seq)
    report = history(STAGELINE, "dev", Wanted(release="1.0.0"), limit=50)
    assert (len(report["events"]), report["unreadable"]) == (4, [])


def test_both_deployments_of_a_release_are_found_the_newest_first(told: World) -> None:
    record(told, OPS, *within(promotion("1.0.0", "d3", "1.1.0", 5)), entry("deployment failed", "d3"))
    assert shown(Wanted(release="1.0.0")) == ["6", "5", "stop 0", "3", "2", "1"]


def test_a_spoilt_index_is_told_and_hides_nothing(told: World) -> None:
    whole = shown(Wanted(release="1.0.0"))
    spoil(told, "RELEASE#1.0.0", 0)
    report = history(STAGELINE, "dev", Wanted(release="1.0.0"), limit=50)
    assert [why.partition(" is not")[0] for why in report["unreadable"]] == ["what the ledger knows of 1.0.0"]
    assert len(report["events"]) == len(whole)


def test_what_an_earlier_version_deployed_is_found_without_an_index(told: World) -> None:
    events_table(told).delete_item(Key={"kind": "RELEASE#1.0.0", "seq": 0})
    assert shown(Wanted(release="1.0.0")) == ["stop 0", "3", "2", "1"]


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-13-01", "", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+05:00"]
)
def test_what_is_no_date_is_wrong_usage(text: str) -> None:
    with pytest.raises(WrongUsage, match="no date in ISO 8601; give one like"):
        moment(text)


def test_an_export_in_json_lines_holds_the_stored_texts_and_their_hashes(told: World, tmp_path: Path) -> None:
    file = tmp_path / "dev.jsonl"
    export(CALL, "dev", file)
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert [line.get("event") for line in lines] == [*(told.dev.ledger.text(seq) for seq in range(5)), None]
    assert (lines[5]["stop"], lines[5]["hash"]) == (told.dev.stops.text(0), told.dev.stops.read().hash)
    assert lines[4]["hash"] == told.dev.ledger.head().hash
    assert audit_file(STAGELINE, None, file)["faults"] == []


def test_an_export_in_csv_has_a_row_for_each_event_with_its_hash(told: World, tmp_path: Path) -> None:
    file = tmp_path / "dev.csv"
    export(CALL, "dev", file)
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert [row["kind"] for row in rows[1:5]] == [told.dev.ledger.event(seq).kind for seq in range(1, 5)]
    assert [row["previous"] for row in rows[1:5]] == [row["hash"] for row in rows[:4]]
    stop = rows[5]
    assert (stop["seq"], stop["fence"], stop["hash"]) == ("stop 0", "", told.dev.stops.read().hash)
    assert rows[4]["hash"] == told.dev.ledger.head().hash
    assert audit_file(STAGELINE, None, file)["faults"] == []


def test_no_cell_is_a_formula(world: World, tmp_path: Path) -> None:
    record(world, Writer(principal="arn", host="=cmd()", ci=""), entry("note"))
    export(CALL, "dev", tmp_path / "dev.csv")
    assert list(csv.DictReader(io.StringIO((tmp_path / "dev.csv").read_text())))[1]["host"] == "'=cmd()"


@pytest.mark.parametrize("there", ["dev.jsonl", "dev.jsonl.proof.json"])
def test_an_export_overwrites_nothing_and_leaves_nothing_half_made(world: World, tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("older")
    with pytest.raises(Refused, match=f"{there} is there already"):
        export(CALL, "dev", tmp_path / "dev.jsonl")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir() if file.name.startswith("dev")] == [
        (there, "older")
    ]


def test_an_export_that_cannot_be_written_says_so_in_a_line(world: World, tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"cannot write .*nowhere/dev\.csv: No such file or directory"):
        export(CALL, "dev", tmp_path / "nowhere" / "dev.csv")


def test_an_export_needs_a_suffix_that_says_its_format(world: World, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"dev\.xlsx ends with neither \.jsonl nor \.csv"):
        export(CALL, "dev", tmp_path / "dev.xlsx")


def test_a_ledger_that_was_changed_is_not_signed(told: World, tmp_path: Path) -> None:
    aws_resource("dynamodb").Table(told.dev.ledger.table.name).delete_item(Key={"kind": "EVENT", "seq": 3})
    with pytest.raises(Broken, match="was changed, so it is not signed: event 3 is missing"):
        export(CALL, "dev", tmp_path / "dev.jsonl")
    assert list(tmp_path.glob("dev*")) == []


def test_a_ledger_whose_stops_were_changed_is_not_signed(told: World, tmp_path: Path) -> None:
    aws_resource("dynamodb").Table(told.dev.ledger.table.name).delete_item(Key={"kind": "STOP", "seq": 0})
    with pytest.raises(Broken, match="was changed, so it is not signed: stop 0 is missing"):
        export(CALL, "dev", tmp_path / "dev.jsonl")


@pytest.fixture
def command(told: World) -> Callable[..., click.testing.Result]:
    def run(*arguments: str) -> click.testing.Result:
        return CliRunner().invoke(cli.release, ["--project", str(PROJECT), "history", "dev", *arguments])

    return run


def test_the_options_of_the_command_are_these_filters(command: Callable[..., click.testing.Result]) -> None:
    options = ("--deployment=d1", "--release=1.0.0", "--kind=step started", "--by=ops", "--since=2026-11-20")
    done = command(*options, "--until=2026-11-20", "--limit=1", "--json")
    assert [event["seq"] for event in json.loads(done.stdout)["events"]] == [2]


def test_an_export_with_filters_is_wrong_usage(command: Callable[..., click.testing.Result], tmp_path: Path) -> None:
    done = command("--export", str(tmp_path / "dev.csv"), "--release=1.0.0", "--limit=3")
    assert isinstance(done.exception, StagelineError)
    assert "without --release, --limit" in str(done.exception)
