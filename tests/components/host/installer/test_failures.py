"""What goes wrong with a release, on the server or on the way: the slot's earlier release runs again, or the slot is
as empty as before, the other slot does not notice, and the answer says so.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.host.installer.files import flatten
from tests.components.host.fake_server import FakeServer, Run, application, good, loopback, tar_gz
from tests.components.host.visitor import Visitor

DIES = "does not stay up, its unit is failed"
BAD_RELEASES = {
    "dies at once": (tar_gz({"bin/start": "#!/bin/sh\nexit 3\n"}), DIES),
    "dies after it was healthy": (tar_gz({"bin/start": application("2.0.0", 200, 200, 200, 3)}), DIES),
    "ends after it was healthy": (tar_gz({"bin/start": application("2.0.0", 200, 200, 0)}), DIES),
    "answers 500": (tar_gz({"bin/start": application("2.0.0", 500)}), "keeps answering 500"),
    "answers 500 after it was healthy": (tar_gz({"bin/start": application("2.0.0", 200, 500)}), "keeps answering 500"),
    "never answers": (tar_gz({"bin/start": "#!/bin/sh\nexec sleep 60\n"}), "is not healthy after 4 s"),
    "says it at length": (tar_gz({"bin/start": application("2.0.0", said="9" * 70_000)}), "does not say its version"),
    "says another version": (tar_gz({"bin/start": application("2.0.0", said="1.9")}), "says it is version 1.9;"),
    "fails to migrate": (
        good("2.0.0", **{"bin/migrate": "#!/bin/sh\necho told; echo broke at $DATABASE_URL >&2; exit 4\n"}),
        "bin/migrate failed with 4: broke at ***",
    ),
    "cannot migrate": (good("2.0.0", **{"bin/migrate": "#!/no/shell\n"}), "bin/migrate cannot be started"),
    "has no bin/start": (tar_gz({"start": ""}), "cannot be started: it has no bin/start"),
    "escapes": (tar_gz({"bin/start": "", "../../evil": "x"}), "leaves the folder"),
}
UNTOUCHED = ("fails to migrate", "cannot migrate", "has no bin/start", "escapes")
REFUSED = ("has no bin/start", "escapes")


@pytest.fixture
def green(server: FakeServer) -> Iterator[None]:
    """The other slot: it must notice nothing."""
    server.install(server.request("1.0.0", good("1.0.0"), slot="green"))
    before = server.status("green")
    with Visitor(server.ports["green"]) as visitor:
        yield
    assert server.status("green") == before
    assert visitor.answers == {(200, '{"version": "1.0.0"}')}


def assert_runs(server: FakeServer, version: str) -> None:
    status = server.status_when_answering()
    assert (status["content"]["release"], status["unit"]) == (version, "active")
    assert status["health"] == {"status": 200, "version": version}
    assert (status["problem"], server.leftovers()) == (None, [])


def assert_empty(server: FakeServer) -> None:
    status = server.status()
    assert (status["content"], status["health"], status["unit"]) == (None, None, "inactive")
    assert (list((server.slots / "blue").iterdir()), server.leftovers()) == ([], [])


# --- Bad releases --------------------------------------------------------------------------------------------------


@loopback
@pytest.mark.usefixtures("green")
@pytest.mark.parametrize("kind", BAD_RELEASES)
def test_after_a_bad_release_the_earlier_one_runs_again(server: FakeServer, kind: str) -> None:
    artifact, why = BAD_RELEASES[kind]
    server.limit("HEALTH_LIMIT", 4.0)
    server.let_migrate("d2")
    server.install(server.request("1.0.0", good("1.0.0")))
    run = server.install(server.request("2.0.0", artifact, deployment="d2"), "--settle", "5")
    assert (run.code, run.answer["result"]) == (1, "refused" if kind in REFUSED else "restored")
    assert why in run.answer["why"]
    assert ("blue was not touched and holds 1.0.0" in run.answer["why"]) == (kind in UNTOUCHED)
    assert ("blue is back on 1.0.0" in run.answer["why"]) == (kind not in UNTOUCHED)
    assert run.stderr == run.answer["why"] + "\n"
    assert_runs(server, "1.0.0")


@loopback
@pytest.mark.usefixtures("green")
@pytest.mark.parametrize("kind", BAD_RELEASES)
def test_after_a_bad_release_an_empty_slot_is_empty(server: FakeServer, kind: str) -> None:
    artifact, why = BAD_RELEASES[kind]
    server.limit("HEALTH_LIMIT", 4.0)
    server.let_migrate("d1")
    run = server.install(server.request("2.0.0", artifact), "--settle", "5")
    assert (run.code, run.answer["result"]) == (1, "refused" if kind in REFUSED else "emptied")
    assert why in run.answer["why"]
    assert run.answer["why"].endswith("; blue is empty as before")
    assert_empty(server)


@loopback
def test_a_release_that_dies_and_is_restarted_before_anybody_looks_is_found(server: FakeServer) -> None:
    (server.root / "systemd" / "restarting").touch()
    artifact = tar_gz({"bin/start": application("1.0.0", 200, 200, 3)})
    run = server.install(server.request("1.0.0", artifact), "--settle", "5")
    assert "does not stay up, its unit restarted it" in run.answer["why"]


@loopback
def test_a_release_that_hangs_after_it_was_healthy_is_given_up(server: FakeServer) -> None:
    server.limit("HEALTH_LIMIT", 0.5)
    server.limit("PROBE_LIMIT", 0.2)
    hangs = application("1.0.0", 200, 200, 8)  # 8: an answer that does not come
    run = server.install(server.request("1.0.0", tar_gz({"bin/start": hangs})), "--settle", "5")
    assert "is not healthy after 0 s (/health does not answer)" in run.answer["why"]


@loopback
def test_a_release_that_answers_byte_by_byte_does_not_answer(server: FakeServer) -> None:
    server.limit("HEALTH_LIMIT", 0.5)
    server.limit("PROBE_LIMIT", 0.2)
    trickles = application("1.0.0", 9)
    run = server.install(server.request("1.0.0", tar_gz({"bin/start": trickles})))
    assert "is not healthy after 0 s (/health does not answer)" in run.answer["why"]


@loopback
def test_a_release_that_is_healthy_again_settles_from_then_on(server: FakeServer) -> None:
    artifact = tar_gz({"bin/start": application("1.0.0", 200, 503, 200)})
    run = server.install(server.request("1.0.0", artifact), "--settle", "0.2")
    assert run.answer["result"] == "installed"


@loopback
@pytest.mark.parametrize("arguments", [["--settle"], ["--settle", "-1"], ["--settle", "x"], ["--wait", "1"], ["1"]])
def test_another_option_than_a_time_to_settle_is_refused(server: FakeServer, arguments: list[str]) -> None:
    run = server.install(server.request("1.0.0", good("1.0.0")), *arguments)
    assert (run.code, run.answer["result"]) == (1, "refused")
    assert run.stderr.startswith("usage: installer.pyz install [--settle SECONDS")


@loopback
def test_a_failed_migration_is_logged_on_the_server_without_secrets(server: FakeServer) -> None:
    server.let_migrate("d1")
    server.install(server.request("2.0.0", BAD_RELEASES["fails to migrate"][0]))
    log = server.home / "stageline" / "log" / "blue-migrate.log"
    assert log.read_text() == "told\nbroke at ***\n"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


# --- The way to the server ----------------------------------------------------------------------------------------


@loopback
@pytest.mark.usefixtures("green")
def test_row_05_other_bytes_than_the_digest_says_are_refused_before_they_are_unpacked(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    request = server.request("2.0.0", good("2.0.0"))
    server.object(request["digest"]).write_bytes(good("6.6.6"))
    run = server.install(request)
    assert (run.code, run.answer["result"]) == (1, "refused")
    assert "does not have its sha256" in run.answer["why"]
    assert_runs(server, "1.0.0")


@loopback
@pytest.mark.parametrize("fault", ["truncate", "throttle"])
def test_row_11_a_download_that_fails_now_and_then_is_tried_again(server: FakeServer, fault: str) -> None:
    server.faults(fault, fault)
    assert server.install(server.request("1.0.0", good("1.0.0"))).answer["result"] == "installed"


@loopback
@pytest.mark.usefixtures("green")
@pytest.mark.parametrize(
    ("fault", "result", "why"),
    [
        ("throttle", "restored", "aws s3api get-object failed with 254: An error occurred (SlowDown)"),
        ("truncate", "refused", "does not have its sha256"),
    ],
)
def test_row_11_a_download_that_always_fails_is_given_up(server: FakeServer, fault: str, result: str, why: str) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    calls = len(server.calls("aws"))
    server.faults(*[fault] * 9)
    run = server.install(server.request("2.0.0", good("2.0.0")))
    assert (run.answer["result"], len(server.calls("aws")) - calls) == (result, 3)
    assert why in run.answer["why"]
    server.faults()
    assert_runs(server, "1.0.0")


# --- The server -----------------------------------------------------------------------------------------------------


@loopback
@pytest.mark.usefixtures("green")
def test_a_port_that_somebody_else_holds_is_named_and_the_slot_is_empty_as_before(server: FakeServer) -> None:
    with socket.create_server(("127.0.0.1", server.ports["blue"])):
        run = server.install(server.request("1.0.0", good("1.0.0")))
    assert run.answer["result"] == "emptied"
    assert f"port {server.ports['blue']} is not free (Address already in use): ss -ltnp" in run.answer["why"]
    assert_empty(server)


@loopback
@pytest.mark.usefixtures("green")
def test_an_earlier_release_that_does_not_come_back_is_told_as_broken(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    os.killpg(server.status()["pid"], signal.SIGKILL)
    assert any(server.status()["pid"] == 0 for _ in range(50))
    with socket.create_server(("127.0.0.1", server.ports["blue"])):
        run = server.install(server.request("2.0.0", good("2.0.0"), deployment="d2"))
    assert (run.code, run.answer["result"]) == (1, "broken")
    assert "is not free" in run.answer["why"]
    assert "blue is put back, but 1.0.0 in blue does not stay up" in run.answer["why"]
    assert server.status()["content"]["release"] == "1.0.0"


@loopback
@pytest.mark.usefixtures("green")
def test_a_slot_that_cannot_be_put_back_is_told_as_broken_until_status_puts_it_back(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    server.break_systemctl("start", "no bus")
    run = server.install(server.request("2.0.0", good("2.0.0")))
    failed = "systemctl --user start stageline-blue.service failed: Failed to start: no bus"
    assert (run.code, run.answer["result"]) == (1, "broken")
    assert run.answer["why"] == (
        f"{failed}; blue could not be put back: {failed}; "
        "mend that, then run: python3 stageline/installer.pyz status (it puts the slot back)"
    )
    assert server.status()["problem"] == failed
    server.break_systemctl("start", None)
    assert_runs(server, "1.0.0")


DEEPER_THAN_ANY_PATH = """#!/usr/bin/env python3
import os
for _ in range(1500):
    os.mkdir("d" * 10)
    os.chdir("d" * 10)
