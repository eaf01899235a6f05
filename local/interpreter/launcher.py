"""Stands in for Python where Pulumi starts a program: a fork of the warm interpreter runs it, or the genuine one does.

This file is copied into `.local/python/bin` as `python`, below a line that names the genuine interpreter. Standard
library only, and started without site packages: nobody should wait for it. Killed, it takes its fork with it.
"""

# pathlib takes longer to import than all of this
# ruff: noqa: PTH109, PTH120

import array
import json
import os
import signal
import socket
import sys
from typing import NoReturn

GENUINE: str

COLD = "STAGELINE_COLD"  # set by whoever wants to measure what programs take elsewhere
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
STREAMS = (0, 1, 2)


def main() -> int:
    arguments = sys.argv[1:]
    if not is_warm(arguments):
        become_genuine()
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # the fork may be at work before it can be told
    try:
        run = begin(os.path.realpath(f"{os.path.dirname(os.path.realpath(__file__))}/../.."), arguments)
    except (OSError, ValueError, KeyError):
        become_genuine()
    for number in PASSED_ON:
        signal.signal(number, lambda received, _: run.sendall(bytes([received])))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    return ended(run)


def is_warm(arguments: list[str]) -> bool:
    """A program by its file, or pip: what Pulumi starts. Everything else is rare."""
    words = [word for word in arguments if word != "-u"]
    if not words or os.environ.get(COLD):
        return False
    return not words[0].startswith("-") or words[:2] == ["-m", "pip"]


def become_genuine() -> NoReturn:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    os.execv(GENUINE, [GENUINE, *sys.argv[1:]])  # noqa: F821 - a line above this text gives it


def begin(root: str, arguments: list[str]) -> socket.socket:
    """The connection to the warm interpreter, which has taken this run over."""
    with connect(root, "control.sock") as control:
        control.sendall(b'{"do": "interpreter"}\n')
        reply = json.loads(control.makefile().readline() or "{}")
    request: dict[str, object] = {"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd()}
    return hand_over(connect(root, reply["socket"]), request, STREAMS)


def hand_over(run: socket.socket, request: object, streams: tuple[int, ...]) -> socket.socket:
    """Give a run away: its request, and the three streams that it shall have."""
    text = json.dumps(request).encode()
    run.sendmsg([len(text).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams))])
    run.sendall(text)
    if run.recv(1) != b"+":
        raise OSError("the warm interpreter has just ended")
    return run


def ended(run: socket.socket) -> int:
    """The exit code of the fork, once it has ended; as a shell says it, where a signal ended it."""
    code = run.recv(1)
    return code[0] if code else 128 + signal.SIGKILL


def connect(folder: str, name: str) -> socket.socket:
    """A socket's path has 107 characters at most, so it goes through the folder."""
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(f"/proc/self/fd/{opened}/{name}")
    finally:
        os.close(opened)
    return connection


if __name__ == "__main__":
    sys.exit(main())
