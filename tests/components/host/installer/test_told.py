"""What the installer takes over of what programs and releases say: the end of it, and no secret."""

from __future__ import annotations

import json

import pytest

from components.host.installer.programs import OUTPUT_LIMIT, execute, hear
from components.host.installer.told import Said, Tail, scrubbed
from tests.components.host.fake_server import FakeServer, good, loopback, tar_gz

SECRET = "0123456789"

TELLING = """#!/usr/bin/env -S python3 -IS
import json, os, socket
from urllib.parse import unquote, urlsplit
url = os.environ["DATABASE_URL"]
with socket.create_server((os.environ["HOST"], int(os.environ["PORT"]))) as server:
    while True:
        connection, _ = server.accept()
        version = {version} if os.path.exists("told") else os.environ["RELEASE_VERSION"]
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.0 200 X\\r\\n\\r\\n" + json.dumps(dict(version=version)).encode())
"""

VERSIONS = {
    "the url": ("url", "***"),
    "the password as it is": ("unquote(urlsplit(url).password)", "***"),
    "beside something else": ("'at ' + url + ' v1'", "at *** v1"),
    "where a long text is cut": ("'x' * 299 + url", "x" * 299 + "*"),
    "another version": ("'1.0.1'", "1.0.1"),
}


def telling(version: str, **more: str) -> bytes:
    """A release that states this as its version: at once, or when there is a file of that name."""
    return tar_gz({"bin/start": TELLING.format(version=version), **more})


# --- /health ----------------------------------------------------------------------------------------------------------


@loopback
@pytest.mark.parametrize(("version", "shown"), VERSIONS.values(), ids=VERSIONS)
def test_a_release_that_states_a_secret_as_its_version_is_refused_without_it(
    server: FakeServer, version: str, shown: str
) -> None:
    run = server.install(server.request("1.0.0", telling(version, told="")))
    assert (run.code, run.answer["result"]) == (1, "emptied")
    assert f"1.0.0 in blue says it is version {shown};" in run.answer["why"]


@loopback
@pytest.mark.parametrize(("version", "shown"), VERSIONS.values(), ids=VERSIONS)
def test_the_status_shows_no_secret_that_a_release_states(server: FakeServer, version: str, shown: str) -> None:
    server.install(server.request("1.0.0", telling(version)))
    assert server.status_when_answering()["health"] == {"status": 200, "version": "1.0.0"}
    (server.slots / "blue" / "release" / "told").touch()
    assert server.status()["health"] == {"status": 200, "version": shown}


@loopback
def test_a_version_that_cannot_be_compared_with_secrets_is_not_told(server: FakeServer) -> None:
    server.install(server.request("1.0.0", telling("url")))
    (server.slots / "blue" / "release" / "told").touch()
    server.faults(*["throttle"] * 9)
    assert server.status()["health"]["version"].startswith("another one, not told")


@loopback
def test_the_version_that_a_slot_shall_run_is_told_without_asking_for_secrets(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    asked = len(server.calls("aws"))
    assert server.status_when_answering()["health"]["version"] == "1.0.0"
    assert len(server.calls("aws")) == asked


# --- bin/migrate, and other programs ----------------------------------------------------------------------------------


@loopback
def test_of_a_migration_that_says_very_much_only_the_end_is_kept(server: FakeServer) -> None:
    server.let_migrate("d1")
    much = "#!/bin/sh\nhead -c 5000000 /dev/zero | tr '\\0' x\necho\necho broke at $DATABASE_URL >&2\nexit 4\n"
    run = server.install(server.request("1.0.0", good("1.0.0", **{"bin/migrate": much})))
    assert run.answer["why"].startswith("bin/migrate failed with 4: broke at *** (its output: ")
    log = server.home / "stageline" / "log" / "blue-migrate.log"
    assert 200_000 < log.stat().st_size < 300_000
    text = log.read_text()
    assert text.startswith("(only the end of it is kept)\nxxx")
    assert text.endswith("x\nbroke at ***\n")


@pytest.mark.parametrize("at", range(len(SECRET) + 1))
def test_a_secret_is_hidden_wherever_it_is_cut_into_blocks(at: int) -> None:
    tail = Tail(1000)
    tail.add(f"before {SECRET[:at]}".encode())
    tail.add(f"{SECRET[at:]} behind".encode())
    assert scrubbed(tail, [SECRET]) == Said("before *** behind", False)


@pytest.mark.parametrize("left", range(len(SECRET) + 1))
@pytest.mark.parametrize("secrets", [[SECRET], [SECRET, "8"]], ids=["alone", "with a short one in it"])
def test_the_rest_of_a_secret_at_the_beginning_of_what_is_kept_is_not_shown(left: int, secrets: list[str]) -> None:
    tail = Tail(100 + left)
    tail.add(SECRET.encode() + b"x" * 100)
    said = scrubbed(tail, secrets)
    assert said.cut == (left < len(SECRET))
    assert set(said.text) <= set("x*")
    assert said.text.endswith("x" * 60)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        pytest.param("echo said", 0, id="ends well"),
        pytest.param("echo said; exit 3", 3, id="ends badly"),
        pytest.param("echo said; exec >&- 2>&-; exit 3", 3, id="closes its output first"),
        pytest.param("echo said; sleep 3 & exit 3", 3, id="leaves something running that says nothing"),
    ],
)
def test_a_program_is_heard_to_its_end_and_no_longer(script: str, code: int) -> None:
    tail = Tail(1000)
    assert hear(["sh", "-c", script], 2.0, tail) == code
    assert tail.text() == "said\n"


def test_what_a_program_leaves_running_is_not_heard_for_ever() -> None:
    tail = Tail(1000)
    assert hear(["sh", "-c", "yes & exit 3"], 5.0, tail) == 3
    assert len(tail.kept) <= 1000


@pytest.mark.parametrize("stream", ["1", "2"])
def test_of_every_program_only_the_end_of_what_it_says_is_held(stream: str) -> None:
    ended = execute(["sh", "-c", f"(head -c 3000000 /dev/zero; echo end) >&{stream}"], 10.0)
    said = {"1": ended.stdout, "2": ended.stderr}
    assert len(said.pop(stream)) == OUTPUT_LIMIT
    assert [*said.values()] == [""]


def test_signs_that_are_no_text_break_nothing() -> None:
    ended = execute(["printf", "\\377\\n"], 10.0)
    assert json.dumps(ended.stdout) == '"\\ufffd\\n"'
