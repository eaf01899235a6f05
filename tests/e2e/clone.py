"""A clone of the project in a folder of its own, so that the tests' cloud is nobody else's.

``Clone`` is the folder with its ``local-cloud`` command; ``shell`` gives what a user has after
``eval "$(local-cloud env)"``; the rest reads what must not have changed, past ``release`` and Pulumi.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from threading import Event, Thread
from typing import Any

import click

from examples.build import build
from local.clients import cloud_client
from local.demo import AT_ONCE, Cloud
from local.paths import CODE, Paths
from release.process.canonical import canonical_json
from tests.e2e.verbs import warm_verbs
from tests.project import copy_project

ACCESS = ("AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
PROGRESS = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 .*")  # a step's end, or why it waits
PROGRAM = ("__main__.py", "components", "contract", "release", "settings")
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Shell(Cloud):
    """A user's shell; verbs of `release` wait for no imports there while tests run."""

    def run(self, *command: str) -> Done:
        verbs = warm_verbs()
        if verbs is None or command[0] != "release":
            return super().run(*command)
        click.secho(f"  $ {' '.join(command)}", dim=True)
        return verbs.run(command, self.paths.project, self.variables)


@dataclass
class Clone:
    """A project of its own."""

    folder: Path

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The command `local-cloud`, run in the clone."""
        environment = {**os.environ, "PYTHONPATH": str(CODE)}
        for name in ("STAGELINE_ROOT_DIR", "STAGELINE_PROJECT"):
            environment.pop(name, None)
        return subprocess.run(
            [sys.executable, "-m", "local.cli", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return found

    def environment(self) -> dict[str, str]:
        """The environment of a shell after `eval "$(local-cloud env)"`."""
        show = "import json, os; print(json.dumps(dict(os.environ)))"
        shell = f'{self.run("env").stdout}\n"{sys.executable}" -c "{show}"'
        printed = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout
        variables: dict[str, str] = json.loads(printed)
        return variables

    def client(self, service: str) -> Any:
        return _client(service, *(self.environment()[name] for name in ACCESS))

    def processes(self) -> list[str]:
        """Command lines of living processes that name this clone."""
        return [line for line in command_lines() if str(self.folder) in line]


def client(cloud: Cloud, service: str) -> Any:
    """A boto3 client of this cloud, the same one each time: making one takes longer than using it."""
    return _client(service, *(cloud.variables[name] for name in ACCESS))


@cache
def _client(service: str, region: str, url: str, key: str, secret: str) -> Any:
    return cloud_client(service, url=url, region=region, key=key, secret=secret)


def new_clone(folder: Path) -> Clone:
    """A clone of the tests' project that has, unless it gets another one, no program."""
    folder.mkdir()
    return Clone(copy_project(folder))


def stack_files(folder: Path) -> dict[str, bytes]:
    """What must stay as it is, whatever a cloud does."""
    return {file.name: file.read_bytes() for file in folder.glob("Pulumi*.yaml")}


def new_program(folder: Path) -> Clone:
    """A clone with the whole program."""
    clone = new_clone(folder)
    for name in PROGRAM:
        (folder / name).symlink_to(CODE / name)
    return clone


@contextmanager
def running_cloud(folder: Path) -> Iterator[Cloud]:
    """The shell of a user of a clone with the whole program, its cloud up; gone at the end, with every process."""
    clone = new_program(folder)
    try:
        started = clone.run("up")
        assert started.returncode == 0, started.stderr
        yield shell(clone)
    finally:
        clone.run("down")
    assert clone.processes() == []


def shell(clone: Clone) -> Cloud:
    """What a user has after `eval "$(local-cloud env)"`, with a home and a folder for temporary files of its own."""
    own = {name: clone.folder / name.lower() for name in ("HOME", "TMPDIR")}
    for folder in own.values():
        folder.mkdir(exist_ok=True)
    variables = {**clone.environment(), **{name: str(folder) for name, folder in own.items()}}
    return Shell(Paths(project=clone.folder), variables)


def changed(cloud: Cloud, *without: str, **variables: str) -> Cloud:
    """The same shell with other variables."""
    kept = {name: value for name, value in cloud.variables.items() if name not in without}
    return replace(cloud, variables={**kept, **variables})


