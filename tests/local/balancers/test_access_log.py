"""The access log has AWS's lines, in AWS's files."""

import gzip
import re
import shlex
from datetime import UTC, datetime
from typing import Any

import pytest

from local.balancers.access_log import LogPlace, line_of, log_key, log_place
from local.balancers.passage import Client, Passage
from local.balancers.targets import Target
from tests.local.balancers.world import ARN, NOTHING_LIVE, Application, World

BLUE = Target(group="blue", known_as="i-1", scheme="http", address="127.9.3.1", port=8081)
MOMENT = datetime(2026, 11, 21, 10, 46, 50, 186641, tzinfo=UTC)
SWITCHED_ON = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "logs", "access_logs.s3.prefix": "alb"}
FIELDS = 30


def passage(agent: str = "curl/8", **more: Any) -> Passage:
    client = Client(
        address="127.0.0.1",
        port=50000,
        request_line="GET http://127.9.1.1:8080/maps?x=1 HTTP/1.1",
        user_agent=agent,
        server_name=None,
        cipher=None,
        protocol=None,
        certificate=None,
    )
    return Passage(client=client, trace="Root=1-58337262-36d2", created=MOMENT, began=1.0, **more)


def test_a_line_of_a_forwarded_request_has_all_fields_in_order() -> None:
    went = passage(
        action="forward",
        group="arn:blue",
        target=BLUE,
        sent_on=1.001,
        answered=1.101,
        ended=1.111,
        status=200,
        target_status=200,
        received_bytes=34,
        sent_bytes=366,
    )
    line = shlex.split(line_of(went, "app/balancer/50dc"))
    assert line[0] == "http"
    assert line[2:16] == [
        "app/balancer/50dc",
        "127.0.0.1:50000",
        "127.9.3.1:8081",
        "0.001",
        "0.100",
        "0.010",
        "200",
        "200",
        "34",
        "366",
        "GET http://127.9.1.1:8080/maps?x=1 HTTP/1.1",
        "curl/8",
        "-",
        "-",
    ]
    assert line[16:] == [
        "arn:blue",
        "Root=1-58337262-36d2",
        "-",
        "-",
        "0",
        "2026-11-21T10:46:50.186641Z",
        "forward",
        "-",
        "-",
        "127.9.3.1:8081",
        "200",
        "-",
        "-",
        "-",
    ]
    assert len(line) == FIELDS


def test_a_line_without_a_target_has_no_times() -> None:
    line = shlex.split(line_of(passage(status=503), "app"))
    assert (line[4:8], line[8:10], line[20]) == (["-", "-1", "-1", "-1"], ["503", "-"], "-1")


@pytest.mark.parametrize("agent", ['a" 200 "b', "two\nlines", "back\\slash", "ümlaut\x85"])
def test_what_a_client_says_cannot_end_its_field_or_the_line(agent: str) -> None:
    line = line_of(passage(agent, status=200), "app")
    assert (len(shlex.split(line)), len(line.splitlines())) == (FIELDS, 1)


def test_a_file_lies_where_aws_puts_it() -> None:
    key = log_key(ARN, "127.9.1.1", "alb", MOMENT)
    assert re.fullmatch(
        r"alb/AWSLogs/123456789012/elasticloadbalancing/eu-central-1/2026/11/21/123456789012_elasticloadbalancing_"
        r"eu-central-1_app\.balancer\.50dc6c495c0c9188_20261121T1046Z_127\.9\.1\.1_[0-9a-f]{8}\.log\.gz",
        key,
    )


def test_without_a_prefix_the_key_begins_with_awslogs() -> None:
    assert log_key(ARN, "127.9.1.1", "", MOMENT).startswith("AWSLogs/123456789012/")


@pytest.mark.parametrize(
    ("attributes", "place"),
    [
        ({}, None),
        ({**SWITCHED_ON, "access_logs.s3.enabled": "false"}, None),
        (SWITCHED_ON, LogPlace(bucket="logs", prefix="alb")),
    ],
)
def test_the_attributes_switch_the_log_on(attributes: dict[str, str], place: LogPlace | None) -> None:
    assert log_place(attributes) == place


@pytest.mark.enable_socket
def test_closing_stores_a_line_for_each_request(world: World, blue: Application) -> None:
    world.model.attrs.update(SWITCHED_ON)
    world.listen(world.group("blue", blue))
    world.become("blue", "healthy")
    world.get("/maps?x=1", data=b"body")
    world.listen(NOTHING_LIVE)
    world.get()
    world.balancers.remove(ARN)
    (content,) = world.around.stored.values()
    forwarded, fixed = (shlex.split(line) for line in gzip.decompress(content).decode().splitlines())
    assert (forwarded[8:11], forwarded[12][:10], forwarded[22]) == (["200", "200", "4"], "POST http:", "forward")
    assert (fixed[8:11], fixed[22]) == (["503", "-", "0"], "fixed-response")
    assert int(forwarded[11]) > len("bluebody")


@pytest.mark.enable_socket
def test_a_bucket_that_is_gone_loses_the_log_and_stops_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.model.attrs.update(SWITCHED_ON)
    world.around.bucket = "another"
    world.listen(NOTHING_LIVE)
    answer = world.get()[0]
    world.balancers.remove(ARN)
    assert (answer, world.around.stored) == (503, {})
    assert "1 lines of the access log" in caplog.text
