"""Passes what commands print, and how dialling goes, on to the engine, which shows it beside the resource."""

from dataclasses import dataclass

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


@dataclass(frozen=True, kw_only=True)
class Log:
    """The log of one resource. Without an engine to tell, it stays silent."""

    engine: engine_pb2_grpc.EngineStub | None
    urn: str

    def status(self, text: str) -> None:
        """Shown while it is going on, and then forgotten."""
        self._send(engine_pb2.INFO, text, ephemeral=True)

    def warning(self, text: str) -> None:
        self._send(engine_pb2.WARNING, text, ephemeral=False)

    def _send(self, severity: "engine_pb2.LogSeverity.ValueType", text: str, *, ephemeral: bool) -> None:
        if self.engine is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=self.urn, ephemeral=ephemeral)
        self.engine.Log(request)


def engine_at(address: str) -> engine_pb2_grpc.EngineStub:
    """The engine that listens there (`host:port`)."""
    return engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
