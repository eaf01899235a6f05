"""A prober tells when users came to a release, over real HTTP."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread

import pytest

from bench.figure import NotMeasured
from bench.prober import Prober

pytestmark = pytest.mark.enable_socket


@dataclass
class Users:
    """What answers users, and whether it did since it was changed."""

    version: str = "1.0.0"
    answered: Event = field(default_factory=Event)

    def move(self, version: str) -> None:
        """Answer with another version from now on, and wait until somebody was answered twice."""
        self.version = version
        for _ in range(2):
            self.answered.clear()
            assert self.answered.wait(10)


@contextmanager
def served(users: Users) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"version": users.version}).encode())
            users.answered.set()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_the_moment_of_a_release_is_that_of_its_first_answer_after_another_one() -> None:
    users = Users()
    with served(users) as url, Prober(url) as prober:
        users.move("1.0.0")
        moved = time.monotonic()
        users.move("2.0.0")
        there = time.monotonic()
        users.move("2.0.0")
        assert moved < prober.moment("2.0.0") < there
    assert (prober.dropped("a move").value, prober.versions) == (0, ["1.0.0", "2.0.0"])


def test_where_users_are_on_another_release_there_is_no_moment() -> None:
    users = Users()
    with served(users) as url, Prober(url) as prober:
        users.move("1.0.0")
        with pytest.raises(NotMeasured, match=r"users are not on 2\.0\.0: 1\.0\.0"):
            prober.moment("2.0.0")
