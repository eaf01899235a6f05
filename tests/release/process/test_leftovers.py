"""What a killed deployment left running is found by its name in /proc, asked to end, and ended."""

import signal
from pathlib import Path

import pytest

from release.process.errors import Broken
from release.process.leftovers import Leftovers

GENTLE, STUBBORN, UNDYING = "gentle", "stubborn", "undying"
BEARING = {GENTLE: {signal.SIGTERM, signal.SIGKILL}, STUBBORN: {signal.SIGKILL}, UNDYING: set()}


class Machine:
    """A folder like /proc, and processes that end at some signals only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.signals: list[tuple[int, int]] = []
        self.bearing: dict[int, str] = {}
        self.leftovers = Leftovers(folder, kill=self.kill, pause=lambda seconds: None)

    def run(self, pid: int, program: str, environment: str, bearing: str = GENTLE) -> None:
        place = self.folder / str(pid)
        place.mkdir()
        (place / "cmdline").write_bytes(f"/opt/{program}\0--token\0secret\0".encode())
        (place / "environ").write_bytes(environment.replace(" ", "\0").encode())
        self.bearing[pid] = bearing

    def kill(self, pid: int, number: int) -> None:
        self.signals.append((pid, number))
        if number in BEARING[self.bearing[pid]]:
            for file in (self.folder / str(pid)).iterdir():
                file.unlink()
            (self.folder / str(pid)).rmdir()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_only_processes_of_this_very_deployment_are_ended(machine: Machine) -> None:
    machine.run(11, "pulumi", "HOME=/root STAGELINE_DEPLOYMENT=dev-1")
    machine.run(12, "pulumi", "HOME=/root STAGELINE_DEPLOYMENT=dev-12")
    machine.run(13, "pulumi", "NOTE=STAGELINE_DEPLOYMENT=dev-1")
    assert machine.leftovers.end("dev-1") == ("pulumi",)
    assert machine.signals == [(11, signal.SIGTERM)]


def test_pulumi_is_asked_first_because_it_frees_its_lock(machine: Machine) -> None:
    machine.run(21, "pulumi-language-python", "STAGELINE_DEPLOYMENT=dev-1", STUBBORN)
    machine.run(22, "pulumi", "STAGELINE_DEPLOYMENT=dev-1")
    assert sorted(machine.leftovers.end("dev-1")) == ["pulumi", "pulumi-language-python"]
    assert machine.signals == [(22, signal.SIGTERM), (21, signal.SIGTERM), (21, signal.SIGKILL)]


def test_nothing_left_means_nothing_to_end(machine: Machine) -> None:
    machine.run(31, "bash", "HOME=/root")
    assert (machine.leftovers.end("dev-1"), machine.signals) == ((), [])


def test_what_does_not_go_is_told_by_program_and_number_and_never_by_its_arguments(machine: Machine) -> None:
    machine.run(41, "pulumi", "STAGELINE_DEPLOYMENT=dev-1", UNDYING)
    with pytest.raises(Broken, match=r"still running for dev-1: pulumi \(41\)") as caught:
        machine.leftovers.end("dev-1")
    assert "secret" not in str(caught.value)


def test_a_process_of_somebody_else_is_no_leftover(machine: Machine) -> None:
    (machine.folder / "51").mkdir()
    assert machine.leftovers.of("dev-1") == ()
