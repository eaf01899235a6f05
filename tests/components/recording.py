"""Declares an environment without an engine and records what the program asked for, resource by resource."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi.runtime
from google.protobuf import empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import set_root_resource

from components.environment import Keys, declare
from components.slots import SlotContent, Slots
from settings.model import Settings
from settings.stackfile import load

PROJECT_DIR = Path(__file__).parents[2]

PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY----- canary"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHost"
MASTER_SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds-master"

OLD = SlotContent(release="1.0.0", digest="a" * 64, deployment="d-1")
NEW = SlotContent(release="1.1.0", digest="b" * 64, deployment="d-2")

EMPTY = Slots()
BLUE_LIVE = Slots(blue=OLD, declared="blue")
BLUE_LIVE_GREEN_FILLED = Slots(blue=OLD, green=NEW, declared="blue")
GREEN_LIVE = Slots(blue=OLD, green=NEW, declared="green")


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One resource as the program declared it; `after` are the URNs that it depends on."""

    urn: str
    type: str
    name: str
    inputs: dict[str, Any]
    secrets: frozenset[str]
    after: frozenset[str]
    provider: str
    protect: bool
    ignore_changes: tuple[str, ...]


class Recording(MockMonitor):
    """Stands where the engine would: gives every resource an id and the outputs that others ask for."""

    def __init__(self) -> None:
        super().__init__(NoCalls())
        self.declared: list[Declared] = []
        self.registered: dict[str, dict[str, Any]] = {}

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        urn = self.make_urn(request.parent, request.type, request.name)
        self.declared.append(declared(urn, request))
        response = resource_pb2.RegisterResourceResponse(urn=urn, id=f"{request.name}-id")
        response.object.update(outputs(request.name))
        response.object.MergeFrom(request.object)
        return response

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> empty_pb2.Empty:
        name = request.urn.rsplit("::", 1)[1]
        self.registered[name] = plain(rpc.deserialize_properties(request.outputs))
        return super().RegisterResourceOutputs(request)

    def of(self, type: str) -> list[Declared]:
        """The resources of one type, in order of their names."""
        return sorted((one for one in self.declared if one.type == type), key=lambda one: one.name)

    def one(self, type: str, name: str) -> Declared:
        """The only resource of this type and name."""
        [found] = [one for one in self.of(type) if one.name == name]
        return found


class NoCalls(Mocks):
    """Refuses what a program would ask AWS."""

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the program asked AWS for {args.token}: components only declare")

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        raise AssertionError(f"the program read {args.name} from AWS: components only declare")


def declared(urn: str, request: resource_pb2.RegisterResourceRequest) -> Declared:
    """What a request to make a resource says."""
    raw = rpc.deserialize_properties(request.object)
    return Declared(
        urn=urn,
        type=request.type,
        name=request.name,
        inputs=plain(raw),
        secrets=frozenset(key for key, value in raw.items() if rpc.is_rpc_secret(value)),
        after=frozenset(request.dependencies),
        provider=request.provider,
        protect=request.protect,
        ignore_changes=tuple(request.ignoreChanges),
    )


def outputs(name: str) -> dict[str, Any]:
    """What AWS would answer, as far as other resources ask for it."""
    return {
        "arn": f"arn:of:{name}",
        "name": name,
        "keyId": f"{name}-key",
        "identifier": f"{name}-identifier",
        "address": f"{name}.example",
        "dnsName": f"{name}.example",
        "publicIp": f"public-{name}",
        "privateIp": f"private-{name}",
        "masterUserSecrets": [{"secretArn": MASTER_SECRET}],
    }


def plain(value: Any) -> Any:
    """The value without the marks of secrets."""
    if rpc.is_rpc_secret(value):
        return plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def record(settings: Settings, slots: Slots = EMPTY) -> Recording:
    """Declare an environment and wait until everything is registered."""
    recording = Recording()
    keys = Keys(deploy_private=PRIVATE_KEY, host_public=HOST_KEY)
    with event_loop():
        set_root_resource(None)  # type: ignore[arg-type]  # the one of the recording before belongs to a closed loop
        pulumi.runtime.set_mocks(recording.mocks, preview=False, monitor=recording)
        pulumi.runtime.test(lambda: declare(settings, slots, keys))()  # type: ignore[no-untyped-call]
    return recording


@contextmanager
def event_loop() -> Iterator[None]:
    """Pulumi runs in the thread's event loop and never closes one that it made itself."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()


def settings_of(environment: str, **changes: Any) -> Settings:
    """The settings of a tracked stack file, with whole sections or values replaced."""
    return load(PROJECT_DIR, environment).model_copy(update=changes)


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, keys included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    else:
        yield str(value)
