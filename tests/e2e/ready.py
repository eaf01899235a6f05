"""dev as most tests want it: up, and 1.0.0 live in it. Each worker makes it once, and a file gets a copy of its own.

What was made is kept (`local-cloud down --keep`) and copied aside. A copy goes on at the very place where it was made,
because paths and addresses stand in all that is kept; so a worker has one at a time, and between two of them it holds
their addresses against other clouds of this machine.
"""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from local.addresses import DATABASE_PORT
from local.control import ask
from local.demo import Cloud, bring_up
from local.keeping import read_kept
from local.paths import Paths
from tests.e2e.clone import Clone, CommandLines, client, eventually, new_program, publish, shell

PROMOTION = ("release", "promote", "1.0.0", "--to", "dev", "--json")


@dataclass(frozen=True, kw_only=True)
class Made:
    """Every command line that a process had from `release init` to the first release, and what its promotion said."""

    command_lines: set[str]
    said: str


class Ready:
    """Gives copies of dev: without any release (`dev`), or with 1.0.0 published and live (`live_dev`)."""

    def __init__(self, folder: Path) -> None:
        self._clone = Clone(folder / "a clone")
        self._up, self._live = folder / "up", folder / "live"
        self._held: socket.socket | None = None

    @contextmanager
    def dev(self, *options: str) -> Iterator[Cloud]:
        """dev is up, and nothing was ever deployed there; `options` are those of `local-cloud up`."""
        assert self.made
        with self._copy(self._up, *options) as cloud:
            yield cloud

    @contextmanager
    def live_dev(self) -> Iterator[Cloud]:
        """dev, with 1.0.0 published and live in blue."""
        assert self.made
        with self._copy(self._live) as cloud:
            eventually(lambda: _healthy(cloud) == 2, limit=60)
            yield cloud

    @cached_property
    def made(self) -> Made:
        """What was seen while it was made: now, unless it was made before."""
        with CommandLines() as lines:
            new_program(self._clone.folder)
            with self._running() as cloud:
                bring_up(cloud, "dev")
                self._keep(self._up)
            with self._copy(self._up) as cloud:
                said = _first_release(cloud)
                self._keep(self._live)
        return Made(command_lines=lines.seen, said=said)

    def close(self) -> None:
        """Let the addresses go for good."""
        if self._held:
            self._held.close()

    def _keep(self, place: Path) -> None:
        _must(self._clone, "down", "--keep")
        _copy(self._clone.folder, place)

    @contextmanager
    def _copy(self, kept: Path, *options: str) -> Iterator[Cloud]:
        _copy(kept, self._clone.folder)
        with self._running(*options) as cloud:
            yield cloud

    @contextmanager
    def _running(self, *options: str) -> Iterator[Cloud]:
        """The cloud in the clone goes on; at the end its folder is gone, and so is every process."""
        with ExitStack() as ending:
            ending.callback(shutil.rmtree, self._clone.folder)
            ending.callback(self._hold_addresses)
            ending.callback(self._clone.run, "down")
            self.close()
            _must(self._clone, "up", *options)
            cloud = shell(self._clone)
            eventually(lambda: _servers_are_up(cloud), limit=60)
            yield cloud
        assert self._clone.processes() == []

    def _hold_addresses(self) -> None:
        kept = read_kept(Paths(project=self._up).kept)
        assert kept is not None, "dev did not come up"
        self._held = socket.create_server((f"127.{kept.block}.2.1", DATABASE_PORT))


def _copy(source: Path, target: Path) -> None:
    """With owners, as databases are not their maker's; a copy shares what nobody changes where the disk can do that."""
    subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True)


def _must(clone: Clone, *arguments: str) -> None:
    done = clone.run(*arguments)
    assert done.returncode == 0, done.stderr


def _first_release(cloud: Cloud) -> str:
    publish(cloud, "1.0.0")
    promoted = cloud.run(*PROMOTION)
    assert promoted.returncode == 0, promoted.stderr
    return promoted.stdout + promoted.stderr


def _servers_are_up(cloud: Cloud) -> bool:
    servers = ask(cloud.paths.control, {"do": "status"})["servers"]
    return all(server["ssh"] and server["state"] == "running" for server in servers)


def _healthy(cloud: Cloud) -> int:
    """How many servers the balancer calls healthy, in whichever slot."""
    balancers = client(cloud, "elbv2")
    groups = [group["TargetGroupArn"] for group in balancers.describe_target_groups()["TargetGroups"]]
    health = (balancers.describe_target_health(TargetGroupArn=group) for group in groups)
    states = [one["TargetHealth"]["State"] for each in health for one in each["TargetHealthDescriptions"]]
    return states.count("healthy")
