"""Stacks of `aws_provider_program.py` on the real engine, with providers that this process serves, and moto as AWS."""

import json
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import grpc
from moto.server import ThreadedMotoServer
from pulumi.runtime.proto import provider_pb2_grpc

from local.aws_provider import AwsProvider
from local.hooks.mendings import install_mendings
from tests.e2e.aws_provider_cases import REGION, Clients

PROGRAM = (Path(__file__).parent / "aws_provider_program.py").read_text(encoding="utf-8")
PROJECT = 'name: conformance\nruntime: {{name: python, options: {{virtualenv: "{virtualenv}"}}}}\n'
ACCOUNT = "123456789012"
CONFIG = {"region": REGION, "allowedAccountIds": json.dumps([ACCOUNT])}
SECONDS = 240

State = Mapping[str, Mapping[str, Any]]
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A resource as the program declares it; `reads` are the outputs that others may refer to."""

    type: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    reads: Sequence[str] = ()
    after: Sequence[str] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Write it as the program reads it."""
        return {
            "type": self.type,
            "inputs": self.inputs,
            "outputs": list(self.reads),
            "after": self.after,
            "options": self.options,
        }


@dataclass(frozen=True, kw_only=True)
class Step:
    """What the engine did to one resource, and the inputs that made it replace it."""

    name: str
    operation: str
    keys: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack of the program, which declares what `resources.json` lists."""

    folder: Path
    environ: Mapping[str, str]

    def declare(self, resources: Mapping[str, Declared], provider: Mapping[str, Any] = CONFIG) -> None:
        """Say what the next run shall bring about."""
        wanted = {name: declared.as_json() for name, declared in resources.items()}
        text = json.dumps({"provider": provider, "resources": wanted})
        (self.folder / "resources.json").write_text(text, encoding="utf-8")

    def configure(self, config: Mapping[str, Any]) -> None:
        """Set the stack's configuration, beside what encrypts its secrets."""
        file = self.folder / "Pulumi.conformance.yaml"
        salt = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("encryptionsalt:")]
        file.write_text("\n".join([*salt, f"config: {json.dumps(config)}", ""]), encoding="utf-8")

    def run(self, *arguments: str) -> Done:
        """Run the engine."""
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def fails(self, *arguments: str) -> str:
        """Run what has to fail, and give what it said."""
        done = self.run(*arguments)
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr

    def steps(self, *arguments: str) -> list[Step]:
        """Run the engine on the stack and tell what it did; a failure fails the test."""
        return steps(checked_events(self.run(*arguments, "--yes", "--skip-preview", "--json")))

    def up(self, *options: str) -> Mapping[str, str]:
        """Bring about what is declared."""
        return operations(self.steps("up", *options))

    def refresh(self) -> Mapping[str, str]:
        """Look at what is really there."""
        return operations(self.steps("refresh"))

    def preview(self, *options: str) -> Mapping[str, str]:
        """Preview what is declared, with the events that a preview only tells when asked to."""
        streaming = replace(self, environ={**self.environ, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"})
        return operations(steps(checked_events(streaming.run("preview", "--json", *options))))

    def exported(self, *options: str) -> list[Any]:
        """Give the resources as the backend holds them, with secrets encrypted."""
        return list(json.loads(self.run("stack", "export", *options).stdout)["deployment"].get("resources", ()))

    def state(self) -> State:
        """Give the resources of the stack by name: their outputs with `id`, and their `inputs`."""
        return {
            each["urn"].rsplit("::", 1)[1]: {
                **plain(each["outputs"]),
                "id": each["id"],
                "inputs": plain(each["inputs"]),
            }
            for each in self.exported("--show-secrets")
            if each["custom"] and not each["type"].startswith("pulumi:")
        }


def checked_events(done: Done) -> list[Any]:
    """Read the engine's events; a failure fails the test."""
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, "\n".join([*errors(events), done.stderr])
    return events


def plain(value: Any) -> Any:
    """Take the wrapping off the secrets in a part of the state."""
    if isinstance(value, dict):
        return json.loads(value["plaintext"]) if "plaintext" in value else {k: plain(v) for k, v in value.items()}
    return value


def errors(events: list[Any]) -> list[str]:
    """Find what the engine complained about."""
    found = [event.get("diagnosticEvent", {}) for event in events]
    return [diagnostic["message"].strip() for diagnostic in found if diagnostic.get("severity") == "error"]


def steps(events: list[Any]) -> list[Step]:
    """Find what was done to the resources."""
    done = [event["resOutputsEvent"]["metadata"] for event in events if "resOutputsEvent" in event]
    return [
        Step(name=each["urn"].rsplit("::", 1)[1], operation=each["op"], keys=frozenset(each.get("keys") or ()))
        for each in done
        if not each["type"].startswith("pulumi:")
    ]


def operations(done: list[Step]) -> Mapping[str, str]:
    """Tell the last thing that was done to each resource; nothing at all is left out."""
    return {step.name: step.operation for step in done if step.operation != "same"}


def new_stack(folder: Path, provider_port: int, virtualenv: Path) -> Stack:
    """Make an empty stack whose engine uses the provider on the port: a copy, as the engine takes a while for one."""
    shutil.copytree(_initialised(virtualenv), folder, dirs_exist_ok=True)
    return _stack_in(folder, provider_port)


@cache
def _initialised(virtualenv: Path) -> Path:
    """A folder with an empty stack, beside the virtual environment."""
    folder = virtualenv.with_name("stack")
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(PROJECT.format(virtualenv=virtualenv), encoding="utf-8")
    (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    made = _stack_in(folder, 0).run("stack", "init", "conformance")
    assert made.returncode == 0, made.stderr
    return folder


def _stack_in(folder: Path, provider_port: int) -> Stack:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": folder.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "conformance",
        "PULUMI_STACK": "conformance",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DEBUG_PROVIDERS": f"aws:{provider_port}",
    }
    return Stack(folder=folder, environ=environ)


@contextmanager
def serving_provider(environ: Mapping[str, str]) -> Iterator[int]:
    """Serve a provider in this process; gives its port."""
    server = grpc.server(ThreadPoolExecutor(16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(AwsProvider(environ), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(grace=None).wait()


@contextmanager
def running_aws() -> Iterator[Mapping[str, str]]:
    """Run an empty moto, and give the environment of one who may use it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    urlopen(Request(f"{url}/moto-api/reset", method="POST")).close()
    with ExitStack() as mended:
        install_mendings(mended)
        yield {
            "AWS_ACCESS_KEY_ID": "conformance",
            "AWS_SECRET_ACCESS_KEY": "conformance",
            "AWS_ENDPOINT_URL": url,
        }
    server.stop()


def clients_of(aws: Mapping[str, str]) -> Clients:
    """Act on AWS by hand."""

    def client(service: str) -> Any:
        session: Any = boto3.Session(
            aws["AWS_ACCESS_KEY_ID"], aws["AWS_SECRET_ACCESS_KEY"], aws.get("AWS_SESSION_TOKEN")
        )
        return session.client(service, region_name=REGION, endpoint_url=aws["AWS_ENDPOINT_URL"])

    return client
