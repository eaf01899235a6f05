"""Where a door leads, whom it is for, and when it is over."""

from datetime import UTC, datetime

import pytest

from release.doors.aws.firewall import FirewallRule
from release.process.errors import WrongUsage
from release.rules.door import UNTIL, Way, checked_address, doors, over, ways
from settings.stackfile import load
from tests.project import PROJECT

DEV = load(PROJECT, "dev")
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def rule(group: str, ports: str, peer: str, *, direction: str = "from", until: str | None = None) -> FirewallRule:
    tags = {} if until is None else {UNTIL: until}
    return FirewallRule(
        id=f"sgr-{group}-{ports}", group=group, direction=direction, protocol="tcp", ports=ports, peer=peer, tags=tags
    )


def test_a_door_leads_where_the_sources_of_the_settings_may_go_and_nowhere_else() -> None:
    office, world = DEV.servers.ssh_sources[0], "0.0.0.0/0"
    rules = (
        rule("servers", str(DEV.servers.ssh_port), office),
        rule("servers", str(DEV.servers.ssh_port), "198.51.100.7/32", until="2026-11-30T13:00:00+00:00"),
        rule("servers", "8081", "sg-balancer"),
        rule("servers", "443", world, direction="to"),
        rule("balancer", str(DEV.load_balancer.preview_port), DEV.load_balancer.preview_sources[0]),
        rule("balancer", str(DEV.load_balancer.live_port), world),
        rule("database", "5432", "sg-servers"),
    )
    assert ways(rules, DEV) == (
        Way(group="servers", port=str(DEV.servers.ssh_port)),
        Way(group="balancer", port=str(DEV.load_balancer.preview_port)),
    )


@pytest.mark.parametrize(
    ("until", "is_over"),
    [
        pytest.param("2026-11-30T11:59:59+00:00", True, id="before"),
        pytest.param("2026-11-30T12:00:00+00:00", True, id="now"),
        pytest.param("2026-11-30T12:00:01+00:00", False, id="to come"),
        pytest.param("tomorrow", True, id="no time"),
        pytest.param("", True, id="nothing"),
    ],
)
def test_a_door_is_over_by_the_time_in_its_tag(until: str, is_over: bool) -> None:
    found = (rule("servers", "22", "198.51.100.7/32", until=until), rule("servers", "22", "203.0.113.0/24"))
    assert over(found, NOON) == (found[:1] if is_over else ())
    assert doors(found) == found[:1]


def test_one_address_is_let_in() -> None:
    assert checked_address("198.51.100.7") == "198.51.100.7/32"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.0.0.0",
        "0.0.0.0/0",
        "198.51.100.0/24",
        "127.0.0.1",
        "224.0.0.1",
        "2001:db8::1",
        "runner",
        "1.2.3.4 ",
    ],
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(WrongUsage, match="no address to let in"):
        checked_address(text)
