"""`CommandProvider`: Pulumi's provider protocol, the same for all resources of the plugin."""

import asyncio
import secrets
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import asyncssh
import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc

from local.command_provider import copy_to_remote, local_command, remote_command
from local.command_provider.connection import DialFailed
from local.command_provider.copy_to_remote import CopyFailed
from local.command_provider.log import Log, engine_at
from local.command_provider.output import CommandFailed
from local.command_provider.resources import (
    COPY_TO_REMOTE,
    LOCAL_COMMAND,
    TYPES,
    Change,
    ResourceType,
    changes,
    checked,
)
from local.command_provider.values import UNKNOWN, Properties, from_wire, plain, to_wire

VERSION = "1.2.1"
FAILURES = (CommandFailed, CopyFailed, DialFailed, asyncssh.Error, asyncssh.KeyImportError, OSError)

_T = TypeVar("_T")


class CommandProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one engine. Relative paths of assets and folders are taken from `cwd`.

    The secret marks of inputs come back on the outputs of the same name. stdout and stderr are not secret by
    themselves, whatever the inputs were: that is how the genuine plugin has it, see `additional_secret_outputs`.
    """

    def __init__(self, cwd: Path) -> None:
        self._folder = cwd
        self._engine: engine_pb2_grpc.EngineStub | None = None
        self._running: set[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = set()
        self._lock = threading.Lock()

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        self._engine = engine_at(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True, accept_outputs=False)

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self._engine = engine_at(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        inputs, failures = checked(_type_of(request.urn, context), from_wire(request.news))
        return provider_pb2.CheckResponse(
            inputs=to_wire(inputs),
            failures=[provider_pb2.CheckFailure(property=each.property, reason=each.reason) for each in failures],
        )

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        _type_of(request.urn, context)
        olds = from_wire(request.old_inputs)
        found = changes(olds, _without_ignored(olds, from_wire(request.news), list(request.ignoreChanges)))
        kinds = provider_pb2.DiffResponse
        return provider_pb2.DiffResponse(
            changes=kinds.DIFF_SOME if found else kinds.DIFF_NONE,
            diffs=[change.property for change in found],
            replaces=[change.property for change in found if change.replaces],
            detailedDiff={change.property: _on_wire(change) for change in found},
            hasDetailedDiff=True,
        )

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        resource, inputs = _type_of(request.urn, context), from_wire(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=to_wire(_previewed(resource, inputs)))
        outputs = self._do(self._create(request.urn, inputs), context)
        return provider_pb2.CreateResponse(id=_new_id(request.urn), properties=to_wire({**inputs, **outputs}))

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        resource, olds = _type_of(request.urn, context), from_wire(request.olds)
        inputs = _without_ignored(olds, from_wire(request.news), list(request.ignoreChanges))
        if request.preview:
            return provider_pb2.UpdateResponse(properties=to_wire(_previewed(resource, inputs)))
        outputs = self._do(self._update(request.urn, olds, inputs), context)
        return provider_pb2.UpdateResponse(properties=to_wire({**inputs, **outputs}))

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Without a delete script nothing is done: the server need not even be there any more."""
        _type_of(request.urn, context)
        properties = from_wire(request.properties)
        if "delete" in properties:
            self._do(self._run(request.urn, properties["delete"], properties, properties), context)
        return empty_pb2.Empty()

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        """Tells what was recorded: nobody looks at the server."""
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        _refuse(context, f"{request.tok} is not known to the local stand-in of the command plugin; use a Command")

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """End what runs; each call that waits for it fails."""
        with self._lock:
            running = list(self._running)
        for loop, task in running:
            loop.call_soon_threadsafe(task.cancel)
        return empty_pb2.Empty()

    async def _create(self, urn: str, inputs: Properties) -> Properties:
        if _token(urn) == COPY_TO_REMOTE:
            await copy_to_remote.copy(inputs, self._folder, self._log(urn))
            return {}
        return await self._run(urn, inputs.get("create"), inputs, {})

    async def _update(self, urn: str, olds: Properties, inputs: Properties) -> Properties:
        if _token(urn) == COPY_TO_REMOTE:
            if copy_to_remote.must_copy(olds, inputs):
                await copy_to_remote.copy(inputs, self._folder, self._log(urn))
            return {}
        return await self._run(urn, inputs.get("update", inputs.get("create")), inputs, olds)

    async def _run(self, urn: str, command: Any, inputs: Properties, before: Properties) -> Properties:
        """The outputs of the command, or those from before where there is no command."""
        if command is None:
            return {name: before.get(name, "") for name in ("stdout", "stderr")}
        if _token(urn) == LOCAL_COMMAND:
            return dict(await local_command.run(plain(command), inputs, before, self._folder, self._log(urn)))
        return dict(await remote_command.run(plain(command), inputs, before, self._log(urn)))

    def _do(self, work: Coroutine[Any, Any, _T], context: grpc.ServicerContext) -> _T:
        """Run it to its end in this thread; a failure becomes the answer to the engine."""
        try:
            return asyncio.run(self._tracked(work))
        except FAILURES as error:
            _refuse(context, str(error))
        except asyncio.CancelledError:
            _refuse(context, "cancelled")

    async def _tracked(self, work: Coroutine[Any, Any, _T]) -> _T:
        task = asyncio.ensure_future(work)
        entry = (asyncio.get_running_loop(), task)
        with self._lock:
            self._running.add(entry)
        try:
            return await task
        finally:
            with self._lock:
                self._running.discard(entry)

    def _log(self, urn: str) -> Log:
        return Log(engine=self._engine, urn=urn)


def _refuse(context: grpc.ServicerContext, text: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNKNOWN, text)
    raise AssertionError("abort does not return")


def _token(urn: str) -> str:
    """The resource's own type, which a URN holds last in its chain of types."""
    return urn.split("::")[2].rpartition("$")[2]


def _type_of(urn: str, context: grpc.ServicerContext) -> ResourceType:
    token = _token(urn)
    if token not in TYPES:
        _refuse(
            context, f"{token} is not known to the local stand-in of the command plugin; known are {', '.join(TYPES)}"
        )
    return TYPES[token]


def _new_id(urn: str) -> str:
    name = "" if _token(urn) == COPY_TO_REMOTE else urn.rpartition("::")[2]
    return name + secrets.token_hex(4)


def _previewed(resource: ResourceType, inputs: Properties) -> Properties:
    """Nothing is run in a preview: what running gives is not known yet."""
    return {**inputs, **dict.fromkeys(resource.computed, UNKNOWN)}


def _without_ignored(olds: Properties, news: Properties, ignored: list[str]) -> Properties:
    return {**news, **{name: olds[name] for name in ignored if name in olds}}


def _on_wire(change: Change) -> provider_pb2.PropertyDiff:
    name = {"added": "ADD", "deleted": "DELETE", "updated": "UPDATE"}[change.kind]
    kind = provider_pb2.PropertyDiff.Kind.Value(f"{name}_REPLACE" if change.replaces else name)
    return provider_pb2.PropertyDiff(kind=kind, inputDiff=True)
