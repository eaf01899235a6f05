"""On a demo's server: artifacts lie in a folder of its own, and there is no database."""

from __future__ import annotations

import json

import pytest

from tests.components.host.fake_server import FakeServer, application, loopback, tar_gz

MIGRATE = "#!/bin/sh\ntouch migrated\n"
FOLDER = "demos/0a1b2c3d"
START = application("1.0.0").replace('os.environ["DATABASE_URL"]', 'str("DATABASE_URL" in os.environ)')


@pytest.fixture
def demo(server: FakeServer) -> FakeServer:
    facts = server.home / "stageline" / "server.json"
    told = {"artifact_folder": FOLDER, "database_parameter": "", "migration_parameter": ""}
    facts.write_text(json.dumps({**json.loads(facts.read_text()), **told}))
    return server


def shown(demo: FakeServer, start: str = START) -> dict[str, object]:
    """An order for an artifact that is in the demo's folder and nowhere else."""
    request = demo.request("1.0.0", tar_gz({"./bin/start": start, "bin/migrate": MIGRATE}))
    own = demo.root / "aws" / "artifacts-bucket" / FOLDER
    own.mkdir(parents=True, exist_ok=True)
    demo.object(request["digest"]).rename(own / request["digest"])
    return request


@loopback
def test_a_release_starts_without_a_database_and_migrates_none(demo: FakeServer) -> None:
    run = demo.install(shown(demo))
    assert (run.answer["result"], run.answer["migration"]) == ("installed", "none")
    assert demo.seen_by("blue") == "False blue"
    assert not (demo.slots / "blue" / "release" / "migrated").exists()


@loopback
def test_bytes_that_were_changed_in_its_folder_are_refused(demo: FakeServer) -> None:
    request = shown(demo)
    (demo.root / "aws" / "artifacts-bucket" / FOLDER / str(request["digest"])).write_bytes(b"other")
    run = demo.install(request)
    assert run.code == 1
    assert f"{FOLDER}/{request['digest']} in artifacts-bucket does not have its sha256" in run.answer["why"]


@loopback
def test_a_page_of_another_version_is_told_though_there_is_no_secret_to_hide(demo: FakeServer) -> None:
    run = demo.install(shown(demo, START.replace("1.0.0", "2.0.0")))
    assert "says it is version 2.0.0" in run.answer["why"]


SEED = '#!/bin/sh\necho "$DATABASE_URL" >>../../../../seeded\n'


@pytest.fixture
def with_database(server: FakeServer) -> FakeServer:
    facts = server.home / "stageline" / "server.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "artifact_folder": FOLDER}))
    return server


def seeding(demo: FakeServer, asked: str, deployment: str, seed: str | None = SEED) -> dict[str, object]:
    """An order of a deployment for which example data are asked for in this way."""
    demo.let_migrate(f"{deployment} {asked}".strip())
    files = {"./bin/start": application("1.0.0"), "bin/migrate": MIGRATE, "note": deployment}
    request = demo.request("1.0.0", tar_gz({**files, **({"bin/seed": seed} if seed else {})}), deployment=deployment)
    own = demo.root / "aws" / "artifacts-bucket" / FOLDER
    own.mkdir(parents=True, exist_ok=True)
    demo.object(request["digest"]).rename(own / request["digest"])
    return request


def seeded(demo: FakeServer) -> int:
    """How often bin/seed ran, each time with the database's address."""
    file = demo.home / "seeded"
    lines = file.read_text().splitlines() if file.exists() else []
    assert all(line.startswith("postgresql://") for line in lines)
    return len(lines)


@loopback
def test_example_data_are_brought_once_and_once_more_where_that_is_asked_for(with_database: FakeServer) -> None:
    found = []
    for number, asked in enumerate(("", "seed", "seed", "", "again-1", "again-1", "seed", "again-2")):
        run = with_database.install(seeding(with_database, asked, f"d{number}"))
        assert (run.answer["result"], run.answer["migration"]) == ("installed", "done")
        found.append(seeded(with_database))
    assert found == [0, 1, 1, 1, 2, 2, 2, 3]


@loopback
def test_data_that_failed_are_brought_by_the_next_try(with_database: FakeServer) -> None:
    failed = with_database.install(seeding(with_database, "seed", "d1", "#!/bin/sh\nexit 4\n"))
    assert "bin/seed failed with 4" in failed.answer["why"]
    with_database.install(seeding(with_database, "seed", "d2"))
    assert seeded(with_database) == 1


@loopback
def test_an_artifact_without_data_is_refused_where_they_are_asked_for(with_database: FakeServer) -> None:
    run = with_database.install(seeding(with_database, "seed", "d1", None))
    assert run.answer["result"] == "refused"
    assert "bin/seed is asked for, and the artifact has none" in run.answer["why"]


@loopback
def test_an_environment_is_never_filled_with_example_data(server: FakeServer) -> None:
    server.let_migrate("d1 seed")
    files = {"bin/start": application("1.0.0"), "bin/migrate": MIGRATE, "bin/seed": SEED}
    run = server.install(server.request("1.0.0", tar_gz(files), deployment="d1"))
    assert (run.answer["result"], seeded(server)) == ("installed", 0)
