"""`release history`: the events that somebody asks for, and the export that is signed."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from release import cli
from release.errors import Broken, Refused, StagelineError, WrongUsage
from release.ledger.head import State
from release.ledger.ledger import Entry, Writer
from release.ledger.search import Wanted, moment
from release.output import Progress
from release.verbs.history import export, history, history_text
from release.verbs.verify import verify_file
from tests.aws_clients import aws_resource
from tests.release.world import OPS, ROOT, World

LEAD = Writer(principal="arn:aws:sts::123456789012:assumed-role/lead/jo", host="laptop", ci="")
EVERYTHING = Wanted()


def silent() -> Progress:
    return Progress(io.StringIO())


def record(world: World, writer: Writer, *entries: Entry) -> None:
    """Work of somebody, an event for each entry."""
    head, (first, *others) = world.dev.ledger.head(), entries
    with world.dev.ledger.begin(first, head, writer) as holder:
        for entry in others:
            holder.record(entry)


def entry(kind: str, deployment: str | None = None, step: str | None = None, **details: object) -> Entry:
    return Entry(kind=kind, state=State(), deployment=deployment, step=step, details=details)


@pytest.fixture
def told(world: World) -> World:
    """Events 1 to 3 of the promotion of 1.0.0, 4 of that of 1.1.0 a day later by another, and 5 of a veto."""
    plan = {"version": "1.0.0", "former": {"live": {"release": "0.9.0"}}}
    record(
        world,
        OPS,
        entry("promotion requested", "d1", "requested", plan=plan),
        entry("step started", "d1", "installed"),
        entry("deployment failed", "d1", "installed", why="1.0.0 did not start"),
    )
    world.clock.time = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    later = {"version": "1.1.0", "former": {"live": {"release": "1.0.0"}}}
    record(world, LEAD, entry("promotion requested", "d2", "requested", plan=later), entry("veto", release="1.0.0"))
    return world


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(EVERYTHING, [5, 4, 3, 2, 1, 0], id="everything"),
        pytest.param(Wanted(deployment="d1"), [3, 2, 1], id="deployment"),
        pytest.param(Wanted(release="1.0.0"), [5, 3, 2, 1], id="release-with-its-deployments-and-vetoes"),
        pytest.param(Wanted(release="1.0.0", kind="veto"), [5], id="release-and-kind"),
        pytest.param(Wanted(release="0.9.0"), [], id="not-what-was-there-before"),
        pytest.param(Wanted(kind="promotion requested"), [4, 1], id="kind"),
        pytest.param(Wanted(by="user/ops"), [3, 2, 1, 0], id="by-the-end-of-the-arn"),
        pytest.param(Wanted(by="jo"), [5, 4], id="by-a-name"),
        pytest.param(Wanted(by="o"), [], id="not-by-half-a-name"),
        pytest.param(Wanted(by=LEAD.principal), [5, 4], id="by-the-whole-arn"),
        pytest.param(Wanted(since=moment("2026-11-21")), [5, 4], id="since"),
        pytest.param(Wanted(until=moment("2026-11-20", end_of_day=True)), [3, 2, 1, 0], id="until-a-whole-day"),
        pytest.param(Wanted(until=moment("2026-11-20")), [], id="until-its-first-moment"),
        pytest.param(Wanted(since=moment("2026-11-22T01:00+02:00")), [5, 4], id="another-zone"),
    ],
)
def test_a_filter_leaves_what_it_names(told: World, wanted: Wanted, found: list[int]) -> None:
    assert [event["seq"] for event in history(ROOT, "dev", wanted, limit=50)["events"]] == found


@pytest.mark.parametrize("wanted", [EVERYTHING, Wanted(release="1.0.0")], ids=["everything", "release"])
def test_the_newest_come_first_and_no_more_than_asked_for(told: World, wanted: Wanted) -> None:
    report = history(ROOT, "dev", wanted, limit=1)
    assert [event["seq"] for event in report["events"]] == [5]
    assert "veto" in history_text(report)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", ""])
def test_what_is_no_date_is_wrong_usage(text: str) -> None:
    with pytest.raises(WrongUsage, match="no date in ISO 8601; give one like"):
        moment(text)


def test_an_export_in_json_lines_holds_the_stored_texts_and_their_hashes(told: World, tmp_path: Path) -> None:
    file = tmp_path / "dev.jsonl"
    export(ROOT, "dev", file, progress=silent())
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert [line["event"] for line in lines] == [told.dev.ledger.text(seq) for seq in range(6)]
    assert lines[5]["hash"] == told.dev.ledger.head().hash
    assert verify_file(ROOT, None, file)["faults"] == []


def test_an_export_in_csv_has_a_row_for_each_event_with_its_hash(told: World, tmp_path: Path) -> None:
    file = tmp_path / "dev.csv"
    export(ROOT, "dev", file, progress=silent())
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert [row["kind"] for row in rows][1:] == [told.dev.ledger.event(seq).kind for seq in range(1, 6)]
    assert [row["previous"] for row in rows][1:] == [row["hash"] for row in rows][:-1]
    assert rows[5]["hash"] == told.dev.ledger.head().hash
    assert verify_file(ROOT, None, file)["faults"] == []


def test_no_cell_is_a_formula(world: World, tmp_path: Path) -> None:
    record(world, Writer(principal="arn", host="=cmd()", ci=""), entry("note"))
    export(ROOT, "dev", tmp_path / "dev.csv", progress=silent())
    assert list(csv.DictReader(io.StringIO((tmp_path / "dev.csv").read_text())))[1]["host"] == "'=cmd()"


@pytest.mark.parametrize("there", ["dev.jsonl", "dev.jsonl.proof.json"])
def test_an_export_overwrites_nothing_and_leaves_nothing_half_made(world: World, tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("older")
    with pytest.raises(Refused, match=f"{there} is there already"):
        export(ROOT, "dev", tmp_path / "dev.jsonl", progress=silent())
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir() if file.name.startswith("dev")] == [
        (there, "older")
    ]


def test_an_export_that_cannot_be_written_says_so_in_a_line(world: World, tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"cannot write .*nowhere/dev\.csv: No such file or directory"):
        export(ROOT, "dev", tmp_path / "nowhere" / "dev.csv", progress=silent())


def test_an_export_needs_a_suffix_that_says_its_format(world: World, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"dev\.xlsx ends with neither \.jsonl nor \.csv"):
        export(ROOT, "dev", tmp_path / "dev.xlsx", progress=silent())


def test_a_ledger_that_was_changed_is_not_signed(told: World, tmp_path: Path) -> None:
    aws_resource("dynamodb").Table(told.dev.ledger.table.name).delete_item(Key={"kind": "EVENT", "seq": 3})
    with pytest.raises(Broken, match="was changed, so it is not signed: event 3 is missing"):
        export(ROOT, "dev", tmp_path / "dev.jsonl", progress=silent())
    assert list(tmp_path.glob("dev*")) == []


@pytest.fixture
def command(told: World) -> Callable[..., click.testing.Result]:
    def run(*arguments: str) -> click.testing.Result:
        return CliRunner().invoke(cli.release, ["--project", str(ROOT), "history", "dev", *arguments])

    return run


def test_the_options_of_the_command_are_these_filters(command: Callable[..., click.testing.Result]) -> None:
    options = ("--deployment=d1", "--release=1.0.0", "--kind=step started", "--by=ops", "--since=2026-11-20")
    done = command(*options, "--until=2026-11-20", "--limit=1", "--json")
    assert [event["seq"] for event in json.loads(done.stdout)["events"]] == [2]


def test_an_export_with_filters_is_wrong_usage(command: Callable[..., click.testing.Result], tmp_path: Path) -> None:
    done = command("--export", str(tmp_path / "dev.csv"), "--release=1.0.0", "--limit=3")
    assert isinstance(done.exception, StagelineError)
    assert "without --release, --limit" in str(done.exception)
