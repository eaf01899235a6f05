"""Recording: an environment declared without an engine, and what the program asked for, resource by resource.

Nothing is made and nobody is asked. Tests look at single resources; `graph.py` gives whole environments to parity.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pulumi.runtime
from google.protobuf import empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import alias_pb2, resource_pb2
from pulumi.runtime.settings import set_root_resource

from components.environment import declare
from components.machine import Keys
from components.slots import Slots
from settings.model import Settings

STACK = "pulumi:pulumi:Stack"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One resource as the program declared it; `after` are the URNs that it depends on.

    `secrets` are the inputs that are secret, `outputs` what others were told of it, `aliases` what else it was called.
    """

    urn: str
    type: str
    name: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    secrets: frozenset[str]
    after: frozenset[str]
    provider: str
    protect: bool
    ignore_changes: tuple[str, ...]
    replace_on_changes: tuple[str, ...] = ()
    retain_on_delete: bool = False
    parent: str = ""
    aliases: tuple[alias_pb2.Alias, ...] = ()


class Recording(MockMonitor):
    """Stands where the engine would: gives every resource an id and the outputs that others ask for."""

    def __init__(self) -> None:
        super().__init__(NoCalls())
        self.declared: list[Declared] = []
        self.registered: dict[str, dict[str, Any]] = {}

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the engine makes it: with the types of all parents but the stack's own."""
        parents = parent.split("::")[2] if parent else STACK
        types = type_ if parents == STACK else f"{parents}${type_}"
        return "::".join(("urn:pulumi:stack", "project", types, name))

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
        return empty_pb2.Empty()

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
    inputs = plain(raw)
    return Declared(
        urn=urn,
        type=request.type,
        name=request.name,
        inputs=inputs,
        outputs={"id": f"{request.name}-id", **outputs(request.name), **inputs},
        secrets=frozenset(key for key, value in raw.items() if rpc.is_rpc_secret(value)),
        after=frozenset(request.dependencies),
        provider=request.provider,
        protect=request.protect,
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        retain_on_delete=request.retainOnDelete,
        parent=request.parent,
        aliases=tuple(request.aliases),
    )


def outputs(name: str) -> dict[str, Any]:
    """What AWS would answer, as far as other resources ask for it."""
    return {
        "arn": f"arn:of:{name}",
        "name": name,
        "keyId": f"{name}-key",
        "identifier": f"{name}-identifier",
        "address": f"{name}.example",
        "arnSuffix": f"suffix-of/{name}",
        "bucket": f"{name}-bucket",
        "dnsName": f"{name}.example",
        "publicIp": f"public-{name}",
        "privateIp": f"private-{name}",
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


def record(
    settings: Settings, slots: Slots, keys: Keys, *, out: Collection[str] = (), passed_over: Collection[str] = ()
) -> Recording:
    """Declare an environment and wait until everything is registered."""
    return recorded(lambda: declare(settings, slots, keys, out=out, passed_over=passed_over))


def recorded(program: Callable[[], object]) -> Recording:
    """Run a program and wait until everything is registered."""
    recording = Recording()
    with event_loop():
        set_root_resource(None)  # type: ignore[arg-type]  # the one of the recording before belongs to a closed loop
        pulumi.runtime.set_mocks(recording.mocks, preview=False, monitor=recording)
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]  # what it gives back has no types
    return recording


@contextmanager
def event_loop() -> Iterator[None]:
    """Pulumi runs in the thread's event loop and never closes one that it made itself."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
