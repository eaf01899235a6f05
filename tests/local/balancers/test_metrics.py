"""What goes through a load balancer is counted until somebody asks."""

import pytest

from tests.local.balancers.world import ARN, NOTHING_LIVE, Application, World, free_port

pytestmark = pytest.mark.enable_socket


def test_requests_to_a_group_are_counted_by_their_answers(world: World, blue: Application) -> None:
    world.listen(world.group("blue", blue))
    world.become("blue", "healthy")
    world.get()
    blue.status = 404
    world.get()
    blue.status = 500
    world.get()
    (counts,) = world.balancers.metrics()
    (group,) = counts.groups
    assert (counts.arn, counts.name, counts.requests, counts.elb_5xx) == (ARN, "balancer", 3, 0)
    assert (group.arn, group.requests, group.target_2xx, group.target_4xx, group.target_5xx) == ("blue", 3, 1, 1, 1)
    assert len(group.response_times) == 3
    assert all(0 < seconds < 5 for seconds in group.response_times)


def test_after_it_was_asked_it_counts_anew(world: World, blue: Application) -> None:
    world.listen(world.group("blue", blue))
    world.become("blue", "healthy")
    world.get()
    world.balancers.metrics()
    (counts,) = world.balancers.metrics()
    assert (counts.requests, counts.groups[0].requests, counts.groups[0].response_times) == (0, 0, ())


def test_hosts_are_counted_by_their_health(world: World, blue: Application, green: Application) -> None:
    green.health = 500
    world.listen(world.group("both", blue, green))
    world.become("both", "healthy", 0)
    world.become("both", "unhealthy", 1)
    (group,) = world.balancers.metrics()[0].groups
    assert (group.healthy_hosts, group.unhealthy_hosts) == (1, 1)


def test_a_fixed_response_is_the_balancers_own(world: World) -> None:
    world.listen(NOTHING_LIVE)
    world.get()
    (counts,) = world.balancers.metrics()
    assert (counts.requests, counts.fixed_responses, counts.elb_5xx, counts.elb_503) == (0, 1, 1, 1)


def test_nothing_healthy_is_the_balancers_503(world: World) -> None:
    world.listen(world.group("nobody"))
    world.get()
    (counts,) = world.balancers.metrics()
    assert (counts.requests, counts.elb_503, counts.fixed_responses) == (0, 1, 0)


def test_a_target_that_takes_no_connections_is_the_balancers_502(world: World, blue: Application) -> None:
    action = world.group("blue", blue, health_check_port=str(blue.port))
    world.backend.target_groups["blue"].targets["i-0"]["Port"] = free_port()
    world.listen(action)
    world.become("blue", "healthy")
    status = world.get()[0]
    (counts,) = world.balancers.metrics()
    assert (status, counts.elb_502, counts.groups[0].connection_errors) == (502, 1, 1)
