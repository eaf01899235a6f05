"""The same environment on providers that do nothing: what the engine and the program take by themselves.

The providers answer each request with what they were given, so that what is left is the engine, the Python SDK and
`components/`. They are started in the same way as the stand-ins: by a launcher that asks over a unix socket.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from bench.engine import RUNS
from bench.figure import Figure, NotMeasured
from engine.build import find_engine
from local.aws_provider.types import TYPES
from local.aws_provider.wire import encode
from local.control import ControlServer
from local.paths import CODE, Paths
from local.providers import Providers
from local.workspace import write_workspace
from tests.project import copy_project

RELEASES = {"blue": "1.0.0", "green": "1.1.0"}
MADE_UP = {"masterUserSecrets": [{"secretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:nothing"}]}


class Nothing(provider_pb2_grpc.ResourceProviderServicer):
    """A provider that makes nothing and says that all went well."""

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="0.0.1")

    def Attach(self, request: Any, context: Any) -> Any:
        return Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return Empty()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        same = request.old_inputs == request.news
        changes = provider_pb2.DiffResponse.DIFF_NONE if same else provider_pb2.DiffResponse.DIFF_SOME
        return provider_pb2.DiffResponse(changes=changes)

    def Create(self, request: Any, context: Any) -> Any:
        return provider_pb2.CreateResponse(id="nothing", properties=_outputs(request.urn, request.properties))

    def Update(self, request: Any, context: Any) -> Any:
        return provider_pb2.UpdateResponse(properties=_outputs(request.urn, request.news))

    def Delete(self, request: Any, context: Any) -> Any:
        return Empty()


def nothing_seconds() -> Iterator[Figure]:
    """One environment on these providers: first `up`, no change, switch, destroy."""
    with _workspace() as environ:
        _init(environ)
        yield _figure("first up", [_pulumi(environ, "up", declared=None)])
        yield _figure("up without a change", [_pulumi(environ, "up", declared=None) for _ in range(RUNS)])
        _pulumi(environ, "up", declared="blue")
        switches = [_pulumi(environ, "up", declared=slot) for slot in ("green", "blue", "green")]
        yield _figure("up that switches the live slot", switches)
        yield _figure("destroy", [_pulumi(environ, "destroy", declared="green")])


def _figure(what: str, seconds: list[float]) -> Figure:
    return Figure(what=f"{what}, on providers that do nothing", value=median(seconds), unit="s")


def _outputs(urn: str, inputs: Struct) -> Struct:
    """The inputs, and something for each output that the program may read."""
    kind = TYPES.get(urn.split("::")[2].rsplit("$", 1)[-1])
    made_up = encode({name: MADE_UP.get(name, f"nothing-{name}") for name in (kind.outputs if kind else ())})
    made_up.MergeFrom(inputs)
    return made_up


@contextmanager
def _workspace() -> Iterator[Mapping[str, str]]:
    """A project whose program is `bench/program.py`, with launchers that lead here; the variables of its shell."""
    engine = find_engine()
    if engine is None:
        raise NotMeasured("there is no engine: run `make setup`")
    with tempfile.TemporaryDirectory(prefix="stageline-nothing-") as folder:
        paths = Paths(project=Path(folder))
        copy_project(paths.project)
        for name in ("components", "contract", "settings"):
            (paths.project / name).symlink_to(CODE / name)
        (paths.project / "__main__.py").symlink_to(CODE / "bench" / "program.py")
        write_workspace(paths, os.environ, engine)
        nothing = Providers({"aws": lambda _: Nothing(), "command": lambda _: Nothing()})
        control = ControlServer(paths.control, {"provider": nothing.handle})
        control.start()
        try:
            yield _variables(paths)
        finally:
            control.close()


def _variables(paths: Paths) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{paths.bin}:{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}",
        "PULUMI_HOME": str(paths.pulumi_home),
        "PULUMI_BACKEND_URL": f"file://{paths.state}",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_CONFIG_PASSPHRASE": "nothing",
    }


def _init(environ: Mapping[str, str]) -> None:
    _run(["pulumi", "stack", "init", "dev"], environ)


def _pulumi(environ: Mapping[str, str], verb: str, *, declared: str | None) -> float:
    """Seconds of `pulumi VERB` with that slot declared live; without one, both slots are empty."""
    slots = {"declared": declared, "releases": RELEASES if declared else {}}
    command = ["pulumi", verb, "--stack", "dev", "--yes", "--skip-preview", "--non-interactive"]
    began = time.monotonic()
    _run(command, {**environ, "BENCH_SLOTS": json.dumps(slots)})
    return time.monotonic() - began


def _run(command: list[str], environ: Mapping[str, str]) -> None:
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotMeasured(f"{' '.join(command[:2])} ended with {done.returncode}: {(done.stderr + done.stdout)[-500:]}")