def begin(cloud: Cloud, *command: str) -> "subprocess.Popen[str]":
    """Start a command in that shell and do not wait for it."""
    return subprocess.Popen(
        command,
        cwd=cloud.paths.project,
        env=dict(cloud.variables),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(process: "subprocess.Popen[str]", limit: float = 120) -> Done:
    """How a command that was begun has ended. Raises TimeoutExpired after `limit` seconds."""
    said, complained = process.communicate(timeout=limit)
    return Done(process.args, process.returncode, said, complained)


def one_line(done: Done) -> str:
    """The one line in which `release` says why it did not end well, without its dated progress."""
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if not PROGRESS.fullmatch(line)]
    assert line.startswith("release: ")
    return line


def publish(cloud: Cloud, *versions: str) -> list[Path]:
    """Build versions of the example and publish them; their artifacts."""
    artifacts = build(cloud.paths.project / "dist", versions)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda file, version: cloud.must("release", "publish", str(file), "--version", version),
                      artifacts, versions))  # fmt: skip
    return artifacts


def ledger_item(cloud: Cloud, environment: str, kind: str) -> dict[str, Any] | None:
    """An item of the ledger as DynamoDB gives it; None when it is not there."""
    found: dict[str, Any] | None = (
        client(cloud, "dynamodb")
        .get_item(TableName=table(environment), Key={"kind": {"S": kind}, "seq": {"N": "0"}}, ConsistentRead=True)
        .get("Item")
    )
    return found


def change_body(cloud: Cloud, environment: str, kind: str, **values: object) -> None:
    """Change values in an item of the ledger, as an outsider would."""
    item = ledger_item(cloud, environment, kind)
    assert item is not None
    body = canonical_json({**json.loads(item["body"]["S"]), **values}).decode()
    client(cloud, "dynamodb").put_item(TableName=table(environment), Item={**item, "body": {"S": body}})


def head(cloud: Cloud, environment: str) -> dict[str, Any]:
    """HEAD of an environment."""
    item = ledger_item(cloud, environment, "HEAD")
    assert item is not None
    found: dict[str, Any] = json.loads(item["body"]["S"])
    return found


def table(environment: str) -> str:
    return f"stageline-{environment}-ledger"


def artifact_bucket(environment: str) -> str:
    return f"stageline-{environment}-artifacts-123456789012-eu-central-1"


def live_url(cloud: Cloud, environment: str) -> str:
    return cloud.must("pulumi", "stack", "output", "live_url", "--stack", environment).strip()


def resources(cloud: Cloud) -> dict[str, Any]:
    """What is in AWS that a wrong `up` would touch first."""
    balancers = client(cloud, "elbv2")
    arns = [entry["LoadBalancerArn"] for entry in balancers.describe_load_balancers()["LoadBalancers"]]
    instances = client(cloud, "ec2").describe_instances()["Reservations"]
    databases = client(cloud, "rds").describe_db_instances()["DBInstances"]
    return {
        "listeners": [balancers.describe_listeners(LoadBalancerArn=arn)["Listeners"] for arn in arns],
        "servers": [(one["InstanceId"], one["State"]["Name"]) for entry in instances for one in entry["Instances"]],
        "databases": [one["DBInstanceIdentifier"] for one in databases],
    }


def stored(cloud: Cloud, environment: str) -> dict[str, str]:
    """The objects of an environment's artifact bucket, and the checksum of each."""
    found = client(cloud, "s3").list_objects_v2(Bucket=artifact_bucket(environment))
    return {entry["Key"]: entry["ETag"] for entry in found.get("Contents", [])}


class CommandLines:
    """Every command line that a process of this machine had, from `with` to its end."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._ended = Event()
        self._thread = Thread(target=self._look_until_ended, daemon=True)

    def __enter__(self) -> "CommandLines":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look_until_ended(self) -> None:
        self.seen.update(command_lines())
        before = other_processes()  # looking at them again, twenty times a second, would take a core for nothing
        while not self._ended.wait(0.05):
            self.seen.update(words(process) for process in other_processes() - before)


def command_lines() -> list[str]:
    """The command lines of all other processes."""
    return [line for process in other_processes() if (line := words(process))]


def other_processes() -> set[Path]:
    return {entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and int(entry.name) != os.getpid()}


def words(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def eventually(condition: Callable[[], bool], limit: float = 15) -> None:
    pause = Event()
    for _ in range(int(limit / 0.05)):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError(f"still not so after {limit} s")
