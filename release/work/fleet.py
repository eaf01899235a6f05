"""All servers of an environment at once: which of them answer, and what they are asked to do without Pulumi.

Whoever goes back forgives a server that does not answer. So nothing that a rollback asks fails for one of them: it is
left out, named. Whoever goes forward has all of them or none, and the canary tries first.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contract.layout import INSTALLER
from contract.order import install_command
from contract.slots import SlotName
from release.doors.aws.instances import Instances, Machine
from release.doors.aws.session import AwsSession
from release.doors.servers.servers import Server, open_ssh, servers_of
from release.doors.servers.ssh import CONNECT_LIMIT, NotReached, Ssh
from release.process.errors import Broken, Inconclusive, NotBegun, StagelineError
from release.process.text import object_in
from release.records.ledger.head import Content, emptied
from release.work.orders import Answer, Installed, Orders, side_by_side
from settings.model import Settings

AT_ONCE = 8
GREETING_LIMIT = 6.0  # seconds within which a server has to let us in, or it is taken for silent
START_LIMIT = 90.0  # seconds for a slot's start, health included
DIAL_LIMIT = 2.0 * CONNECT_LIMIT  # seconds: a bastion and the server behind it
UNDO_LIMIT = 60.0  # seconds in which an installer that ran out of time puts its slot back and says so
BUSY_LIMIT = 60.0  # seconds for which an installer waits for another run in its slot
PAUSE = 1.0  # seconds between two dials


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The servers of one environment, over SSH."""

    session: AwsSession
    settings: Settings
    door: Callable[[AwsSession, Settings, Mapping[str, Any]], Ssh] = open_ssh
    at_once: int = AT_ONCE
    pause: Callable[[float], None] = time.sleep

    def silent(self, outputs: Mapping[str, Any], out: frozenset[str] = frozenset()) -> frozenset[str]:
        """The names of the servers that let nobody in within seconds; none are asked that are ``out``."""
        servers = [server for server in servers_of(self.settings, outputs) if server.name not in out]
        ssh = replace(self.door(self.session, self.settings, outputs), answer_limit=GREETING_LIMIT)
        silent = side_by_side(lambda server: _is_silent(ssh, server), servers, self.at_once)
        return frozenset(server.name for server, is_silent in zip(servers, silent, strict=True) if is_silent)

    def install(
        self,
        outputs: Mapping[str, Any],
        slot: SlotName,
        content: Content,
        *,
        out: frozenset[str],
        go_on: Callable[[], None],
        still_ours: Callable[[], object],
        told: Callable[[str], None],
        resumed: bool = False,
    ) -> Installed:
        """Fill a slot on every server that is not ``out``: on the canary first, which migrates, then on all others.

        ``go_on`` is asked before each of the two, ``still_ours`` before each order; they raise what stops it. What the
        dead process of a ``resumed`` deployment began on a server is waited for. NotBegun where a server lets nobody in
        within its time: then none was asked. InstallFailed where one does not hold the release in the end; those that
        had begun are waited for.
        """
        servers = [server for server in servers_of(self.settings, outputs) if server.name not in out]
        orders = self._reached(servers, lambda: self._orders(outputs, slot, content, told, still_ours), go_on)
        orders = replace(orders, may_be_ours=resumed)
        answers: list[Answer] = []
        for some in filter(None, (servers[:1], servers[1:])):
            go_on()
            answers += orders.given(some)
            orders.refuse_failed(answers)
        return Installed.of(answers)

    def install_back(
        self,
        outputs: Mapping[str, Any],
        slot: SlotName,
        content: Content,
        *,
        left_out: frozenset[str],
        still_ours: Callable[[], object],
        told: Callable[[str], None],
    ) -> Installed:
        """Fill a slot on all servers at once, but for those ``left_out``: one that fails holds up no other.

        InstallFailed where no server took it, Inconclusive where none of them said why.
        """
        servers = [server for server in servers_of(self.settings, outputs) if server.name not in left_out]
        answers = (orders := self._orders(outputs, slot, content, told, still_ours)).given_back(servers)
        orders.refuse_all_failed(answers)
        return Installed.of(answers)

    def empty(
        self,
        outputs: Mapping[str, Any],
        slot: SlotName,
        content: Content,
        failed: Mapping[str, str],
        *,
        still_ours: Callable[[], object],
        told: Callable[[str], None],
    ) -> dict[str, str]:
        """Empty a slot on servers that failed to take this content; why each failed, and what its slot holds now."""
        servers = [server for server in servers_of(self.settings, outputs) if server.name in failed]
        undone = self._orders(outputs, slot, emptied(content.deployment), told, still_ours).given(servers)
        return {answer.server: f"{failed[answer.server]}; {_now(answer)}" for answer in undone}

    def start(self, instances: Sequence[str], slot: SlotName) -> list[str]:
        """Start what a slot holds on these instances; the names of those that said it runs. Inconclusive when none."""
        said = self._ask(instances, f"python3 {INSTALLER} start {slot}", START_LIMIT)
        started = [one.name for one, answer in said.items() if answer.get("result") in ("started", "unchanged")]
        if not started:
            whys = "; ".join(f"{one.name}: {answer.get('why', 'it did not answer')}" for one, answer in said.items())
            raise Inconclusive(f"no server started what {slot} holds: {whys or 'none runs'}")
        return started

    def holding(self, instances: Sequence[str], slot: SlotName, content: Content) -> frozenset[str]:
        """Those of these instances whose slot holds these very bytes, by their own word."""
        said = self._ask(instances, f"python3 {INSTALLER} status", GREETING_LIMIT)
        return frozenset(one.id for one, answer in said.items() if _holds(answer, slot, content))

    def migration_began(self, instances: Sequence[str], slot: SlotName, deployment: str) -> bool | None:
        """Whether any of them began to migrate for a deployment, by their own word; None when one cannot tell: one that
        does not run neither.
        """
        try:
            said = self._ask(instances, f"python3 {INSTALLER} status", GREETING_LIMIT)
        except StagelineError:
            return None
        words = [_migration(answer, slot) for answer in said.values()]
        if deployment in words:
            return True
        return None if None in words or len(words) < max(1, len(instances)) else False

    def _orders(
        self,
        outputs: Mapping[str, Any],
        slot: SlotName,
        content: Content,
        told: Callable[[str], None],
        still_ours: Callable[[], object],
    ) -> Orders:
        servers = self.settings.servers
        limit = DIAL_LIMIT + servers.install_timeout + UNDO_LIMIT
        opened = self.door(self.session, self.settings, outputs)
        return Orders(
            ssh=replace(opened, answer_limit=limit, deployment=content.deployment),
            command=install_command(install_timeout=servers.install_timeout, settle=servers.settle),
            slot=slot,
            content=content,
            told=told,
            still_ours=still_ours,
            waits=int(limit // BUSY_LIMIT) + 1,
            at_once=self.at_once,
        )

    def _reached(self, servers: Sequence[Server], make: Callable[[], Orders], go_on: Callable[[], None]) -> Orders:
        """The orders, once every server lets us in. NotBegun where that does not come to pass."""
        try:
            orders = make()
            self._dial(orders, servers, go_on)
        except (Broken, Inconclusive) as error:
            raise NotBegun(f"no server was asked to install anything: {error.args[0]}", hint=error.hint) from error
        return orders

    def _dial(self, orders: Orders, servers: Sequence[Server], go_on: Callable[[], None]) -> None:
        """Until all of them let us in, or as many dials failed as the settings bear: one that boots gets its time."""
        name, ssh = self.settings.environment, replace(orders.ssh, answer_limit=GREETING_LIMIT)
        whys: dict[str, str] = {}
        if not servers:
            raise Broken(f"every server of {name} is out", hint=f"take one in: release mark-out {name} SERVER --lift")
        for left in reversed(range(max(2, self.settings.servers.dial_error_limit))):
            asked = [server for server in servers if not whys or server.name in whys]
            said = side_by_side(lambda server: _why_silent(ssh, server), asked, self.at_once)
            whys = {server.name: why for server, why in zip(asked, said, strict=True) if why}
            if not whys:
                return
            if left:
                orders.told(f"not reached yet: {_listed(whys)}")
                self.pause(PAUSE)
                go_on()
        raise NotReached(
            f"not reached: {_listed(whys)}",
            hint=f"make it anew: release replace-server {name} {min(whys)}, or leave it out: release mark-out {name} "
            f"{min(whys)} --reason WHY",
        )

    def _ask(self, instances: Sequence[str], command: str, limit: float) -> dict[Machine, dict[str, Any]]:
        """What the installer of each instance that runs answers; nothing for one that does not answer."""
        machines = Instances(self.session).running(instances)
        ssh = replace(self.door(self.session, self.settings, self._bastion()), answer_limit=limit)
        private = self.settings.servers.bastion is not None
        answers = side_by_side(
            lambda one: _answer(ssh, one.private if private else one.public, command), machines, self.at_once
        )
        return dict(zip(machines, answers, strict=True))

    def _bastion(self) -> dict[str, Any]:
        """The stack's output about the bastion, as EC2 tells it."""
        if self.settings.servers.bastion is None:
            return {}
        found = Instances(self.session).named(f"{self.settings.project}-{self.settings.environment}-bastion")
        return {"bastion": {"address": found[0].public}} if found else {}


def _listed(whys: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {why}" for name, why in whys.items())


def _is_silent(ssh: Ssh, server: Server) -> bool:
    try:
        return bool(_why_silent(ssh, server))
    except StagelineError:
        return True


def _why_silent(ssh: Ssh, server: Server) -> str:
    """Why a server lets nobody in, or nobody run anything there; empty where it does."""
    try:
        said = ssh.run(server.address, "true")
    except NotReached as error:
        return str(error.args[0])
    return f"it ended `true` with {said.code}" if said.code else ""


def _answer(ssh: Ssh, address: str, command: str) -> dict[str, Any]:
    """What an installer says; empty for a server that does not answer, or not with an object."""
    try:
        return object_in(ssh.run(address, command).out)
    except StagelineError:
        return {}


def _now(answer: Answer) -> str:
    return f"its slot was not emptied: {answer.why}" if answer.why else "its slot is empty now"


def _holds(answer: Mapping[str, Any], slot: SlotName, content: Content) -> bool:
    said = answer.get(slot)
    held = said.get("content") if isinstance(said, dict) else None
    wanted = content.release, content.digest, content.configuration
    return isinstance(held, dict) and (held.get("release"), held.get("digest"), held.get("configuration")) == wanted


def _migration(answer: Mapping[str, Any], slot: SlotName) -> str | None:
    """The deployment whose migration began in a slot; empty where none did, None where the server does not say."""
    said = answer.get(slot)
    if not isinstance(said, dict) or "migration" not in said:
        return None
    if said.get("problem") and not said["migration"]:
        return None  # its note could not be read
    began = said["migration"]
    return str(began.get("deployment", "")) if isinstance(began, dict) else ""
