"""A slot that holds the wanted bytes already: relabelled, started, and only where that does not help installed anew."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tests.components.host.fake_server import FakeServer, Run, application, good, loopback, tar_gz

RELEASE = good("1.0.0")
STARTS_ONCE = "#!/bin/sh\n[ -e started ] && exit 3\ntouch started\nexec bin/serve\n"


def order(server: FakeServer, deployment: str, artifact: bytes = RELEASE, *, reuse: bool = True) -> dict[str, Any]:
    return server.request("1.0.0", artifact, deployment=deployment, reuse=reuse)


def pid(server: FakeServer) -> int:
    found = server.status()["pid"]
    assert isinstance(found, int)
    return found


def pid_by_unit(server: FakeServer) -> str:
    """The same without asking the release itself, whose next answer may be another one."""
    return (server.root / "systemd" / "stageline-blue.service").read_text()


def asked_meanwhile(server: FakeServer, of: str, before: list[str]) -> list[str]:
    """What was asked of AWS or systemd since then, without looks at a unit's state."""
    return [call for call in server.calls(of)[len(before) :] if not call.startswith("show")]


# --- Relabelled -------------------------------------------------------------------------------------------------------


@loopback
def test_a_healthy_slot_with_these_very_bytes_is_only_given_another_label(server: FakeServer) -> None:
    server.install(order(server, "d1"))
    running, aws, systemd = pid(server), server.calls("aws"), server.calls("systemd")
    run = server.install(order(server, "d2"))
    said = {"slot": "blue", "release": "1.0.0", "deployment": "d2", "migration": "none"}
    assert (run.code, run.answer) == (0, {"result": "relabelled", **said})
    assert (asked_meanwhile(server, "aws", aws), asked_meanwhile(server, "systemd", systemd)) == ([], [])
    assert (server.status()["content"]["deployment"], pid(server)) == ("d2", running)


@loopback
def test_relabelling_needs_neither_the_artifact_nor_room(server: FakeServer) -> None:
    server.install(order(server, "d1"))
    again = order(server, "d2")
    server.object(again["digest"]).unlink()
    server.limit("SPARE_MB", 1e12)
    assert server.install(again).answer["result"] == "relabelled"


@loopback
def test_on_a_disk_where_not_even_a_label_fits_the_slot_still_counts_as_what_it_is(server: FakeServer) -> None:
    server.install(order(server, "d1"))
    command = server.with_effects("full", 0, "install")
    run = server.execute(command, json.dumps(order(server, "d2")))
    assert (run.code, run.answer["result"], run.stderr) == (0, "relabelled", "")
    assert run.answer["note"].startswith("the label in blue is still the earlier one: the server failed with 'File too")
    assert server.status()["content"]["deployment"] == "d1"
    assert server.install(order(server, "d2")).answer["result"] == "relabelled"
    assert server.status()["content"]["deployment"] == "d2"


@loopback
def test_the_same_order_a_second_time_does_nothing(server: FakeServer) -> None:
    server.install(order(server, "d1"))
    assert [server.install(order(server, "d2")).answer["result"] for _ in range(2)] == ["relabelled", "unchanged"]


@loopback
def test_whether_an_order_reuses_makes_no_other_content_of_it(server: FakeServer) -> None:
    server.install(order(server, "d1", reuse=False))
    assert server.install(order(server, "d1", reuse=True)).answer["result"] == "unchanged"
    assert "reuse" not in json.loads((server.slots / "blue" / "slot.json").read_text())


@loopback
@pytest.mark.parametrize("held", ["other bytes", "another release", "nothing"])
def test_a_slot_that_holds_anything_else_is_installed(server: FakeServer, held: str) -> None:
    if held == "other bytes":
        server.install(order(server, "d1", good("1.0.0", other="x")))
    elif held == "another release":
        server.install(server.request("0.9.0", good("0.9.0")))
    assert server.install(order(server, "d2")).answer["result"] == "installed"
    assert server.status()["content"]["digest"] == order(server, "d2")["digest"]


