"""Door: where one more address is let in for a time, and which of these rules are over.

A door leads where the sources that the settings name may go already: to SSH and to the preview, and nowhere else.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from release.doors.aws.firewall import FirewallRule
from release.process.errors import WrongUsage
from release.process.text import utc_of
from settings.model import Settings

UNTIL = "open-until"  # the tag of a rule that is a door: when it is over, ISO 8601
LONGEST = timedelta(hours=5)  # credentials of who deploys last four


@dataclass(frozen=True, kw_only=True)
class Way:
    """A port that a group lets sources reach."""

    group: str
    port: str


def checked_address(text: str) -> str:
    """One IPv4 address of one machine, as a block."""
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        address = None
    if address is None or address.is_unspecified or address.is_loopback or address.is_multicast:
        raise WrongUsage(f"{text[:80]!r} is no address to let in", hint="give one IPv4 address, like 198.51.100.7")
    return f"{address}/32"


def ways(rules: Sequence[FirewallRule], settings: Settings) -> tuple[Way, ...]:
    """Where the sources of the settings may go, by the rules that really are."""
    servers, balancer = settings.servers, settings.load_balancer
    sources = {str(servers.ssh_port): servers.ssh_sources, str(balancer.preview_port): balancer.preview_sources}
    entries = (rule for rule in rules if rule.direction == "from" and rule.peer in sources.get(rule.ports, ()))
    return tuple(dict.fromkeys(Way(group=rule.group, port=rule.ports) for rule in entries))


def doors(rules: Sequence[FirewallRule]) -> tuple[FirewallRule, ...]:
    """The rules that are doors, of whomever."""
    return tuple(rule for rule in rules if UNTIL in rule.tags)


def over(rules: Sequence[FirewallRule], now: datetime) -> tuple[FirewallRule, ...]:
    """The doors whose time is over; one that tells no time is over too."""
    return tuple(rule for rule in doors(rules) if _is_over(rule.tags[UNTIL], now))


def _is_over(until: str, now: datetime) -> bool:
    try:
        return utc_of(until) <= now
    except ValueError:
        return True
