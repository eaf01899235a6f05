"""All servers of an environment at once: which of them answer, and what they are asked to do without Pulumi.

Whoever goes back forgives a server that does not answer. So nothing here fails for one of them: it is left out, named.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from release.aws.instances import Instances
from release.aws.session import AwsSession
from release.comparison.drift import INSTALLER
from release.errors import Inconclusive, StagelineError
from release.ledger.head import SlotName
from release.servers.servers import open_ssh, servers_of
from release.servers.ssh import Ssh
from settings.model import Settings

AT_ONCE = 8
GREETING_LIMIT = 6.0  # seconds within which a server has to let us in, or it is taken for silent
START_LIMIT = 90.0  # seconds for a slot's start, health included
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The servers of one environment, over SSH."""

    session: AwsSession
    settings: Settings

    def silent(self, outputs: Mapping[str, Any], out: frozenset[str] = frozenset()) -> frozenset[str]:
        """The names of the servers that let nobody in within seconds; none are asked that are ``out``."""
        servers = [server for server in servers_of(self.settings, outputs) if server.name not in out]
        ssh = replace(open_ssh(self.session, self.settings, outputs), answer_limit=GREETING_LIMIT)
        answers = _side_by_side(lambda server: _answers(ssh, server.address), servers)
        return frozenset(server.name for server, answered in zip(servers, answers, strict=True) if not answered)

    def start(self, instances: Sequence[str], slot: SlotName) -> list[str]:
        """Start what a slot holds on these instances; the names of those that said it runs. Inconclusive when none."""
        said = self._ask(instances, f"python3 {INSTALLER} start {slot}", START_LIMIT)
        started = [name for name, answer in said.items() if answer.get("result") in ("started", "unchanged")]
        if not started:
            whys = "; ".join(f"{name}: {answer.get('why', 'it did not answer')}" for name, answer in said.items())
            raise Inconclusive(f"no server started what {slot} holds: {whys or 'none runs'}")
        return started

    def migration_began(self, instances: Sequence[str], slot: SlotName, deployment: str) -> bool | None:
        """Whether any of them began to migrate for a deployment, by their own word; None when one cannot tell."""
        try:
            said = self._ask(instances, f"python3 {INSTALLER} status", GREETING_LIMIT)
        except StagelineError:
            return None
        words = [_migration(answer, slot) for answer in said.values()]
        if deployment in words:
            return True
        return None if None in words or not words else False

    def _ask(self, instances: Sequence[str], command: str, limit: float) -> dict[str, dict[str, Any]]:
        """What the installer of each instance answers, by the instance's name; nothing for one that does not answer."""
        machines = Instances(self.session).running(instances)
        ssh = replace(open_ssh(self.session, self.settings, self._bastion()), answer_limit=limit)
        private = self.settings.servers.bastion is not None
        answers = _side_by_side(lambda one: _answer(ssh, one.private if private else one.public, command), machines)
        return {machine.name: answer for machine, answer in zip(machines, answers, strict=True)}

    def _bastion(self) -> dict[str, Any]:
        """The stack's output about the bastion, as EC2 tells it."""
        if self.settings.servers.bastion is None:
            return {}
        found = Instances(self.session).named(f"{self.settings.project}-{self.settings.environment}-bastion")
        return {"bastion": {"address": found[0].public}} if found else {}


def _side_by_side(ask: Callable[[Any], T], whom: Sequence[Any]) -> list[T]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(ask, whom))


def _answers(ssh: Ssh, address: str) -> bool:
    try:
        return ssh.run(address, "true").code == 0
    except StagelineError:
        return False


def _answer(ssh: Ssh, address: str, command: str) -> dict[str, Any]:
    """What an installer says; empty for a server that does not answer, or not with an object."""
    try:
        said = json.loads(ssh.run(address, command).out)
    except (StagelineError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _migration(answer: Mapping[str, Any], slot: SlotName) -> str | None:
    """The deployment whose migration began in a slot; empty where none did, None where the server does not say."""
    said = answer.get(slot)
    if not isinstance(said, dict) or "migration" not in said:
        return None
    if said.get("problem") and not said["migration"]:
        return None  # its note could not be read
    began = said["migration"]
    return str(began.get("deployment", "")) if isinstance(began, dict) else ""
