"""Fieldmap over HTTP on loopback, with a database made by hand."""

import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

from examples.fieldmap.database import Database
from examples.fieldmap.errors import DatabaseUnavailable
from examples.fieldmap.server import Server

pytestmark = pytest.mark.enable_socket


class FakeDatabase(Database):
    """Has no rows, or fails with what it is told to."""

    def __init__(self) -> None:
        self.failure: Exception | None = None

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        if self.failure:
            raise self.failure
        return []


@pytest.fixture
def database() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
def server(database: FakeDatabase) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), database) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server: Server, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_an_answer_carries_its_length_and_forbids_scripts(server: Server) -> None:
    answer, body = ask(server, "GET", "/api/projects?page=1")
    assert (answer.status, body) == (200, b'{"projects": []}\n')
    assert answer.headers["Content-Length"] == str(len(body))
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_head_is_get_without_the_body(server: Server) -> None:
    answer, body = ask(server, "HEAD", "/health")
    assert (answer.status, body) == (200, b"")
    assert answer.headers["Content-Length"] == "44"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Content-Length": "65537"}, 413, id="too long"),
        pytest.param({"Content-Length": "-1"}, 400, id="negative"),
        pytest.param({"Content-Length": "x"}, 400, id="no number"),
        pytest.param({"Transfer-Encoding": "chunked"}, 411, id="of unknown length"),
    ],
)
def test_a_body_of_no_proper_length_is_refused_unread(server: Server, headers: dict[str, str], status: int) -> None:
    answer, _ = ask(server, "POST", "/api/projects", headers)
    assert answer.status == status


def test_a_database_that_is_away_is_503(server: Server, database: FakeDatabase) -> None:
    database.failure = DatabaseUnavailable("the database is away")
    answer, body = ask(server, "GET", "/api/projects")
    assert (answer.status, body) == (503, b'{"error": "the database is away"}\n')


def test_a_database_that_is_away_is_told_and_makes_no_server_ill(server: Server, database: FakeDatabase) -> None:
    database.failure = DatabaseUnavailable("the database is away")
    answer, body = ask(server, "GET", "/health")
    assert (answer.status, body) == (200, b'{"version": "0.0.0", "database": "the database is away"}\n')


def test_a_failed_statement_is_500_and_its_text_stays_in_the_log(
    server: Server, database: FakeDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    database.failure = ValueError("password=hunter2")
    answer, body = ask(server, "GET", "/api/projects")
    assert answer.status == 500
    assert b"hunter2" not in body
    assert "ValueError" in capfd.readouterr().err


def test_ending_waits_until_the_last_request_is_answered(server: Server) -> None:
    server.count(+1)
    last = threading.Timer(0.05, server.count, [-1])
    last.start()
    server.wait_for_answers()
    assert last.finished.is_set()
    last.join()
