"""What is due is done in every environment at rest, whoever is at work elsewhere and whatever fails there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from release.cli import release
from release.environment import open_environment
from release.process.errors import Broken, WrongUsage
from release.records.ledger.head import Former, Open, State
from release.records.ledger.ledger import Entry
from release.verbs.hold import hold
from release.verbs.tick import refuse_failed, tick, tick_text
from settings.stackfile import Project
from tests.aws_clients import aws_client
from tests.project import PROJECT
from tests.release.deploying import at_work, call_in
from tests.release.world import OPS, World

SNAPSHOTS, DOORS = "delete old snapshots", "shut old doors"
DATABASE = "stageline-{}-postgres-0123456789abcdef0"


@pytest.fixture
def project(world: World, tmp_path: Path) -> Path:
    """dev and qa with three snapshots each, of which the last one stays; staging and prod were never made."""
    for name in ("dev", "qa", "staging", "prod"):
        text = (PROJECT / f"Pulumi.{name}.yaml").read_text("utf-8")
        head, _, rest = text.partition("    before: snapshot")
        tail = rest.partition("\n\n")[2].partition("\n\n  stageline:demo:")[0]
        (tmp_path / f"Pulumi.{name}.yaml").write_text(
            f"{head}    before: snapshot\n    keep: 1\n    keep_days: 0\n\n{tail}\n"
        )
    (tmp_path / "Pulumi.yaml").write_bytes((PROJECT / "Pulumi.yaml").read_bytes())
    for name in ("dev", "qa"):
        aws_client("rds").create_db_instance(
            DBInstanceIdentifier=DATABASE.format(name), DBInstanceClass="db.t3.micro", Engine="postgres",
            AllocatedStorage=20,
        )  # fmt: skip
        for number in range(3):
            take(name, number)
    return tmp_path


def take(environment: str, number: int) -> None:
    deployment = f"{environment}-20261001-000000-{number:04x}"
    tags = {"project": "stageline", "environment": environment, "deployment": deployment}
    aws_client("rds").create_db_snapshot(
        DBInstanceIdentifier=DATABASE.format(environment),
        DBSnapshotIdentifier=f"stageline-{deployment}",
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


def left(environment: str) -> int:
    found = aws_client("rds").describe_db_snapshots(DBInstanceIdentifier=DATABASE.format(environment))
    return len([one for one in found["DBSnapshots"] if one["SnapshotType"] == "manual"])


def run(project: Path, name: str | None = None, *, really: bool = True) -> dict[str, Any]:
    return tick(call_in(project), name, really=really)


def how(report: dict[str, Any], duty: str = SNAPSHOTS) -> dict[str, str]:
    return {one["environment"]: one["how"] for one in report["duties"] if one["duty"] == duty}


def why(report: dict[str, Any], environment: str) -> str:
    return next(str(one["why"]) for one in report["duties"] if one["environment"] == environment)


def test_old_snapshots_are_deleted_in_every_environment_that_was_made(project: Path) -> None:
    report = run(project)
    assert how(report) == {"dev": "done", "qa": "done", "staging": "skipped", "prod": "skipped"}
    assert (left("dev"), left("qa")) == (1, 1)
    assert why(report, "prod") == "not initialised"
    refuse_failed(report)
    assert "stageline-dev-20261001-000000-0000, stageline-dev-20261001-000000-0001" in tick_text(report)


def test_a_second_time_nothing_is_due(world: World, project: Path) -> None:
    run(project)
    before = world.dev.ledger.head()
    assert how(run(project))["dev"] == "nothing due"
    assert (left("dev"), world.dev.ledger.head()) == (1, before)


def test_one_environment_can_be_named(project: Path) -> None:
    assert how(run(project, "qa")) == {"qa": "done"}
    assert (left("dev"), left("qa")) == (3, 1)


def test_the_plan_changes_nothing(project: Path) -> None:
    report = run(project, really=False)
    assert how(report)["dev"] == "due"
    assert len(report["duties"][0]["what"]) == 2
    assert (left("dev"), left("qa")) == (3, 3)


def test_an_environment_where_somebody_is_at_work_is_left_alone(project: Path) -> None:
    with at_work(project, "dev"):
        report = run(project)
    assert (how(report)["dev"], how(report)["qa"]) == ("skipped", "done")
    assert "dev is being deployed by arn:aws:iam::123456789012:user/ops" in why(report, "dev")
    refuse_failed(report)


def test_what_a_hold_keeps_that_is_set_meanwhile_is_left_for_the_next_time(project: Path) -> None:
    events = open_environment(Project(project), "dev").session.client("rds").meta.events  # that of the verb
    held: list[object] = []

    def hold_once(**_: object) -> None:
        if not held:
            held.append("dev")
            hold(call_in(project), "dev", reason="the auditors look at it")

    events.register("before-call.rds.DeleteDBSnapshot", hold_once, unique_id="hold")
    report = run(project)
    events.unregister("before-call.rds.DeleteDBSnapshot", unique_id="hold")
    assert (how(report)["dev"], how(report)["qa"], left("dev")) == ("skipped", "done", 2)
    assert "the auditors look at it" in why(report, "dev")
    refuse_failed(report)


def test_an_environment_with_an_open_deployment_is_left_alone(world: World, project: Path) -> None:
    opened = Open(
        deployment="dev-1",
        kind="promotion",
        release="1.1.0",
        digest="c",
        slot="green",
        step="installed",
        requested=1,
        former=Former(declared="blue", content=None),
    )
    world.dev.ledger.note(Entry(kind="note", state=State(open=opened)), world.dev.ledger.head(), OPS)
    report = run(project)
    assert (how(report)["dev"], left("dev")) == ("skipped", 3)
    assert "deployment dev-1 is open in dev" in why(report, "dev")


def test_old_doors_are_looked_for_also_where_a_deployment_was_left_open(world: World, project: Path) -> None:
    with at_work(project, "dev"):
        report = run(project)
    assert how(report, DOORS) == {"dev": "nothing due", "qa": "nothing due", "staging": "skipped", "prod": "skipped"}


def broken_file(project: Path) -> None:
    (project / "Pulumi.qa.yaml").write_text("config: {stageline:owner: 7}\n")


def another_account(project: Path) -> None:
    file = project / "Pulumi.qa.yaml"
    file.write_text(file.read_text().replace('stageline:account: "123456789012"', 'stageline:account: "210987654321"'))


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "its stack file is wrong": (broken_file, "stageline:owner is 7"),
    "the credentials are of another account": (another_account, "your credentials are of account 123456789012"),
}


@pytest.mark.parametrize(("spoil", "because"), BROKEN.values(), ids=BROKEN.keys())
def test_one_that_fails_does_not_stop_the_others(project: Path, spoil: Callable[[Path], None], because: str) -> None:
    spoil(project)
    report = run(project)
    assert (how(report)["qa"], how(report)["dev"], left("dev")) == ("failed", "done", 1)
    assert because in why(report, "qa")
    with pytest.raises(Broken, match="not all that was due could be done: qa failed"):
        refuse_failed(report)


def test_without_a_stack_file_there_is_nothing_to_do(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="there is no stack file"):
        run(tmp_path)


def test_the_verb_reports_as_json(project: Path) -> None:
    done = CliRunner().invoke(release, ["--project", str(project), "tick", "dev", "--plan", "--json"])
    assert done.exit_code == 0
    duties = [(one["environment"], one["duty"], one["how"]) for one in json.loads(done.stdout)["duties"]]
    assert duties == [("dev", SNAPSHOTS, "due"), ("dev", DOORS, "nothing due")]
