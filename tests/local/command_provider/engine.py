"""Plays the engine for the tests: sends requests to a `CommandProvider` in Pulumi's order, and keeps the state."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from local.command_provider import CommandProvider
from local.command_provider.values import from_wire, to_wire


class Refused(Exception):
    """What the provider answered instead of doing it."""


class Context:
    """The side of a gRPC call that providers use."""

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise Refused(details)


@dataclass
class Resource:
    """What the engine remembers of one resource."""

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


@dataclass
class Engine:
    """One stack with one provider."""

    folder: Path
    context: Any = field(default_factory=Context)

    def __post_init__(self) -> None:
        self.provider = CommandProvider(self.folder)

    def create(self, token: str, *, preview: bool = False, **given: Any) -> Resource:
        inputs = self.check(token, given)
        request = provider_pb2.CreateRequest(urn=urn(token), properties=to_wire(inputs), preview=preview)
        answer = self.provider.Create(request, self.context)
        return Resource(answer.id, inputs, from_wire(answer.properties))

    def update(self, token: str, before: Resource, *, preview: bool = False, **given: Any) -> Resource:
        """With what is given changed, the rest as it was."""
        inputs = self.check(token, {**before.inputs, **given})
        request = provider_pb2.UpdateRequest(
            id=before.id,
            urn=urn(token),
            olds=to_wire(before.outputs),
            old_inputs=to_wire(before.inputs),
            news=to_wire(inputs),
            preview=preview,
        )
        return Resource(before.id, inputs, from_wire(self.provider.Update(request, self.context).properties))

    def delete(self, token: str, resource: Resource) -> None:
        request = provider_pb2.DeleteRequest(id=resource.id, urn=urn(token), properties=to_wire(resource.outputs))
        self.provider.Delete(request, self.context)

    def check(self, token: str, given: dict[str, Any]) -> dict[str, Any]:
        answer = self.provider.Check(provider_pb2.CheckRequest(urn=urn(token), news=to_wire(given)), self.context)
        assert not answer.failures, answer.failures
        return from_wire(answer.inputs)

    def cancel(self) -> None:
        self.provider.Cancel(empty_pb2.Empty(), self.context)


def urn(token: str) -> str:
    """Of a resource named `name` inside a component."""
    return f"urn:pulumi:dev::project::own:Component${token}::name"
