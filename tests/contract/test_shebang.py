"""What keeps a server from running a program, told by how the program begins."""

import subprocess
from pathlib import Path

import pytest

from contract.shebang import program_faults, why_not_run


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01" + bytes(12) + machine.to_bytes(2, "little") + bytes(44)


@pytest.mark.parametrize(
    ("head", "machine", "fault"),
    [
        pytest.param(b"#!/bin/sh\r\nexit", None, "line ends of Windows: dos2unix bin/start", id="windows"),
        pytest.param(b"exec node x\n", None, "no first line that says what runs it", id="no-first-line"),
        pytest.param(b"", None, "no first line that says what runs it", id="nothing"),
        pytest.param(elf(0xB7), "x86_64", "built for arm64, the servers are x86_64", id="another-cpu"),
        pytest.param(elf(0x1234), "arm64", "built for machine 4660, the servers are arm64", id="an-unknown-cpu"),
    ],
)
def test_what_would_not_run_is_told(head: bytes, machine: str | None, fault: str) -> None:
    (told,) = program_faults("bin/start", head, machine)
    assert fault in told


@pytest.mark.parametrize(
    ("head", "machine"),
    [(b"#!/bin/sh\n", "arm64"), (elf(0x3E), "x86_64"), (elf(0x3E), None)],
    ids=["a-script", "the-right-cpu", "no-cpu-known"],
)
def test_what_would_run_has_no_fault(head: bytes, machine: str | None) -> None:
    assert list(program_faults("bin/start", head, machine)) == []


@pytest.mark.parametrize(
    ("head", "why"),
    [
        pytest.param(b"#!/usr/bin/python9\n", "first line of start names '/usr/bin/python9'", id="interpreter"),
        pytest.param(b"#!/bin/sh\r\n", "start has the line ends of Windows", id="windows"),
        pytest.param(elf(0x15), "start is built for ppc64, this machine is another", id="another-cpu"),
    ],
)
def test_why_a_program_did_not_run_is_told_by_what_is_in_it(tmp_path: Path, head: bytes, why: str) -> None:
    program = tmp_path / "start"
    program.write_bytes(head)
    program.chmod(0o755)
    with pytest.raises(OSError) as failed:  # whatever the kernel says
        subprocess.run([str(program)], check=False)
    assert why in why_not_run(str(program), failed.value)


def test_a_program_that_is_not_there_is_named() -> None:
    assert why_not_run("java", FileNotFoundError()) == (
        "'java' is not on this machine's PATH: put it there, or name another program"
    )
