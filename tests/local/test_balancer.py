"""A load balancer is a real HTTP forwarder whose listeners, rules and health checks are the declared ones."""

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from local.balancer import Balancers
from local.errors import CloudError

pytestmark = pytest.mark.enable_socket

HERE = "127.0.0.1"

Answer = tuple[int, bytes]


@dataclass
class Action:
    data: dict[str, Any]


@dataclass
class Rule:
    actions: list[Action]
    priority: Any = "default"
    conditions: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Listener:
    port: int
    rules: dict[str, Rule]


@dataclass
class TargetGroup:
    arn: str
    targets: dict[str, dict[str, Any]]
    health_check_path: str = "/health"
    health_check_port: str = "traffic-port"
    health_check_interval_seconds: int = 1
    health_check_timeout_seconds: int = 2
    healthy_threshold_count: int = 2
    unhealthy_threshold_count: int = 2
    matcher: dict[str, Any] = field(default_factory=lambda: {"HttpCode": "200"})


@dataclass
class LoadBalancer:
    arn: str = "balancer"
    name: str = "balancer"
    listeners: dict[str, Listener] = field(default_factory=dict)


@dataclass
class Backend:
    target_groups: dict[str, TargetGroup] = field(default_factory=dict)


class Application:
    """A small web server that says what it was asked, and whose health can be spoiled."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.health = 200
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self._server = ThreadingHTTPServer((HERE, 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(application) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == "/health":
                    self._answer(application.health, b"")
                    return
                application.asked.append((self.command, self.path, dict(self.headers), body))
                self._answer(200, application.name.encode() + body)

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
class World:
    """One balancer with what it reads."""

    balancers: Balancers
    backend: Backend
    model: LoadBalancer
    port: int

    def listen(self, action: dict[str, Any], port: int | None = None) -> None:
        self.model.listeners = {"live": Listener(port or self.port, {"default": Rule([Action(action)])})}
        self.balancers.refresh("balancer")

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


@pytest.fixture
def world() -> Iterator[World]:
    backend, model = Backend(), LoadBalancer()
    balancers = Balancers(lambda backend, target_id: HERE)
    balancers.start()
    balancers.add(backend, model, HERE)
    yield World(balancers, backend, model, free_port())
    balancers.close()


@pytest.fixture
def blue() -> Iterator[Application]:
    application = Application("blue")
    yield application
    application.close()


@pytest.fixture
def green() -> Iterator[Application]:
    application = Application("green")
    yield application
    application.close()


NOTHING_LIVE = {
    "Type": "fixed-response",
    "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "nothing is live"},
}


def test_a_fixed_response_is_answered_without_any_target(world: World) -> None:
    world.listen(NOTHING_LIVE)
    assert world.get() == (503, b"nothing is live")


def test_requests_go_to_a_healthy_target_with_method_path_and_body(world: World, blue: Application) -> None:
    world.listen(world.group("blue", blue))
    world.become("blue", "healthy")
    assert world.get("/a%2Fb?x=%20&y", data=b"body") == (200, b"bluebody")
    method, path, _, body = blue.asked[-1]
    assert (method, path, body) == ("POST", "/a%2Fb?x=%20&y", b"body")


def test_the_application_learns_who_asked(world: World, blue: Application) -> None:
    world.listen(world.group("blue", blue))
    world.become("blue", "healthy")
    world.get(headers={"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "https"})
    headers = blue.asked[-1][2]
    assert headers["X-Forwarded-For"] == "9.9.9.9, 127.0.0.1"
    assert (headers["X-Forwarded-Proto"], headers["X-Forwarded-Port"]) == ("http", str(world.port))
    assert headers["Host"] == f"{HERE}:{world.port}"


def test_every_header_of_the_answer_arrives(world: World, blue: Application) -> None:
    world.listen(world.group("blue", blue))
    world.become("blue", "healthy")
    with urllib.request.urlopen(f"http://{HERE}:{world.port}/", timeout=5) as answer:
        assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_a_large_body_passes_both_ways(world: World, blue: Application) -> None:
    world.listen(world.group("blue", blue))
    world.become("blue", "healthy")
    body = b"x" * 3_000_000
    assert world.get(data=body) == (200, b"blue" + body)


def test_healthy_targets_take_turns(world: World, blue: Application, green: Application) -> None:
    world.listen(world.group("both", blue, green))
    world.become("both", "healthy", 0)
    world.become("both", "healthy", 1)
    assert {world.get()[1] for _ in range(4)} == {b"blue", b"green"}


def test_weights_share_requests_between_groups(world: World, blue: Application, green: Application) -> None:
    world.group("blue", blue)
    world.group("green", green)
    world.listen(
        {
            "Type": "forward",
            "ForwardConfig": {
                "TargetGroups": [{"TargetGroupArn": "blue", "Weight": 3}, {"TargetGroupArn": "green", "Weight": 1}]
            },
        }
    )
    world.become("blue", "healthy")
    world.become("green", "healthy")
    assert sorted(world.get()[1] for _ in range(8)) == [b"blue"] * 6 + [b"green"] * 2


def test_an_unhealthy_target_gets_no_requests(world: World, blue: Application, green: Application) -> None:
    world.listen(world.group("both", blue, green))
    world.become("both", "healthy", 0)
    blue.health = 500
    world.become("both", "unhealthy", 0)
    world.become("both", "healthy", 1)
    assert {world.get()[1] for _ in range(4)} == {b"green"}


def test_an_unhealthy_target_says_which_code_it_gave(world: World, blue: Application) -> None:
    blue.health = 500
    world.listen(world.group("blue", blue))
    world.become("blue", "unhealthy")
    health = world.balancers.health("blue", "i-0", blue.port)
    assert (health.reason, health.description) == (
        "Target.ResponseCodeMismatch",
        "Health checks failed with these codes: [500]",
    )


def test_a_target_that_recovers_is_healthy_again(world: World, blue: Application) -> None:
    blue.health = 500
    world.listen(world.group("blue", blue))
    world.become("blue", "unhealthy")
    blue.health = 200
    world.become("blue", "healthy")


def test_a_target_that_does_not_listen_becomes_unhealthy_and_the_answer_is_503(world: World) -> None:
    action = world.group("nobody")
    world.backend.target_groups["nobody"].targets["i-0"] = {"Id": "i-0", "Port": free_port()}
    world.listen(action)
    world.become("nobody", "unhealthy")
    assert world.get()[0] == 503


def test_another_accepted_code_counts_as_healthy(world: World, blue: Application) -> None:
    blue.health = 404
    world.listen(world.group("blue", blue, matcher={"HttpCode": "200,400-404"}))
    world.become("blue", "healthy")


def test_a_group_that_no_listener_refers_to_is_not_checked(world: World, blue: Application) -> None:
    world.group("blue", blue)
    assert world.balancers.health("blue", "i-0", blue.port).reason == "Target.NotInUse"


def test_a_changed_listener_takes_effect_with_the_next_request(world: World, blue: Application) -> None:
    world.listen(NOTHING_LIVE)
    forward = world.group("blue", blue)
    world.model.listeners["live"].rules["other"] = Rule(
        [Action(forward)], 1, [{"Field": "path-pattern", "Values": ["/blue"]}]
    )
    world.become("blue", "healthy")
    assert (world.get("/blue"), world.get("/")[0]) == ((200, b"blue"), 503)


def test_a_listener_that_moves_closes_the_old_port(world: World) -> None:
    world.listen(NOTHING_LIVE)
    other = free_port()
    world.listen(NOTHING_LIVE, other)
    with pytest.raises(urllib.error.URLError, match="refused"):
        world.get()
    world.port = other
    assert world.get()[0] == 503


def test_a_balancer_that_is_removed_closes_its_ports(world: World) -> None:
    world.listen(NOTHING_LIVE)
    assert world.balancers.remove("balancer") == HERE
    with pytest.raises(urllib.error.URLError, match="refused"):
        world.get()


def test_a_taken_port_is_a_one_line_error(world: World, blue: Application) -> None:
    with pytest.raises(CloudError, match=f"port {blue.port} is taken on {HERE}"):
        world.listen(NOTHING_LIVE, blue.port)


def test_a_redirect_fills_in_what_it_does_not_change(world: World) -> None:
    world.listen(
        {
            "Type": "redirect",
            "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301", "Path": "/new/#{path}"},
        }
    )
    status, headers = asyncio.run(head(world.port, "/old?q=1"))
    assert (status, headers["location"]) == (301, f"https://{HERE}:443/new/old?q=1")


def test_status_lists_the_open_ports(world: World) -> None:
    world.listen(NOTHING_LIVE)
    assert world.balancers.status() == [{"name": "balancer", "address": HERE, "ports": [world.port]}]


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
