"""The door to databases: what is said when the way or the database does not let us in. No password is ever in it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from contract.database import Address, Login
from release.doors.database.door import DatabaseDoor, Way
from release.doors.database.drivers import first_line, numbered
from release.doors.servers.ssh import Door, NotReached, Ssh

DOOR = Door(user="stageline", port=22, host_key="")
LOGIN = Login(username="application", password="p" * 30)
SILENT = "pass"
REFUSING = "import sys; sys.exit('channel 0: open failed: connect failed')"


def address(engine: str) -> Address:
    return Address(identifier="env-1", engine=engine, host="db.example", port=5432, name="app", secret="s", tls=True)


@dataclass(frozen=True, kw_only=True)
class FakeSsh(Ssh):
    """Leads to a program that stands in for ssh."""

    program: str

    @contextmanager
    def leading_to(self, address: str, target: str) -> Iterator[list[str]]:
        assert (address, target) == ("127.0.0.2", "db.example:5432")
        yield [sys.executable, "-c", self.program]


def way(program: str) -> Way:
    return Way(ssh=FakeSsh(program=program, servers=DOOR, private_key=""), server="127.0.0.2")


@pytest.mark.enable_socket
@pytest.mark.parametrize("engine", ["postgres", "mysql"])
def test_a_database_that_hangs_up_does_not_open(engine: str) -> None:
    assert DatabaseDoor().opens(way(SILENT), address(engine), LOGIN) is False


@pytest.mark.enable_socket
@pytest.mark.parametrize("engine", ["postgres", "mysql"])
def test_a_way_that_ends_at_the_server_is_told_with_sshs_reason(engine: str) -> None:
    with pytest.raises(NotReached, match=r"not reached through 127.0.0.2: channel 0: open failed") as raised:
        DatabaseDoor().opens(way(REFUSING), address(engine), LOGIN)
    assert LOGIN.password not in str(raised.value)


def test_of_mysqls_errors_only_the_number_is_told() -> None:
    assert numbered(ValueError(1064, f"near '{LOGIN.password}'")) == "MySQL's error 1064"
    assert numbered(ValueError()) == "MySQL did not say why"


def test_of_postgres_errors_only_the_first_line_is_told() -> None:
    assert first_line(ValueError("syntax error\nLINE 1: ALTER ROLE ...")) == "syntax error"
    assert first_line(ValueError("")) == "it did not say why"
