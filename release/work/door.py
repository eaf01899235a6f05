"""Door: one address is let in to SSH and to the preview for the length of one deployment, as for a hosted runner.

It is shut in every case: at the end of the block, and by `release tick` where its process died or AWS did not answer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from release.doors.aws.firewall import Firewall, FirewallRule
from release.environment import Environment
from release.process.errors import Broken, Refused
from release.process.output import Progress
from release.rules.door import LONGEST, UNTIL, doors, over, ways


@contextmanager
def door_for(environment: Environment, block: str | None, progress: Progress) -> Iterator[None]:
    """Let a block in until the end of the `with`; nothing for None. Refused where the settings have no doors."""
    if block is None:
        yield
        return
    firewall = Firewall(environment.session)
    try:
        _open(environment, firewall, block, progress)
        yield
    finally:
        _shut(environment, firewall, block, progress)


def shut_what_is_over(environment: Environment, now: datetime, *, really: bool) -> tuple[str, ...]:
    """Shut the doors whose time is over; the addresses that were (or would be) kept out again."""
    if not environment.settings.access.open_door:
        return ()
    firewall = Firewall(environment.session)
    found = over(_rules(environment, firewall), now)
    if really:
        firewall.take_back(found)
    return tuple(dict.fromkeys(f"door of {rule.peer}" for rule in found))


def _open(environment: Environment, firewall: Firewall, block: str, progress: Progress) -> None:
    name, settings = environment.name, environment.settings
    if not settings.access.open_door:
        raise Refused(f"{name} opens no doors", hint=f"set access.open_door in Pulumi.{name}.yaml, then pulumi up")
    rules = _rules(environment, firewall)
    if not (found := ways(rules, settings)):
        raise Refused(
            f"no rule of {name} lets its own sources in, so nobody else is", hint=f"run: pulumi up --stack {name}"
        )
    firewall.take_back(_of(rules, block))  # one that was left would be shut under this deployment
    until = environment.ledger.now() + LONGEST
    with progress.step(name, f"door opened for {block}"):
        for way in found:
            tags = {**settings.tags, UNTIL: until.isoformat(timespec="seconds")}
            firewall.let_in(way.group, int(way.port), block, tags)


def _shut(environment: Environment, firewall: Firewall, block: str, progress: Progress) -> None:
    """By what AWS says is there: a rule whose maker got no reply is shut too. A failure hides no other one."""
    if not environment.settings.access.open_door:
        return
    try:
        firewall.take_back(_of(_rules(environment, firewall), block))
    except Broken as error:
        progress.note(f"the door of {block} stays open for {LONGEST}, until release tick shuts it: {error}")


def _of(rules: tuple[FirewallRule, ...], block: str) -> tuple[FirewallRule, ...]:
    return tuple(rule for rule in doors(rules) if rule.peer == block)


def _rules(environment: Environment, firewall: Firewall) -> tuple[FirewallRule, ...]:
    settings = environment.settings
    return firewall.tagged({"project": settings.project, "environment": settings.environment})
