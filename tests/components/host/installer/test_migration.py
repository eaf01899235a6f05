"""Migrations: only the deployment that the environment names may run one, and that it began is never forgotten."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.components.host.fake_server import FakeServer, application, good, loopback, tar_gz

MIGRATE = '#!/bin/sh\n[ ! -e seen ] && [ "$RELEASE_VERSION" = 1.0.0 ] && echo "$DATABASE_URL" >migrated\n'
FAILS = "#!/bin/sh\nexit 4\n"


def order(server: FakeServer, deployment: str = "d1", migrate: str = MIGRATE, **others: Any) -> dict[str, Any]:
    return server.request("1.0.0", good("1.0.0", **{"bin/migrate": migrate}), deployment=deployment, **others)


def migrated(server: FakeServer) -> bool:
    return (server.slots / "blue" / "release" / "migrated").exists()


@loopback
def test_a_migration_runs_before_the_release_starts_and_knows_the_database(server: FakeServer) -> None:
    server.let_migrate("d1")
    run = server.install(order(server))
    assert (run.answer["result"], run.answer["migration"]) == ("installed", "done")
    assert (server.slots / "blue" / "release" / "migrated").read_text().startswith("postgresql://")


@loopback
@pytest.mark.parametrize("asked", ["none", "d2", "d11", "D1", ""])
def test_a_deployment_that_is_not_asked_to_migrate_is_installed_without(server: FakeServer, asked: str) -> None:
    server.let_migrate(asked)
    run = server.install(order(server))
    assert (run.code, run.answer["result"], run.answer["migration"]) == (0, "installed", "not asked for")
    assert (migrated(server), server.status()["migration"]) == (False, None)


@loopback
def test_no_deployment_can_have_the_name_that_means_none(server: FakeServer) -> None:
    server.let_migrate("none")
    assert server.install(order(server, "none")).answer["migration"] == "not asked for"


@loopback
def test_a_release_without_a_migration_asks_nobody(server: FakeServer) -> None:
    server.let_migrate("d1")
    assert server.install(server.request("1.0.0", good("1.0.0"))).answer["migration"] == "none"
    assert [call for call in server.calls("aws") if "/migration" in call] == []


@loopback
def test_what_is_put_back_is_not_migrated_again(server: FakeServer) -> None:
    server.let_migrate("d1")
    server.install(order(server))
    server.let_migrate("none")
    server.install(server.request("2.0.0", good("2.0.0"), deployment="d2"))
    run = server.install(order(server, "d3", reuse=True))
    assert (run.answer["result"], run.answer["migration"]) == ("installed", "not asked for")


@loopback
@pytest.mark.parametrize("fault", ["throttled", "not known here"])
def test_a_server_that_cannot_tell_who_may_migrate_installs_nothing(server: FakeServer, fault: str) -> None:
    if fault == "throttled":
        server.faults("", *["throttle"] * 9)
        why = "aws ssm get-parameter failed with 254"
    else:
        facts = server.home / "stageline" / "server.json"
        known = json.loads(facts.read_text())
        facts.write_text(json.dumps({key: value for key, value in known.items() if key != "migration_parameter"}))
        why = "this server does not know who may migrate"
    run = server.install(order(server))
    assert (run.code, run.answer["result"], run.answer["migration"]) == (1, "emptied", "none")
    assert why in run.answer["why"]
    assert server.status()["migration"] is None


@loopback
def test_a_server_that_does_not_know_who_may_migrate_takes_releases_that_do_not(server: FakeServer) -> None:
    facts = server.home / "stageline" / "server.json"
    known = json.loads(facts.read_text())
    facts.write_text(json.dumps({key: value for key, value in known.items() if key != "migration_parameter"}))
    assert server.install(server.request("1.0.0", good("1.0.0"))).answer["result"] == "installed"
    assert server.status_when_answering()["unit"] == "active"


@loopback
def test_a_migration_that_failed_is_told_and_counts_as_begun(server: FakeServer) -> None:
    server.let_migrate("d1")
    run = server.install(order(server, migrate=FAILS))
    assert (run.answer["result"], run.answer["migration"]) == ("emptied", "failed")
    assert server.status()["migration"] == {"deployment": "d1"}


@loopback
def test_a_migration_that_was_done_is_told_also_when_the_release_then_fails(server: FakeServer) -> None:
    server.let_migrate("d1")
    bad = tar_gz({"bin/start": application("1.0.0", 500), "bin/migrate": MIGRATE})
    run = server.install(server.request("1.0.0", bad))
    assert (run.answer["result"], run.answer["migration"]) == ("emptied", "done")
    assert server.status()["migration"] == {"deployment": "d1"}


@loopback
def test_each_slot_tells_its_own_last_migration_also_when_it_is_empty_again(server: FakeServer) -> None:
    server.let_migrate("d1")
    server.install(order(server))
    server.let_migrate("d2")
    green = server.request("1.0.0", good("1.0.0", **{"bin/migrate": MIGRATE}), slot="green", deployment="d2")
    server.install(green)
    server.execute(server.command("empty"), '{"slot": "blue"}')
    assert [server.status(slot)["migration"] for slot in ("blue", "green")] == [
        {"deployment": "d1"},
        {"deployment": "d2"},
    ]


@loopback
@pytest.mark.parametrize("text", ["", "{", "[]", '{"deployment": null}', '{"deployment": "a b"}', "{}"])
def test_a_marker_that_cannot_be_read_is_a_problem_and_not_no_migration(server: FakeServer, text: str) -> None:
    marker = server.home / "stageline" / "log" / "blue-migration.json"
    marker.parent.mkdir()
    marker.write_text(text)
    status = server.status()
    assert status["migration"] is None
    assert "does not tell whose migration began last" in status["problem"]
