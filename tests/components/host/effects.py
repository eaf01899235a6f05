"""Runs a program and counts its effects: python effects.py LIST SIGNAL NUMBER PROGRAM ARGUMENT...

An effect is what a kill may come before or after: a file made, renamed or removed, a program started. Their names are
written to the file LIST, one a line; SIGNAL hits the process just before the one with that NUMBER (-1: none). With
`full` instead of a signal no file can grow any more from there on, in this process and its children. As one
effect follows another, that is also just after each of them. A file that is open and still empty, and a program that
has started and not ended, count once more. Looking at a unit's state is none, or the number would depend on the time.
"""
# names of files come as they were given to the system
# ruff: noqa: PTH119

import builtins
import contextlib
import io
import os
import resource
import runpy
import subprocess
import sys
from collections.abc import Callable
from typing import Any

CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod")
log, fault, at = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), sys.argv[2], int(sys.argv[3])
count = 0


def effect(*words: object) -> None:
    global count
    with contextlib.suppress(OSError):  # after `full`
        os.write(log, f"{' '.join(os.path.basename(str(word)) for word in words)}\n".encode())
    if count == at and fault == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    elif count == at:
        os.kill(os.getpid(), int(fault))
    count += 1


def audited(event: str, arguments: tuple[Any, ...]) -> None:
    if event in CHANGES:
        effect(event, *arguments[: 2 if event == "os.rename" else 1])


def opened(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
    stream = real_open(file, mode, *more, **named)
    if "r" not in mode:
        effect("opened", file)
    return stream


class Popen(subprocess.Popen):  # type: ignore[type-arg]  # of bytes and of text
    def __init__(self, command: list[str], **named: Any) -> None:
        counted = "show" not in command
        if counted:
            effect("start", *command[:4])
        super().__init__(command, **named)
        if counted:
            effect("started", *command[:4])


def told(name: str) -> Callable[..., None]:
    real = getattr(os, name)

    def call(*arguments: Any) -> None:
        real(*arguments)
        effect(name)

    return call


real_open = io.open
builtins.open = io.open = opened
subprocess.Popen = Popen  # type: ignore[assignment,misc]  # in a process of its own, to be counted
os.sync, os.fsync = told("sync"), told("fsync")
sys.addaudithook(audited)
sys.argv = sys.argv[4:]
runpy.run_path(sys.argv[0], run_name="__main__")