open("file", "w").close()
os.chmod(".", 0o000)
"""


@loopback
def test_folders_that_a_release_nested_without_end_do_not_keep_the_next_one_out(server: FakeServer) -> None:
    server.let_migrate("d1")
    server.install(server.request("1.0.0", good("1.0.0", **{"bin/migrate": DEEPER_THAN_ANY_PATH})))
    assert server.install(server.request("2.0.0", good("2.0.0"), deployment="d2")).answer["result"] == "installed"
    assert_runs(server, "2.0.0")


def test_what_links_lead_to_is_not_removed_with_them(tmp_path: Path) -> None:
    kept, folder = tmp_path / "kept", tmp_path / "folder"
    (kept / "below").mkdir(parents=True)
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "link").symlink_to(kept)
    (folder / "a" / "b" / "link").symlink_to(kept / "below")
    flatten(folder)
    assert (list(folder.iterdir()), (kept / "below").is_dir()) == ([], True)


@loopback
def test_a_server_that_did_not_boot_is_told_as_broken(server: FakeServer) -> None:
    (server.home / "stageline" / "server.json").unlink()
    run = server.install(server.request("1.0.0", good("1.0.0")))
    assert (run.code, run.answer["result"]) == (1, "broken")
    assert "boot.py did not finish" in run.answer["why"]


@loopback
def test_a_disk_that_is_nearly_full_is_left_alone(server: FakeServer) -> None:
    server.limit("SPARE_MB", 1e12)
    run = server.install(server.request("1.0.0", good("1.0.0")))
    assert run.answer["result"] == "refused"
    assert "MB of disk left and needs 1000000000000 MB: make room on it" in run.answer["why"]
    assert not (server.root / "aws" / "calls").exists()


@loopback
@pytest.mark.e2e  # half a minute of one processor: with `make test` only
@pytest.mark.usefixtures("green")
def test_from_whatever_step_on_the_disk_is_full_the_earlier_release_is_not_lost(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    migrate = {"bin/migrate": "#!/bin/sh\necho done\n"}
    full_at(server, -1, server.request("1.1.0", good("1.1.0", **migrate), deployment="d0"))
    effects = server.effects()
    last_write = effects.index("opened slot.json")
    for at, effect in enumerate(effects[: last_write + 1]):
        version = f"2.0.{at}"
        run = full_at(server, at, server.request(version, good(version, **migrate), deployment=f"d{at}"))
        assert (run.code, run.answer["result"]) == (1, "restored"), effect
        assert "blue was not touched and holds 1.1.0" in run.answer["why"], effect
        assert_runs(server, "1.1.0")


@loopback
@pytest.mark.usefixtures("green")
def test_a_full_disk_does_not_keep_a_slot_from_being_put_back(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    full_at(server, -1, server.request("1.1.0", good("1.1.0"), deployment="d0"))
    swapped = server.effects().index("started systemctl --user start stageline-blue.service")
    bad = tar_gz({"bin/start": application("2.0.0", 200, 3)})
    run = full_at(server, swapped, server.request("2.0.0", bad), "--settle", "5")
    assert (run.code, run.answer["result"]) == (1, "restored")
    assert run.answer["why"].endswith("; blue is back on 1.1.0")
    assert_runs(server, "1.1.0")


def full_at(server: FakeServer, at: int, request: dict[str, Any], *arguments: str) -> Run:
    """Install, and let no file grow any more from this effect on."""
    server.let_migrate(request["deployment"])
    return server.execute(server.with_effects("full", at, "install", *arguments), json.dumps(request))
