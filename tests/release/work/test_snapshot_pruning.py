"""Snapshots pruned in a small world: shown first, deleted under the lease, on record; and what a deployment does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from release.doors.aws.databases import Databases
from release.environment import Environment
from release.process.errors import Broken, LeaseHeld, Refused
from release.records.ledger.head import Former, Open, Previous, State
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Entry
from release.records.ledger.stops import Cause, held
from release.rules.snapshot_retention import HOLD
from release.verbs.prune import prune, prune_text
from release.work.snapshot_pruning import prune_snapshots, tidy
from tests.project import copy_project
from tests.release.deploying import Silent, at_work, call_in
from tests.release.world import OPS, World

DATABASE = "stageline-{}-postgres-0123456789abcdef0"


@pytest.fixture
def project(world: World, tmp_path: Path) -> Path:
    """The project, with snapshots in dev that go at once but for the last two; each environment has a database."""
    copy_project(tmp_path)
    state(tmp_path, "dev", keep=2, keep_days=0)
    for name in ("dev", "qa"):
        rds(world).create_db_instance(
            DBInstanceIdentifier=DATABASE.format(name), DBInstanceClass="db.t3.micro", Engine="postgres",
            AllocatedStorage=20,
        )  # fmt: skip
    return tmp_path


def state(project: Path, environment: str, **backup: Any) -> None:
    file = project / f"Pulumi.{environment}.yaml"
    document = yaml.safe_load(file.read_text("utf-8"))
    document["config"]["stageline:backup"] |= backup
    file.write_text(yaml.safe_dump(document), "utf-8")


def rds(world: World) -> Any:
    return world.dev.session.client("rds")


def take(world: World, number: int, environment: str = "dev", **tags: str) -> str:
    """The snapshot of the deployment of this number."""
    deployment = f"{environment}-20261001-000000-{number:04x}"
    of = {"project": "stageline", "environment": environment, "deployment": deployment, **tags}
    rds(world).create_db_snapshot(
        DBInstanceIdentifier=DATABASE.format(environment),
        DBSnapshotIdentifier=f"stageline-{deployment}",
        Tags=[{"Key": key, "Value": value} for key, value in of.items()],
    )
    return f"stageline-{deployment}"


def left(world: World) -> list[str]:
    found = rds(world).describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    return [one["DBSnapshotIdentifier"] for one in found]


def run(project: Path, *, really: bool = False, only: Any = None, environment: str = "dev") -> dict[str, Any]:
    return prune(call_in(project), environment, keep=None, really=really, only=only)


def test_first_it_only_shows_what_would_go_and_what_keeps_the_rest(world: World, project: Path) -> None:
    names = [take(world, number) for number in range(3)]
    report = run(project)
    assert {one["name"]: one["because"] for one in report["snapshots"]} == {
        names[0]: [],
        names[1]: ["one of the last 2 good ones"],
        names[2]: ["one of the last 2 good ones"],
    }
    assert prune_text(report).endswith("1 snapshots would go; delete them with: release prune dev --yes")
    assert (left(world), report["deleted_snapshots"]) == (names, [])
    assert world.dev.ledger.head().seq == 0


def test_then_it_deletes_them_and_that_stands_in_the_ledger(world: World, project: Path) -> None:
    names = [take(world, number) for number in range(4)]
    report = run(project, really=True)
    assert report["deleted_snapshots"] == names[:2]
    assert prune_text(report).endswith("pruned 2 snapshots")
    assert left(world) == names[2:]
    *_, requested, done = world.dev.ledger.events()
    assert (requested.kind, done.kind) == ("pruning requested", "pruning done")
    assert done.details["snapshots"] == names[:2]
    assert world.dev.ledger.free_lease().because == ""


def test_a_second_time_there_is_nothing_to_do(world: World, project: Path) -> None:
    for number in range(4):
        take(world, number)
    run(project, really=True)
    before = world.dev.ledger.head()
    report = run(project, really=True)
    assert (report["deleted_snapshots"], prune_text(report).endswith("nothing to prune")) == ([], True)
    assert world.dev.ledger.head() == before


def test_those_of_others_are_neither_shown_nor_deleted(world: World, project: Path) -> None:
    strangers = [take(world, 1, "qa"), take(world, 2, environment="dev", project="other")]
    rds(world).create_db_snapshot(DBInstanceIdentifier=DATABASE.format("dev"), DBSnapshotIdentifier="by-hand")
    names = [take(world, number) for number in range(3, 6)]
    report = run(project, really=True)
    assert {one["name"] for one in report["snapshots"]} == set(names)
    assert left(world) == [*strangers, "by-hand", *names[1:]]


def test_one_that_is_held_or_in_the_way_back_stays(world: World, project: Path) -> None:
    names = [take(world, 0, **{HOLD: "audit"}), *(take(world, number) for number in range(1, 5))]
    back = Previous(release="1.0.0", digest="a", deployment=names[1].removeprefix("stageline-"))
    world.dev.ledger.note(Entry(kind="note", state=State(previous=back)), world.dev.ledger.head(), OPS)
    report = run(project, really=True)
    assert report["deleted_snapshots"] == [names[2]]
    because = {one["name"]: one["because"] for one in report["snapshots"]}
    assert because[names[0]] == ["held by its tag stageline:hold"]
    assert because[names[1]] == ["from before the release to go back to"]


def test_on_hold_nothing_goes(world: World, project: Path) -> None:
    names = [take(world, number) for number in range(4)]
    cause = Cause(reason="what was that?", by="ann", at=world.dev.ledger.now())
    world.dev.stops.change("hold set", lambda stops: held(stops, cause), OPS, {})
    assert run(project, really=True)["deleted_snapshots"] == []
    assert left(world) == names


def test_it_never_runs_beside_a_deployment(world: World, project: Path) -> None:
    names = [take(world, number) for number in range(4)]
    with at_work(project, "dev"), pytest.raises(LeaseHeld):
        run(project, really=True, only="snapshots")
    assert left(world) == names


def test_snapshots_alone_ask_no_other_environment(world: World, project: Path) -> None:
    for number in range(3):
        take(world, number)
    (project / "Pulumi.qa.yaml").write_text("config: {}\n")
    report = run(project, really=True, only="snapshots")
    assert (len(report["deleted_snapshots"]), report["releases"]) == (1, [])


def test_artifacts_alone_leave_snapshots(world: World, project: Path) -> None:
    names = [take(world, number) for number in range(3)]
    report = run(project, really=True, only="artifacts")
    assert (report["snapshots"], report["deleted_snapshots"], left(world)) == ([], [], names)


class Meanwhile(Databases):
    """Right after its first deletion something happens elsewhere."""

    def __init__(self, world: World, happens: Callable[[], object]) -> None:
        super().__init__(world.dev.session)
        self._happens = happens
        self.deleted: list[str] = []

    def delete_snapshot(self, name: str) -> None:
        super().delete_snapshot(name)
        self.deleted.append(name)
        if len(self.deleted) == 1:
            self._happens()


class Refusing(Databases):
    """Deletes what it is told to but the one snapshot."""

    kept = ""

    def delete_snapshot(self, name: str) -> None:
        if name == self.kept:
            raise Broken(f"cannot delete the snapshot {name}: AccessDenied")
        super().delete_snapshot(name)


class Overtaken(Databases):
    """Before its second deletion somebody else takes the lease."""

    def __init__(self, world: World) -> None:
        super().__init__(world.dev.session)
        self._world = world
        self.deleted: list[str] = []

    def delete_snapshot(self, name: str) -> None:
        super().delete_snapshot(name)
        self.deleted.append(name)
        ledger = self._world.dev.ledger
        free = ledger.free_lease(Patience(until_silent=True))
        with ledger.begin(Entry(kind="promotion requested", state=State()), ledger.head(), OPS, free):
            pass


def opened(world: World, **parts: Any) -> Environment:
    """dev as a deployment has it open, with RDS behind it and at its time, and one snapshot kept."""
    world.clock.time = datetime.now(UTC)
    settings = world.dev.settings
    backup = settings.backup.model_copy(update={"keep": 1, "keep_days": 0})
    changed = settings.model_copy(update={"backup": backup, **parts.pop("settings", {})})
    return replace(world.dev, **{"databases": Databases(world.dev.session), "settings": changed, **parts})


def test_a_deployment_that_is_over_tidies_up_what_is_not_protected(world: World, project: Path) -> None:
    names = [take(world, number) for number in range(3)]
    assert tidy(opened(world), OPS, Silent()) == {"deleted": names[:2], "why_not": ""}
    assert left(world) == names[2:]
    assert tidy(opened(world), OPS, Silent()) == {"deleted": [], "why_not": ""}


def test_in_a_protected_environment_it_leaves_that_to_the_pruner(world: World, project: Path) -> None:
    names = [take(world, number) for number in range(3)]
    tidied = tidy(opened(world, settings={"protected": True}), OPS, Silent())
    assert tidied["deleted"] == []
    assert "in the role pruner" in tidied["why_not"]
    assert left(world) == names


def test_tidying_that_fails_fails_nothing(world: World, project: Path) -> None:
    names = [take(world, number) for number in range(3)]
    databases = Refusing(world.dev.session)
    databases.kept = names[1]
    tidied = tidy(opened(world, databases=databases), OPS, Silent())
    far = f"deleted 1 of 2 (snapshot {names[0]}), not deleted: snapshot {names[1]}"
    assert tidied == {"deleted": [], "why_not": f"{far}: cannot delete the snapshot {names[1]}: AccessDenied"}
    assert [event.kind for event in world.dev.ledger.events()][-1] == "pruning failed"
    assert left(world) == names[1:]
    assert tidy(opened(world, databases=None), OPS, Silent())["why_not"]


def test_tidying_leaves_an_open_deployment_alone(world: World, project: Path) -> None:
    names = [take(world, number) for number in range(3)]
    opened_there = Open(
        deployment="dev-1",
        kind="promotion",
        release="1.1.0",
        digest="c",
        slot="green",
        step="installed",
        requested=1,
        former=Former(declared="blue", content=None),
    )
    under_way = State(open=opened_there)
    world.dev.ledger.note(Entry(kind="note", state=under_way), world.dev.ledger.head(), OPS)
    assert "deployment dev-1 is open in dev" in tidy(opened(world), OPS, Silent())["why_not"]
    assert left(world) == names


def test_nothing_more_is_deleted_once_somebody_else_is_at_work(world: World, project: Path) -> None:
    names = [take(world, number) for number in range(3)]
    databases = Overtaken(world)
    assert "taken over" in tidy(opened(world, databases=databases), OPS, Silent())["why_not"]
    assert databases.deleted == names[:1]


def on_hold(world: World) -> None:
    cause = Cause(reason="keep everything", by="ann", at=world.clock())
    world.dev.stops.change("hold set", lambda stops: held(stops, cause), OPS, {})


def tagged(world: World, name: str) -> None:
    arn = f"arn:aws:rds:eu-central-1:123456789012:snapshot:{name}"
    rds(world).add_tags_to_resource(ResourceName=arn, Tags=[{"Key": HOLD, "Value": "audit"}])


def pruning(world: World, databases: Databases) -> None:
    prune_snapshots(opened(world, databases=databases), world.dev.ledger.head(), OPS, Silent())


def test_a_hold_that_is_set_meanwhile_ends_it_and_it_is_told_what_was_deleted(world: World, project: Path) -> None:
    names = [take(world, number) for number in range(4)]
    databases = Meanwhile(world, lambda: on_hold(world))
    said = rf"deleted 1 of 3 \(snapshot {names[0]}\), not deleted: snapshot {names[1]}; snapshot {names[2]}: "
    with pytest.raises(Refused, match=said + r"dev was put on hold by ann: keep everything; run it again when"):
        pruning(world, databases)
    assert (databases.deleted, left(world)) == (names[:1], names[1:])
    failed = list(world.dev.ledger.events())[-1]
    assert (failed.kind, failed.details["why"].startswith("deleted 1 of 3")) == ("pruning failed", True)


def test_a_snapshot_that_is_tagged_meanwhile_stays(world: World, project: Path) -> None:
    names = [take(world, number) for number in range(4)]
    databases = Meanwhile(world, lambda: tagged(world, names[2]))
    with pytest.raises(Refused, match=rf"not deleted: snapshot {names[2]}: snapshot {names[2]} stays after all: held"):
        pruning(world, databases)
    assert left(world) == names[2:]
    pruning(world, Databases(world.dev.session))
    assert left(world) == names[2:]


def test_one_that_somebody_else_deleted_meanwhile_keeps_no_other(world: World, project: Path) -> None:
    names = [take(world, number) for number in range(4)]
    pruning(world, Meanwhile(world, lambda: Databases(world.dev.session).delete_snapshot(names[1])))
    assert left(world) == names[3:]
