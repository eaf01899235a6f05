"""Hop: nobody is sent through the bastion to a server that is not ready, and everybody checks both host keys."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncssh
import pytest

from components.recording import Declared, Recording
from components.slots import Slots
from components.stage.hop import SHOWS_PINNED_KEY
from tests.components.recording import (
    BASTION_KEY,
    BLUE_LIVE_GREEN_FILLED,
    HOST_KEY,
    PRIVATE_KEY,
    private_settings_of,
    record,
    settings_of,
)

COMMAND = "command:remote:Command"
COPY = "command:remote:CopyToRemote"
LIMIT = 60


@pytest.fixture(scope="module")
def private() -> Recording:
    return record(private_settings_of("prod"), BLUE_LIVE_GREEN_FILLED)


def waits(found: Recording) -> list[Declared]:
    return [one for one in found.of(COMMAND) if one.name.endswith("-reached")]


def sent_through(found: Recording) -> list[Declared]:
    """Whatever is done on servers."""
    return [one for kind in (COMMAND, COPY) for one in found.of(kind) if one not in waits(found)]


def test_nobody_waits_for_public_servers() -> None:
    assert waits(record(settings_of("prod"), BLUE_LIVE_GREEN_FILLED)) == []


def test_whatever_reaches_a_server_passes_the_bastion_and_pins_both_host_keys(private: Recording) -> None:
    found = sent_through(private)
    assert len(found) >= 6
    for one in found:
        connection = one.inputs["connection"]
        assert connection["host"] == f"private-env-servers-{server_number(one)}"
        assert connection["hostKey"] == HOST_KEY
        assert connection["proxy"] == {
            "host": "public-env-bastion-instance",
            "user": "stageline",
            "port": 22,
            "dialErrorLimit": 60,
            "perDialTimeout": 15,
            "hostKey": BASTION_KEY,
            "privateKey": PRIVATE_KEY,
        }
        assert "connection" in one.secrets


def server_number(one: Declared) -> str:
    found = re.search(r"-(\d)(-|$)", one.name)
    assert found is not None
    return found[1]


def test_nobody_is_sent_through_before_the_bastion_saw_the_servers_pinned_key(private: Recording) -> None:
    seen = {server_number(one): one.urn for one in waits(private)}
    copies = private.of(COPY)
    assert sorted(seen) == ["1", "2"]
    assert [seen[server_number(copy)] in copy.after for copy in copies] == [True, True]


def test_the_bastion_looks_by_itself_and_is_told_where_on_stdin(private: Recording) -> None:
    for wait in waits(private):
        number = server_number(wait)
        assert wait.inputs["connection"]["host"] == "public-env-bastion-instance"
        assert wait.inputs["connection"]["hostKey"] == BASTION_KEY
        assert "proxy" not in wait.inputs["connection"]
        assert wait.inputs["stdin"] == f"private-env-servers-{number} 22 {HOST_KEY.split()[1]}\n"
        assert wait.inputs["triggers"] == [f"env-servers-{number}-id"]
        assert wait.inputs["create"].startswith("timeout 300 sh -c ")


def test_a_deployment_runs_no_wait_again() -> None:
    before = record(private_settings_of("prod"), Slots())
    after = record(private_settings_of("prod"), BLUE_LIVE_GREEN_FILLED)
    assert [one.inputs for one in waits(before)] == [one.inputs for one in waits(after)]


@pytest.mark.enable_socket
def test_the_look_ends_when_the_server_shows_the_pinned_key_and_not_with_its_images() -> None:
    images, pinned = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    asyncio.run(asyncio.wait_for(look(images, pinned), LIMIT))


async def look(images: asyncssh.SSHKey, pinned: asyncssh.SSHKey) -> None:
    key = pinned.export_public_key().split()[1].decode()
    async with server(images) as (listening, visits):
        looking = await asyncio.create_subprocess_exec("sh", "-c", SHOWS_PINNED_KEY, stdin=asyncio.subprocess.PIPE)
        try:
            await tell(looking, f"127.0.0.1 {listening.get_port()} {key}\n")
            for _ in range(2):
                await visits.get()
            assert looking.returncode is None
            listening.update(server_host_keys=[pinned])
            assert await looking.wait() == 0
        finally:
            if looking.returncode is None:
                looking.kill()
                await looking.wait()


async def tell(process: asyncio.subprocess.Process, text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text.encode())
    await process.stdin.drain()


@asynccontextmanager
async def server(key: asyncssh.SSHKey) -> AsyncIterator[tuple[Any, "asyncio.Queue[None]"]]:
    """A server that shows a key, and each visit that it gets."""
    visits: asyncio.Queue[None] = asyncio.Queue()

    class Door(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            visits.put_nowait(None)

    async with await asyncssh.listen("127.0.0.1", 0, server_factory=Door, server_host_keys=[key]) as listening:
        yield listening, visits
