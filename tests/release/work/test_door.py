"""A door is open for one deployment, and shut however that ends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from release.doors.aws.firewall import Firewall
from release.environment import Environment
from release.process.errors import Broken, Refused
from release.rules.door import LONGEST, UNTIL, ways
from release.work.door import door_for, shut_what_is_over
from tests.aws_clients import aws_client
from tests.release.deploying import Silent
from tests.release.world import World

RUNNER = "198.51.100.7/32"
TAGS = {"project": "stageline", "environment": "dev"}
pytestmark = pytest.mark.moto


@pytest.fixture
def dev(world: World) -> Environment:
    """dev, which opens doors, with the groups of servers and of the balancer as the program makes them."""
    settings = world.dev.settings
    access = settings.access.model_copy(update={"open_door": True})
    opening = replace(world.dev, settings=settings.model_copy(update={"access": access}))
    vpc = aws_client("ec2").create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
    for name, port, source in (
        ("servers", settings.servers.ssh_port, settings.servers.ssh_sources[0]),
        ("balancer", settings.load_balancer.preview_port, settings.load_balancer.preview_sources[0]),
    ):
        group = aws_client("ec2").create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        Firewall(opening.session).let_in(group, port, source, settings.tags)
    return opening


def let_in(environment: Environment) -> list[str]:
    """The ports at which the runner is let in."""
    return sorted(rule.ports for rule in Firewall(environment.session).tagged(TAGS) if rule.peer == RUNNER)


def test_the_runner_is_let_in_to_ssh_and_the_preview_and_out_again(dev: Environment) -> None:
    with door_for(dev, RUNNER, Silent()):
        assert let_in(dev) == ["22", "8080"]
    assert let_in(dev) == []


def test_a_deployment_that_fails_shuts_it_too(dev: Environment) -> None:
    with pytest.raises(Broken, match="no server answers"), door_for(dev, RUNNER, Silent()):
        raise Broken("no server answers")
    assert let_in(dev) == []


def test_without_an_address_nothing_is_asked(dev: Environment) -> None:
    with door_for(replace(dev, session=None), None, Silent()):  # type: ignore[arg-type]  # so that asking fails
        assert let_in(dev) == []


def test_an_environment_that_opens_no_doors_refuses(world: World) -> None:
    with (
        pytest.raises(Refused, match=r"dev opens no doors; set access\.open_door"),
        door_for(world.dev, RUNNER, Silent()),
    ):
        raise AssertionError("it went on")


def test_one_whose_groups_let_nobody_in_refuses(dev: Environment) -> None:
    firewall = Firewall(dev.session)
    firewall.take_back(firewall.tagged({"project": "stageline"}))
    with pytest.raises(Refused, match="pulumi up --stack dev"), door_for(dev, RUNNER, Silent()):
        raise AssertionError("it went on")


def test_a_door_that_was_left_is_made_anew(dev: Environment) -> None:
    left(dev)
    with door_for(dev, RUNNER, Silent()):
        assert let_in(dev) == ["22", "8080"]
    assert let_in(dev) == []


@pytest.mark.parametrize(
    ("later", "really", "told", "remains"),
    [
        pytest.param(LONGEST, True, (f"door of {RUNNER}",), [], id="over"),
        pytest.param(LONGEST, False, (f"door of {RUNNER}",), ["22", "8080"], id="only told"),
        pytest.param(LONGEST - timedelta(minutes=1), True, (), ["22", "8080"], id="not yet"),
    ],
)
def test_a_door_that_was_left_is_shut_when_its_time_is_over(
    dev: Environment, later: timedelta, really: bool, told: tuple[str, ...], remains: list[str]
) -> None:
    left(dev)
    assert shut_what_is_over(dev, dev.ledger.now() + later, really=really) == told
    assert let_in(dev) == remains


def test_an_environment_that_opens_none_is_not_asked_for_old_ones(world: World) -> None:
    asked = replace(world.dev, session=None)  # type: ignore[arg-type]  # so that asking fails
    assert shut_what_is_over(asked, world.dev.ledger.now(), really=True) == ()


def left(environment: Environment) -> None:
    """What a process that died in the middle leaves."""
    firewall, settings = Firewall(environment.session), environment.settings
    until = (environment.ledger.now() + LONGEST).isoformat(timespec="seconds")
    for way in ways(firewall.tagged(TAGS), settings):
        firewall.let_in(way.group, int(way.port), RUNNER, {**settings.tags, UNTIL: until})
    assert let_in(environment) == ["22", "8080"]
