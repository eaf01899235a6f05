"""One load balancer with what it reads and whom it forwards to."""

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from local.balancers import Balancers, Doors
from local.certificates import Pem
from local.errors import CloudError

HERE = "127.0.0.1"
ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/balancer/50dc6c495c0c9188"

Answer = tuple[int, bytes]

NOTHING_LIVE = {
    "Type": "fixed-response",
    "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "nothing is live"},
}


@dataclass
class Action:
    data: dict[str, Any]


@dataclass
class Listener:
    port: int
    default_actions: list[Action]
    protocol: str = "HTTP"
    certificate: str | None = None
    certificates: list[str] = field(default_factory=list)


@dataclass
class TargetGroup:
    arn: str
    targets: dict[str, dict[str, Any]]
    protocol: str = "HTTP"
    health_check_protocol: str = "HTTP"
    health_check_path: str = "/health"
    health_check_port: str = "traffic-port"
    health_check_interval_seconds: int = 1
    health_check_timeout_seconds: int = 2
    healthy_threshold_count: int = 2
    unhealthy_threshold_count: int = 2
    matcher: dict[str, Any] = field(default_factory=lambda: {"HttpCode": "200"})
    attributes: dict[str, Any] = field(default_factory=lambda: {"deregistration_delay.timeout_seconds": 3000})


@dataclass
class LoadBalancer:
    arn: str = ARN
    name: str = "balancer"
    listeners: dict[str, Listener] = field(default_factory=dict)
    attrs: dict[str, str] = field(default_factory=dict)


@dataclass
class Backend:
    target_groups: dict[str, TargetGroup] = field(default_factory=dict)


class Application:
    """A small web server that says what it was asked, and whose health can be spoiled."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.health, self.status, self.checks = 200, 200, 0
        self.reached, self.may_answer = Event(), Event()
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self._server = ThreadingHTTPServer((HERE, 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(application) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == "/health":
                    application.checks += 1
                    self._answer(application.health, b"")
                    return
                if self.path == "/slow":
                    application.reached.set()
                    application.may_answer.wait(10)
                application.asked.append((self.command, self.path, dict(self.headers), body))
                self._answer(application.status, application.name.encode() + body)

            do_POST = do_GET

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Set-Cookie", "a=1")
                self.send_header("Set-Cookie", "b=2")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Keep quiet."""

        return Handler


@dataclass
class Around:
    """The rest of the cloud: where targets are, what certificates there are, what was stored."""

    certificates: dict[str, Pem] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    bucket: str = "logs"

    def doors(self) -> Doors:
        return Doors(
            address_of=self.address_of,
            certificate_of=lambda backend, arn: self.certificates.get(arn),
            store=self.store,
        )

    def address_of(self, backend: Any, target_id: str) -> str:
        return HERE

    def store(self, backend: Any, bucket: str, key: str, content: bytes) -> None:
        if bucket != self.bucket:
            raise CloudError(f"there is no bucket {bucket}")
        self.stored[key] = content


@dataclass
class World:
    """One balancer with what it reads."""

    balancers: Balancers
    backend: Backend
    model: LoadBalancer
    port: int
    around: Around

    def listen(self, action: dict[str, Any], port: int | None = None, **more: Any) -> None:
        self.model.listeners = {"live": Listener(port or self.port, [Action(action)], **more)}
        self.balancers.refresh(ARN)

    def group(self, name: str, *applications: Application, **declared: Any) -> dict[str, Any]:
        """Add a target group; the action that forwards to it."""
        targets = {
            f"i-{number}": {"Id": f"i-{number}", "Port": application.port}
            for number, application in enumerate(applications)
        }
        self.backend.target_groups[name] = TargetGroup(name, targets, **declared)
        return {"Type": "forward", "TargetGroupArn": name}

    def health(self, name: str, number: int = 0) -> str:
        target = self.backend.target_groups[name].targets[f"i-{number}"]
        return self.balancers.health(name, target["Id"], target["Port"]).state

    def become(self, name: str, state: str, number: int = 0) -> None:
        wait_until(lambda: self.health(name, number) == state)

    def get(self, path: str = "/", data: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        request = urllib.request.Request(f"http://{HERE}:{self.port}{path}", data=data, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


async def head(port: int, path: str) -> tuple[int, dict[str, str]]:
    """Status and headers of one answer, redirects not followed."""
    reader, writer = await asyncio.open_connection(HERE, port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {HERE}\r\nConnection: close\r\n\r\n".encode())
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    writer.close()
    await writer.wait_closed()
    headers = (line.lower().partition(": ") for line in lines[1:] if line)
    return int(lines[0].split()[1]), {name: value for name, _, value in headers}


def wait_until(condition: Callable[[], bool], limit: float = 10) -> None:
    pause = Event()
    for _ in range(int(limit / 0.01)):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError(f"still not so after {limit} s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])
