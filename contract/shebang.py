"""How a program begins, and what of that keeps a server from running it: line ends, no `#!`, another kind of CPU.

Judged when an artifact is published, and told where a program could not be started.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

HEAD = 256  # bytes of a program that are looked at: the kernel reads as many of a first line
ELF = b"\x7fELF"
MACHINE = slice(18, 20)
MACHINES = {0x3E: "x86_64", 0xB7: "arm64", 0x03: "x86", 0x28: "arm", 0xF3: "riscv64", 0x15: "ppc64", 0x16: "s390x"}


def program_faults(name: str, head: bytes, machine: str | None) -> Iterator[str]:
    """Why servers of this machine (x86_64, arm64, or None where it is not known) could not run what begins so."""
    if head.startswith(ELF):
        built_for = machine_of(head)
        if machine and built_for != machine:
            yield f"{name} is built for {built_for}, the servers are {machine}: build it for them"
    elif not head.startswith(b"#!"):
        yield f"{name} has no first line that says what runs it: begin it with #!/bin/sh, or #!/usr/bin/env PROGRAM"
    elif first_line(head).endswith(b"\r"):
        yield f"{name} has the line ends of Windows: dos2unix {name}, or in .gitattributes: * text eol=lf"


def machine_of(head: bytes) -> str:
    """What kind of CPU a Linux binary is for."""
    number = int.from_bytes(head[MACHINE], "big" if head[5:6] == b"\x02" else "little")
    return MACHINES.get(number, f"machine {number}")


def first_line(head: bytes) -> bytes:
    """The first line of a program, without its end."""
    return head.partition(b"\n")[0]


def interpreter_of(head: bytes) -> str:
    """The program that a first line names; empty where it names none."""
    words = first_line(head)[2:].split() if head.startswith(b"#!") else []
    return words[0].decode(errors="replace") if words else ""


def why_not_run(program: str, error: OSError) -> str:
    """Why a program, by its path or by its name alone, could not be run. One line."""
    if "/" not in program:
        return f"{program[:100]!a} is not on this machine's PATH: put it there, or name another program"
    try:
        with Path(program).open("rb") as file:
            head = file.read(HEAD)
    except OSError as unread:
        return f"{program[:100]!a}: {unread.strerror}"
    if fault := next(program_faults(Path(program).name, head, None), ""):
        return fault
    if error.errno == errno.ENOENT:
        return f"the first line of {Path(program).name} names {interpreter_of(head)!a}, which is not on this machine"
    if error.errno == errno.ENOEXEC and head.startswith(ELF):
        return f"{Path(program).name} is built for {machine_of(head)}, this machine is another"
    return f"{Path(program).name}: {error.strerror}"
