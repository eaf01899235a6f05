"""Requests of one service follow each other, those of different ones do not wait."""

import io
from threading import Event, Thread
from typing import Any

import pytest

from local.gate.calls import Call
from local.gate.turns import Turns, read_whole


def call(service: str) -> Call:
    return Call(service=service, operation="Do", shape="query")


@pytest.mark.parametrize(
    ("other", "waits"),
    [
        pytest.param("ec2", True, id="the-same"),
        pytest.param("elbv2", True, id="one-that-reads-its-models"),
        pytest.param("rds", False, id="another"),
    ],
)
def test_only_one_request_of_a_service_is_served_at_a_time(other: str, waits: bool) -> None:
    turns, served = Turns(), Event()

    def serve() -> None:
        with turns.of(call(other)):
            served.set()

    beside = Thread(target=serve)
    with turns.of(call("ec2")):
        beside.start()
        assert served.wait(0.05 if waits else 10) is not waits
    beside.join()
    assert served.is_set()


def test_a_service_that_calls_itself_does_not_wait_for_itself() -> None:
    turns = Turns()
    with turns.of(call("rds")), turns.of(call("rds")):
        assert turns.of(call("rds")).acquire(blocking=False)


def test_a_body_is_read_before_its_turn_comes_unless_its_length_is_not_known() -> None:
    sent, in_parts = io.BytesIO(b"{} and the next request"), io.BytesIO(b"{}")
    environ: dict[str, Any] = {"wsgi.input": sent, "CONTENT_LENGTH": "2"}
    read_whole(environ)
    assert (environ["wsgi.input"].read(), sent.read()) == (b"{}", b" and the next request")
    environ = {"wsgi.input": in_parts, "wsgi.input_terminated": True}
    read_whole(environ)
    assert environ["wsgi.input"] is in_parts