@loopback
def test_what_a_killed_run_left_is_put_back_and_started_and_not_installed(server: FakeServer) -> None:
    server.install(order(server, "d1"))
    (server.slots / ".blue.old").mkdir()
    shutil.copytree(server.slots / "blue", server.slots / ".blue.old", dirs_exist_ok=True)
    (server.slots / "blue" / "slot.json").unlink()
    # Putting back starts it as well: it may be healthy when that is asked.
    assert server.install(order(server, "d2")).answer["result"] in ("started", "relabelled")
    assert (server.status()["content"]["deployment"], server.leftovers()) == ("d2", [])


# --- The very order that was carried out before -----------------------------------------------------------------------

ILL = {
    "answers errors": (application("1.0.0", 200, 500), "/health answers 500"),
    "says that it is not ready": (application("1.0.0", 200, 503), "/health answers 503"),
    "does not answer": (application("1.0.0", 200, 8), "/health does not answer"),
}


@loopback
@pytest.mark.parametrize("reuse", [False, True], ids=["anew", "reuse"])
@pytest.mark.parametrize(("start", "found"), ILL.values(), ids=ILL)
def test_what_runs_by_this_very_order_is_left_alone_however_ill_it_is(
    server: FakeServer, start: str, found: str, reuse: bool
) -> None:
    """A `pulumi up` in an incident repeats the orders of both slots, also of the one that users are on."""
    artifact = tar_gz({"bin/start": start})
    server.install(order(server, "d1", artifact, reuse=reuse))
    running, aws, systemd = pid_by_unit(server), server.calls("aws"), server.calls("systemd")
    run = server.install(order(server, "d1", artifact, reuse=reuse))
    assert (run.code, run.answer["result"], "why" in run.answer) == (0, "unchanged", False)
    assert run.answer["note"] == f"1.0.0 in blue is not healthy now: {found}"
    assert (asked_meanwhile(server, "aws", aws), asked_meanwhile(server, "systemd", systemd)) == ([], [])
    assert pid_by_unit(server) == running


@loopback
@pytest.mark.parametrize("reuse", [False, True], ids=["anew", "reuse"])
def test_what_died_is_started_by_its_own_order_and_needs_no_artifact_for_that(server: FakeServer, reuse: bool) -> None:
    request = order(server, "d1", reuse=reuse)
    server.install(request)
    server.kill_release("blue")
    server.object(request["digest"]).unlink()
    run = server.install(request)
    assert (run.code, run.answer["result"], run.answer["migration"]) == (0, "started", "none")
    assert server.status()["unit"] == "active"


@loopback
def test_what_died_and_does_not_come_up_is_installed_by_its_own_order(server: FakeServer) -> None:
    artifact = tar_gz({"bin/start": STARTS_ONCE, "bin/serve": application("1.0.0")})
    request = order(server, "d1", artifact, reuse=False)
    server.install(request)
    server.kill_release("blue")
    assert server.install(request).answer["result"] == "installed"
    assert server.status_when_answering()["unit"] == "active"


# --- Started ----------------------------------------------------------------------------------------------------------


@loopback
def test_a_release_that_died_is_started_and_not_installed(server: FakeServer) -> None:
    server.install(order(server, "d1"))
    server.kill_release("blue")
    again = order(server, "d2")
    server.object(again["digest"]).unlink()
    run = server.install(again)
    assert (run.code, run.answer["result"], run.answer["migration"]) == (0, "started", "none")
    status = server.status()
    assert (status["content"]["deployment"], status["unit"]) == ("d2", "active")


@loopback
def test_a_release_that_answers_wrongly_is_started_again(server: FakeServer) -> None:
    artifact = tar_gz({"bin/start": application("1.0.0", 200, 200, 500)})
    server.install(order(server, "d1", artifact))
    before = pid(server)  # the second answer
    assert server.install(order(server, "d2", artifact)).answer["result"] == "started"
    assert pid(server) != before


