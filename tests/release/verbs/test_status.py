"""`release status` reads two items, however long the history; while a deployment is open also its lease."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from release.environment import open_environment
from release.process.errors import Broken
from release.records.ledger.head import Content, Former, Open, Out, State
from release.records.ledger.ledger import Entry
from release.verbs.status import refuse_unreadable, status, status_text
from settings.stackfile import Project
from tests.aws_clients import aws_resource
from tests.release.deploying import put
from tests.release.world import OPS, STAGELINE, World

OPENED = State(
    open=Open(
        deployment="dev-1",
        kind="promotion",
        release="1.0.0",
        digest="d",
        slot="blue",
        step="installed",
        requested=1,
        former=Former(declared=None, content=None),
    )
)


@pytest.fixture
def calls() -> Iterator[list[str]]:
    """The calls that the verb makes of DynamoDB, and of anything else behind its session."""
    made: list[str] = []

    def called(model: Any, **_: object) -> None:
        made.append(model.name)

    events = open_environment(STAGELINE, "dev").session.client("dynamodb").meta.events
    events.register("before-call", called)
    yield made
    events.unregister("before-call", called)


def record(world: World, state: State, times: int) -> None:
    with world.dev.ledger.begin(Entry(kind="note", state=state), world.dev.ledger.head(), OPS) as holder:
        for _ in range(times - 1):
            holder.record(Entry(kind="note", state=state))


@pytest.mark.parametrize("length", [1, 30])
def test_an_idle_environment_takes_two_reads_whatever_the_length_of_its_history(
    world: World, calls: list[str], length: int
) -> None:
    record(world, State(), length)
    status(STAGELINE, "dev")
    assert calls == ["GetItem"] * 2


def test_an_open_deployment_takes_one_more_for_the_lease(world: World, calls: list[str]) -> None:
    record(world, OPENED, 3)
    status(STAGELINE, "dev")
    assert calls == ["GetItem"] * 3


def test_what_somebody_should_know_who_is_to_act_stands_below_the_table(world: World) -> None:
    unsure = Content(release="1.0.0", digest="d", artifact_key="a", deployment="d-1", unsure="env-servers-2 was silent")
    out = Out(server="env-servers-2", reason="no power", by="ops", since="2026-11-20T12:00:00+00:00")
    record(world, State(blue=unsure, out=(out,), behind="the listener was moved, and nobody said so"), 1)
    told = status_text(status(STAGELINE, "dev"))
    assert "dev: env-servers-2 is out since 2026-11-20T12:00:00: no power" in told
    assert "dev: slot blue may hold something else, find out with: release drift dev (env-servers-2 was silent)" in told
    assert "the listener was moved, and nobody said so; run: pulumi up --refresh --stack dev, then release" in told


@pytest.fixture
def counts() -> Iterator[list[str]]:
    """The calls that the verb makes of RDS."""
    made: list[str] = []

    def called(model: Any, **_: object) -> None:
        made.append(model.name)

    events = open_environment(STAGELINE, "dev").session.client("rds").meta.events
    events.register("before-call", called)
    yield made
    events.unregister("before-call", called)


def test_of_one_environment_it_counts_the_accounts_snapshots_against_the_quota(world: World, counts: list[str]) -> None:
    report = status(STAGELINE, "dev")
    assert status_text(report).endswith("snapshots: 0 of 100 that the account may have (none)")
    assert report["environments"][0]["snapshots"]["room"] == "enough"
    assert counts == ["DescribeDBSnapshots"]


def test_of_all_environments_it_asks_no_database(world: World, counts: list[str]) -> None:
    report = status(STAGELINE, None)
    assert [one for one in report["environments"] if "snapshots" in one] == []
    assert counts == []


def test_an_environment_that_was_never_made_has_nothing_to_count(world: World, counts: list[str]) -> None:
    assert status(STAGELINE, "prod")["environments"] == [{"environment": "prod", "initialised": False}]
    assert counts == []


NO_END = json.dumps({"freeze": {"reason": "holidays", "by": "ops", "since": "t", "until": "tomorrow"}})


@pytest.mark.parametrize("ill", ["stack file", "HEAD", "STOPS"])
def test_an_environment_that_cannot_be_read_hides_no_other_one(world: World, ill: str) -> None:
    if ill != "stack file":
        table = aws_resource("dynamodb").Table(world.qa.ledger.table.name)
        table.put_item(Item={"kind": ill, "seq": 0, "body": "[" if ill == "HEAD" else NO_END})
    report = status(Project(world.project_with(qa="config: [")) if ill == "stack file" else STAGELINE, None)
    told = {one["environment"]: (one["initialised"], "unreadable" in one) for one in report["environments"]}
    assert told == {"dev": (True, False), "qa": (False, True), "staging": (False, False), "prod": (False, False)}
    assert "qa cannot be read: " in status_text(report)
    with pytest.raises(Broken, match=r"^qa cannot be read: .*(Pulumi\.qa\.yaml|HEAD|what is stopped)"):
        refuse_unreadable(report)


def test_where_all_can_be_read_nothing_is_refused(world: World) -> None:
    refuse_unreadable(status(STAGELINE, None))


def test_status_shows_every_environment_also_those_without_a_ledger(world: World) -> None:
    put(world, "1.0.0")
    report = status(STAGELINE, None)
    assert [(entry["environment"], entry["initialised"]) for entry in report["environments"]] == [
        ("dev", True),
        ("qa", True),
        ("staging", False),
        ("prod", False),
    ]
    dev, qa, staging, _ = status_text(report).splitlines()[1:]
    assert dev.split()[:2] == ["dev", "1.0.0"]
    assert "nothing" in qa
    assert "not initialised" in staging
