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
