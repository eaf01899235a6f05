"""The way to a database: one connection, joined with a command that stands in for ssh."""

import os
import socket
import sys
import threading

import pytest

from release.doors.servers.tunnel import Tunnel, tunnel
from release.process.text import MOST

pytestmark = pytest.mark.enable_socket

ECHO = [sys.executable, "-c", "import os; os.write(1, os.read(0, 100).upper())"]
REFUSES = [sys.executable, "-c", "import sys; sys.exit('first\\nchannel 0: open failed: connect failed\\n\\n')"]
DEAF = [sys.executable, "-c", "import os, signal; os.write(1, b'%d\\n' % os.getpid()); signal.pause()"]


def said_through(way: Tunnel, text: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", way.port)) as connection:
        connection.sendall(text)
        return connection.makefile("rb").read()


def test_a_connection_is_joined_with_the_commands_input_and_output() -> None:
    with tunnel(ECHO) as way:
        assert said_through(way, b"who is there") == b"WHO IS THERE"
        assert way.why == ""


def test_what_the_command_complained_about_last_is_the_reason() -> None:
    with tunnel(REFUSES) as way:
        assert said_through(way, b"") == b""
        assert way.why == "channel 0: open failed: connect failed"


def test_a_complaint_that_never_ends_is_told_in_one_line_that_prints() -> None:
    endless = [sys.executable, "-c", "import sys; sys.exit('\\x1b[2J' + 'x' * 200_000 + '\\x1b]0;y\\n')"]
    with tunnel(endless) as way:
        assert said_through(way, b"") == b""
        assert way.why == "x" * (MOST - 1) + "…"


def test_a_missing_command_is_a_reason_too() -> None:
    with tunnel(["/no/such/ssh"]) as way:
        assert said_through(way, b"") == b""
        assert way.why == "there is no ssh on PATH"


def test_nothing_is_left_when_nobody_connects() -> None:
    before = threading.active_count()
    with tunnel(ECHO) as way:
        port = way.port
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_command_that_does_not_end_is_ended() -> None:
    with tunnel(DEAF, end_limit=0.1) as way, socket.create_connection(("127.0.0.1", way.port)) as connection:
        process = int(connection.makefile("rb").readline())
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
