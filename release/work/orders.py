"""An order for a slot, given to the installers of servers side by side, and what they answer.

The text is the one that the program gives: `pulumi up` gives it once more when Pulumi's state is told, and the
installers then find it carried out. So it may come twice, and a connection that was lost is simply tried again.
"""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from contract.order import order
from contract.slots import SlotName
from release.doors.servers.servers import Server
from release.doors.servers.ssh import NoAnswer, NotReached, Said, Ssh
from release.process.errors import Broken, Inconclusive, StagelineError
from release.process.text import bounded, object_in
from release.records.ledger.head import Content

HOLDS = frozenset({"installed", "unchanged", "relabelled", "started"})  # what an installer says that did what it should
IS_EMPTY = frozenset({"emptied", "unchanged"})  # and of an order that empties
TRIES = 2  # of an order whose connection was lost: an installer that carried it out finds it carried out
BUSY = "busy"  # what an installer says that waited for another run in its slot, in vain
T = TypeVar("T")


class InstallFailed(Broken):
    """A release was not installed on all servers that should have it (exit code 1)."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How an order ended on a server: its installer's result, or why not.

    ``said`` is whether that is its own word: of a server that fell silent it is not known what its slot holds.
    ``busy``: another run was at work there.
    """

    server: str
    result: str = ""
    why: str = ""
    note: str = ""
    said: bool = True
    busy: bool = False

    @property
    def words(self) -> str:
        """The same for people."""
        return f"{self.server}: {self.result or self.why}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True, kw_only=True)
class Installed:
    """How a release was brought to servers, by their names: the results of those that hold it, why others failed, and
    which fell silent meanwhile.
    """

    results: dict[str, str]
    failed: dict[str, str] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> "Installed":
        """What these answers tell."""
        return cls(
            results={answer.server: answer.result for answer in answers if answer.result},
            failed={answer.server: answer.why for answer in answers if answer.why and answer.said},
            silent=frozenset(answer.server for answer in answers if not answer.said),
        )


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a slot of every server shall hold, and the command that takes this order; ``told`` hears each answer.

    ``still_ours`` is asked before each order and raises what forbids it: installers know of no fence. ``waits`` is how
    many times an installer is asked again that is busy with what may be this very order: where a connection was lost,
    and with ``may_be_ours`` in any case.
    """

    ssh: Ssh
    command: str
    slot: SlotName
    content: Content
    told: Callable[[str], None]
    still_ours: Callable[[], object]
    waits: int
    at_once: int
    may_be_ours: bool = False

    def given(self, servers: Sequence[Server]) -> list[Answer]:
        """The answers of these servers, all of them waited for."""
        return side_by_side(self._heard, servers, self.at_once)

    def given_back(self, servers: Sequence[Server]) -> list[Answer]:
        """The same without waiting for who is busy, as long as another one took it; else there is no other way."""
        answers = replace(self, waits=0).given(servers)
        busy = [server for server, answer in zip(servers, answers, strict=True) if answer.busy]
        if not busy or any(answer.result for answer in answers):
            return answers
        again = {answer.server: answer for answer in replace(self, may_be_ours=True).given(busy)}
        return [again.get(answer.server, answer) for answer in answers]

    def refuse_failed(self, answers: Sequence[Answer]) -> None:
        """InstallFailed where one of them does not hold it, with what became of the others that were asked."""
        if not (whys := whys_of(answers)):
            return
        took = ", ".join(answer.server for answer in answers if answer.result)
        raise InstallFailed(
            f"{self.content.release} was not installed into {self.slot}: {whys}" + (f"; {took} took it" if took else "")
        )

    def refuse_all_failed(self, answers: Sequence[Answer]) -> None:
        """InstallFailed where no server took it, Inconclusive where none of them said why."""
        if any(answer.result for answer in answers):
            return
        if any(answer.said for answer in answers):
            self.refuse_failed(answers)
        raise Inconclusive(f"no server took {self.content.release} into {self.slot}: {whys_of(answers)}")

    def _heard(self, server: Server) -> Answer:
        answer = self._obeyed(server)
        self.told(answer.words)
        return answer

    def _obeyed(self, server: Server) -> Answer:
        """Its answer. Where a connection was lost our own run may still be at work there: it is waited for."""
        lost, waits = 0, 0
        while True:
            self.still_ours()
            try:
                said = self.ssh.run(server.address, self.command, order_of(self.slot, self.content))
            except StagelineError as error:
                lost += 1
                if lost == TRIES or not isinstance(error, NotReached) or isinstance(error, NoAnswer):
                    return _not_heard(server.name, error)
                continue
            answer = _answer(server.name, said, HOLDS if self.content.release else IS_EMPTY)
            if not (answer.busy and (lost or self.may_be_ours) and waits < self.waits):
                return answer
            waits += 1


def order_of(slot: SlotName, content: Content) -> str:
    """The order for what a slot shall hold, as the program gives it."""
    return order(
        slot,
        release=content.release,
        digest=content.digest,
        commands=content.commands.plain,
        configuration=content.configuration,
        deployment=content.deployment,
        reuse=content.reuse,
    )


def whys_of(answers: Sequence[Answer]) -> str:
    """Why servers do not hold it; empty where all of them do."""
    return "; ".join(f"{answer.server}: {answer.why}" for answer in answers if answer.why)


def side_by_side(ask: Callable[[Any], T], whom: Sequence[Any], at_once: int) -> list[T]:
    """What each of them answers, in their order."""
    if min(at_once, len(whom)) < 2:
        return [ask(one) for one in whom]
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(ask, whom))


def _not_heard(server: str, error: StagelineError) -> Answer:
    return Answer(server=server, why=f"its installer was not heard to the end: {error.args[0]}", said=False)


def _answer(server: str, said: Said, wanted: Collection[str]) -> Answer:
    """An installer's word; one that says nothing of itself has failed."""
    told = object_in(said.out)
    result, note = str(told.get("result")), bounded(str(told.get("note") or ""))
    if result in wanted and not told.get("why"):
        return Answer(server=server, result=result, note=note)
    busy = result == BUSY
    ended = f"its installer ended with {said.code} and does not say how: {said.err}"
    return Answer(server=server, why=bounded(str(told.get("why") or ended)), note=note, busy=busy)
