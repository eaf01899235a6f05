"""A load balancer is a real HTTP forwarder whose listeners and health checks are the declared ones."""

import asyncio
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.errors import CloudError
from tests.local.balancers.world import (
    ARN,
    HERE,
    NOTHING_LIVE,
    Action,
    Application,
    Listener,
    World,
    free_port,
    head,
    wait_until,
)

pytestmark = pytest.mark.enable_socket


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
    before = world.get()[0]
    world.model.listeners["live"].default_actions = [Action(world.group("blue", blue))]
    world.become("blue", "healthy")
    assert (before, world.get()) == (503, (200, b"blue"))


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
    assert world.balancers.remove(ARN) == HERE
    with pytest.raises(urllib.error.URLError, match="refused"):
        world.get()


def test_a_taken_port_is_a_one_line_error(world: World, blue: Application) -> None:
    with pytest.raises(CloudError, match=f"port {blue.port} is taken on {HERE}"):
        world.listen(NOTHING_LIVE, blue.port)


def test_listeners_that_are_made_at_the_same_time_all_get_their_port(world: World) -> None:
    for _ in range(20):
        ports = sorted({free_port() for _ in range(4)})
        world.model.listeners = {str(port): Listener(port, [Action(NOTHING_LIVE)]) for port in ports}
        with ThreadPoolExecutor(len(ports)) as pool:
            list(pool.map(lambda _: world.balancers.refresh(ARN), ports))
        assert world.balancers.status()[0]["ports"] == ports


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
    assert world.balancers.status() == [
        {"name": "balancer", "state": "running", "address": HERE, "ports": [world.port]}
    ]


def test_a_target_that_answers_too_late_is_a_504(world: World, blue: Application) -> None:
    world.model.attrs["idle_timeout.timeout_seconds"] = "0.1"
    world.listen(world.group("blue", blue))
    world.become("blue", "healthy")
    assert world.get("/slow")[0] == 504


def test_a_websocket_is_refused_with_the_reason(world: World, blue: Application) -> None:
    world.listen(world.group("blue", blue))
    world.become("blue", "healthy")
    status, body = world.get(headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    assert (status, b"WebSocket" in body) == (501, True)


def test_a_request_gets_a_trace_id_and_keeps_the_one_it_has(world: World, blue: Application) -> None:
    world.listen(world.group("blue", blue))
    world.become("blue", "healthy")
    world.get()
    world.get(headers={"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678"})
    new, given = (asked[2]["X-Amzn-Trace-Id"] for asked in blue.asked)
    assert new.startswith("Root=1-")
    assert given.startswith("Self=1-")
    assert given.endswith(";Root=1-67891233-abcdef012345678912345678")


def test_checks_come_as_often_as_declared_for_their_group(world: World, blue: Application, green: Application) -> None:
    world.group("often", blue, health_check_interval_seconds=1)
    world.group("seldom", green, health_check_interval_seconds=3000)
    groups = [{"TargetGroupArn": "often", "Weight": 1}, {"TargetGroupArn": "seldom", "Weight": 1}]
    world.listen({"Type": "forward", "ForwardConfig": {"TargetGroups": groups}})
    wait_until(lambda: blue.checks >= 4)
    assert green.checks == 0  # its first interval has hardly begun
