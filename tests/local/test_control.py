"""Requests over the control socket are answered by name, in one line each way."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from local.control import Connection, ControlServer, NotAnswering, NotRunning, ask
from local.errors import CloudError

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def released() -> Event:
    return Event()


@pytest.fixture
def path(tmp_path: Path, released: Event) -> Iterator[Path]:
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()

    def refuse(request: dict[str, Any], connection: Connection) -> dict[str, Any]:
        raise CloudError("the port is taken: choose another")

    def fail(request: dict[str, Any], connection: Connection) -> dict[str, Any]:
        return {"never": request["missing"]}

    def hold(request: dict[str, Any], connection: Connection) -> dict[str, Any]:
        connection.hold(released.set)
        return {"port": 1}

    server = ControlServer(
        deep / "control.sock",
        {
            "double": lambda request, connection: {"result": request["number"] * 2},
            "refuse": refuse,
            "fail": fail,
            "hold": hold,
            "stall": lambda request, connection: {"in_time": released.wait(5)},
        },
    )
    server.start()
    yield deep / "control.sock"
    server.close()


def test_a_request_is_answered_by_the_handler_of_its_name_however_deep_the_folder_is(path: Path) -> None:
    assert ask(path, {"do": "double", "number": 21}) == {"result": 42}


def test_a_long_request_arrives_whole(path: Path) -> None:
    text = "x" * 500_000
    assert ask(path, {"do": "double", "number": text})["result"] == text * 2


def test_a_refusal_reaches_the_asker_in_the_handlers_words(path: Path) -> None:
    with pytest.raises(CloudError, match=r"^the port is taken: choose another$"):
        ask(path, {"do": "refuse"})


def test_a_handler_that_fails_still_answers(path: Path) -> None:
    with pytest.raises(CloudError, match="KeyError: 'missing'"):
        ask(path, {"do": "fail"})


@pytest.mark.parametrize("line", [b"no json\n", b'{"do": "unknown"}\n', b"{}\n", b"[]\n", b"7\n"])
def test_what_is_no_known_request_is_refused(path: Path, line: bytes) -> None:
    with connected(path) as asker:
        asker.sendall(line)
        reply = json.loads(asker.makefile().readline())
    assert reply["ok"] is False


def test_what_a_handler_holds_is_released_only_when_the_asker_is_gone(path: Path, released: Event) -> None:
    with connected(path) as asker:
        asker.sendall(b'{"do": "hold"}\n')
        assert json.loads(asker.recv(1000)) == {"ok": True, "port": 1}
        assert not released.is_set()
    assert released.wait(5)


def test_a_stuck_daemon_is_not_taken_for_one_that_is_not_there(path: Path, released: Event) -> None:
    with pytest.raises(NotAnswering, match="does not answer within 0 s"):
        ask(path, {"do": "stall"}, timeout=0.1)
    released.set()


def test_nobody_else_may_use_the_socket(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_asking_a_cloud_that_is_not_there_says_how_to_start_it(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="local-cloud up"):
        ask(tmp_path / "control.sock", {"do": "status"})


def test_asking_after_a_daemon_was_killed_says_that_it_is_not_running(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "control.sock"))
    left.close()
    with pytest.raises(NotRunning):
        ask(tmp_path / "control.sock", {"do": "status"})


def connected(path: Path) -> socket.socket:
    asker = socket.socket(socket.AF_UNIX)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path.parent)
        asker.connect(path.name)
    asker.settimeout(5)
    return asker