@loopback
def test_what_does_not_come_up_is_installed_from_the_artifact(server: FakeServer) -> None:
    artifact = tar_gz({"bin/start": STARTS_ONCE, "bin/serve": application("1.0.0")})
    server.install(order(server, "d1", artifact))
    server.kill_release("blue")
    assert server.install(order(server, "d2", artifact)).answer["result"] == "installed"
    assert server.status_when_answering()["content"]["deployment"] == "d2"


@loopback
def test_a_reused_release_that_can_be_neither_started_nor_fetched_is_told_as_that(server: FakeServer) -> None:
    artifact = tar_gz({"bin/start": STARTS_ONCE, "bin/serve": application("1.0.0")})
    server.install(order(server, "d1", artifact))
    server.kill_release("blue")
    again = order(server, "d2", artifact)
    server.object(again["digest"]).unlink()
    run = server.install(again)
    assert (run.code, run.answer["result"]) == (1, "restored")
    assert "aws s3api get-object failed" in run.answer["why"]


@loopback
def test_without_reuse_the_same_bytes_are_installed_again_so_that_secrets_are_read_anew(server: FakeServer) -> None:
    server.install(order(server, "d1"))
    running = pid(server)
    assert server.install(order(server, "d2", reuse=False)).answer["result"] == "installed"
    assert pid(server) != running


# --- The verb `start` -------------------------------------------------------------------------------------------------


def start(server: FakeServer, slot: str = "blue") -> Run:
    return server.execute(server.command("start", slot))


@loopback
def test_a_slot_whose_release_died_is_started_as_it_is(server: FakeServer) -> None:
    server.install(order(server, "d1"))
    server.kill_release("blue")
    run = start(server)
    said = {"slot": "blue", "release": "1.0.0", "deployment": "d1"}
    assert (run.code, run.answer) == (0, {"result": "started", **said})
    assert server.status()["health"] == {"status": 200, "version": "1.0.0"}


@loopback
def test_a_slot_that_is_healthy_is_left_alone(server: FakeServer) -> None:
    server.install(order(server, "d1"))
    running = pid(server)
    assert (start(server).answer["result"], pid(server)) == ("unchanged", running)


@loopback
def test_an_empty_slot_cannot_be_started(server: FakeServer) -> None:
    run = start(server)
    assert (run.code, run.answer) == (
        1,
        {"result": "refused", "why": "slot blue is empty: there is nothing to start"},
    )


@loopback
def test_a_slot_whose_release_does_not_come_up_is_told_as_broken_and_keeps_it(server: FakeServer) -> None:
    server.install(order(server, "d1", tar_gz({"bin/start": STARTS_ONCE, "bin/serve": application("1.0.0")})))
    server.kill_release("blue")
    run = start(server)
    assert (run.code, run.answer["result"]) == (1, "broken")
    assert "1.0.0 in blue does not stay up" in run.answer["why"]
    assert server.status()["content"]["deployment"] == "d1"


@loopback
def test_a_slot_is_started_with_the_unit_of_this_installer(server: FakeServer) -> None:
    server.install(order(server, "d1"))
    server.kill_release("blue")
    written = server.unit_file("blue").read_text()
    server.unit_file("blue").unlink()
    assert start(server).answer["result"] == "started"
    assert server.unit_file("blue").read_text() == written


@loopback
@pytest.mark.parametrize("arguments", [["start"], ["start", "red"], ["start", "blue", "green"]])
def test_start_takes_one_slot(server: FakeServer, arguments: list[str]) -> None:
    run = server.execute(server.command(*arguments))
    assert (run.code, run.answer["result"]) == (1, "refused")
    assert run.stderr.startswith("usage: installer.pyz")
