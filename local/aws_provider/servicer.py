"""Pulumi's provider protocol, answered from the table of resource types.

Check and Diff are pure, so that a run without changes costs no call to AWS but the one that names the account.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.rpc.status_pb2 import Status
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from local.aws_provider import lifecycle
from local.aws_provider.config import unknown_keys
from local.aws_provider.connection import Connection, Refused, connect
from local.aws_provider.differences import Difference, Kind, deletes_first, differences
from local.aws_provider.errors import one_line
from local.aws_provider.inputs import check, told_again
from local.aws_provider.model import Properties, ResourceType
from local.aws_provider.naming import Mode, Wish
from local.aws_provider.schema import schema
from local.aws_provider.session import Api
from local.aws_provider.types import TYPES
from local.aws_provider.wire import Message, decode, encode

VERSION = "7.51.1"
"""The release of pulumi-aws whose names the table follows."""
GET_CALLER_IDENTITY = "aws:index/getCallerIdentity:getCallerIdentity"
GET_REGION = "aws:index/getRegion:getRegion"

PropertyDiff = provider_pb2.PropertyDiff
KINDS = {
    (Kind.ADDED, False): PropertyDiff.ADD,
    (Kind.ADDED, True): PropertyDiff.ADD_REPLACE,
    (Kind.DELETED, False): PropertyDiff.DELETE,
    (Kind.DELETED, True): PropertyDiff.DELETE_REPLACE,
    (Kind.UPDATED, False): PropertyDiff.UPDATE,
    (Kind.UPDATED, True): PropertyDiff.UPDATE_REPLACE,
}


class AwsProvider(provider_pb2_grpc.ResourceProviderServicer):
    """One provider of one stack: the engine configures it once and then asks for resources."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Keep the environment that holds credentials, endpoint and region; nothing is asked of AWS yet."""
        self._environ = dict(environ)
        self._connection: Connection | None = None
        self._cancelled = threading.Event()

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Say what this provider can do."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Say which release of pulumi-aws this provider stands for."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Accept the engine; nothing is needed from it."""
        return Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Start nothing new and wait for nothing from now on; calls under way are finished, so none is half done."""
        self._cancelled.set()
        return Empty()

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Describe the types of the table, for the program that `pulumi import` writes."""
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema(TYPES, VERSION)))

    def GetMapping(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Say that there is no mapping: nothing can be converted with this provider."""
        return provider_pb2.GetMappingResponse()

    def GetMappings(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Say that there are no mappings."""
        return provider_pb2.GetMappingsResponse()

    def Construct(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse components: the components are the project's own."""
        return _cannot(context, f"make the component {request.type}")

    def Call(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse methods: no type of the table has any."""
        return _cannot(context, f"call {request.tok}")

    def Parameterize(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse parameters: there is only this one provider."""
        return _cannot(context, "be parameterized")

    def List(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse to list what exists in AWS."""
        return _cannot(context, f"list resources of {request.token}")

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse configuration that this provider would have to ignore."""
        failures = [
            provider_pb2.CheckFailure(property=key, reason=f"the local AWS provider does not know its setting '{key}'")
            for key in unknown_keys(decode(request.news).values)
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Another region is another provider; everything else can change in place."""
        old, new = decode(request.old_inputs).values, decode(request.news).values
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key) and key != "version")
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=[key for key in changed if key == "region"],
        )

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Connect to AWS, and refuse an account that the configuration does not allow."""
        # The engine cancels an attached provider at the end of each run, and configures it again for the next one.
        self._cancelled.clear()
        with _answering(context):
            self._connection = connect(decode(request.args).values, self._environ, self._cancelled)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse unknown, missing and conflicting inputs; add defaults, names and tags."""
        with _answering(context):
            kind, given = _kind(request.urn), decode(request.news)
            checked = check(
                kind,
                given.values,
                old=decode(request.olds).values,
                logical_name=_name(request.urn),
                seed=request.randomSeed,
                default_tags=self._connected().config.default_tags,
                wish=_wish(request),
            )
        failures = [provider_pb2.CheckFailure(property=f.property, reason=f.reason) for f in checked.failures]
        return provider_pb2.CheckResponse(inputs=_told(kind, checked.inputs, given), failures=failures)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Compare the inputs; after a refresh the old ones tell what is really there."""
        with _answering(context):
            kind, old, new = _kind(request.urn), decode(request.old_inputs).values, decode(request.news).values
            found = differences(kind, old, new)
        return _diff_response(found, deletes_first(kind, old, new))

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Create the resource; in a preview, say what is known about it."""
        given = decode(request.properties)
        with self._working(request, context, given) as kind:
            if request.preview:
                known = lifecycle.previewed(kind, given.values)
                return provider_pb2.CreateResponse(properties=_told(kind, known, given))
            try:
                made = lifecycle.create(kind, self._api(kind, given.values), given.values)
            except lifecycle.HalfCreated as error:
                raise _half_created(context, request.urn, error, given) from error
        state = lifecycle.outputs(kind, given.values, made.state)
        return provider_pb2.CreateResponse(id=made.id, properties=_told(kind, state, given))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Read the resource; an empty id says that it is gone."""
        given, before = decode(request.inputs), decode(request.properties)
        with self._working(request, context, given) as kind:
            found = lifecycle.read(kind, self._api(kind, before.values), request.id)
            default_tags = self._connected().config.default_tags
        if found is None:
            return provider_pb2.ReadResponse()
        old = given.values or None
        inputs = told_again(kind, found.state, old, default_tags)
        state = lifecycle.outputs(kind, inputs, found.state)
        properties = _told(kind, state, given)
        return provider_pb2.ReadResponse(id=found.id, properties=properties, inputs=_told(kind, inputs, given))

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Update the resource; in a preview, say what is known about it."""
        given, old = decode(request.news), decode(request.olds).values
        with self._working(request, context, given) as kind:
            if request.preview:
                known = lifecycle.previewed(kind, given.values, old)
                return provider_pb2.UpdateResponse(properties=_told(kind, known, given))
            old_inputs = decode(request.old_inputs).values
            made = lifecycle.update(kind, self._api(kind, old), request.id, old_inputs, given.values)
        state = lifecycle.outputs(kind, given.values, made.state)
        return provider_pb2.UpdateResponse(properties=_told(kind, state, given))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Delete the resource."""
        given = decode(request.properties)
        with self._working(request, context, given) as kind:
            lifecycle.delete(kind, self._api(kind, given.values), request.id, given.values)
        return Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answer the two functions that say who and where the program is."""
        with _answering(context):
            connection = self._connected()
            if request.tok == GET_CALLER_IDENTITY:
                return provider_pb2.InvokeResponse(**{"return": encode(connection.caller)})
            if request.tok == GET_REGION:
                region = connection.config.region
                return provider_pb2.InvokeResponse(
                    **{"return": encode({"id": region, "name": region, "region": region})}
                )
            raise Refused(f"the local AWS provider does not know the function {request.tok}")

    def _connected(self) -> Connection:
        if self._connection is None:
            raise Refused("the AWS provider was not configured: call Configure first")
        return self._connection

    def _api(self, kind: ResourceType, values: Properties) -> Api:
        return self._connected().api(kind, values.get("region"))

    @contextmanager
    def _working(self, request: Any, context: grpc.ServicerContext, given: Message) -> Iterator[ResourceType]:
        """Give the type of a request; tell AWS's errors with the resource's name and without its secrets."""
        with _answering(context):
            if self._cancelled.is_set():
                raise Refused("cancelled before it began")
            try:
                yield _kind(request.urn)
            except lifecycle.BROKEN as error:
                raise Refused(given.hide(one_line(error, _token(request.urn), _name(request.urn)))) from error


@contextmanager
def _answering(context: grpc.ServicerContext) -> Iterator[None]:
    """End the call with one line where the request is refused."""
    try:
        yield
    except Refused as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _cannot(context: grpc.ServicerContext, what: str) -> Any:
    context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the local AWS provider cannot {what}: use the genuine plugin")


def _token(urn: str) -> str:
    return urn.split("::")[2].rsplit("$", 1)[-1]


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]


def _wish(request: Any) -> Wish | None:
    """Read what the engine's setting `pulumi:autonaming` says of the resource; None without such a setting."""
    if not request.HasField("autonaming"):
        return None
    return Wish(mode=Mode(request.autonaming.mode), name=request.autonaming.proposed_name)


def _kind(urn: str) -> ResourceType:
    try:
        return TYPES[_token(urn)]
    except KeyError:
        raise Refused(
            f"{_token(urn)} '{_name(urn)}': the local AWS provider does not know this type; "
            "add an entry to local/aws_provider/types"
        ) from None


def _told(kind: ResourceType, values: Properties, given: Message) -> Any:
    """Write properties for the engine; secret are those that came as secrets and those that always are."""
    always = {name for name, entry in kind.inputs.items() if entry.holds_secret}
    return encode(values, given.secrets | always)


def _diff_response(found: tuple[Difference, ...], delete_first: bool) -> Any:
    replaces = sorted({difference.input for difference in found if difference.replaces})
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if found else response.DIFF_NONE,
        diffs=sorted({difference.input for difference in found}),
        replaces=replaces,
        deleteBeforeReplace=bool(replaces) and delete_first,
        hasDetailedDiff=True,
        detailedDiff={
            difference.path: PropertyDiff(kind=KINDS[difference.kind, difference.replaces], inputDiff=True)
            for difference in found
        },
    )


def _half_created(context: grpc.ServicerContext, urn: str, error: lifecycle.HalfCreated, given: Message) -> Refused:
    """Tell the engine the id of what exists although its creation failed, so that it is not forgotten."""
    reason = given.hide(one_line(error.cause, _token(urn), _name(urn)))
    properties = encode(given.values, given.secrets)
    detail = AnyMessage()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.resource_id, properties=properties, inputs=properties, reasons=[reason]
        )
    )
    status = Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason, details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    return Refused(reason)
