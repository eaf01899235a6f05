"""Row 2: sixteen processes at once, round after round, over real HTTP against one AWS API: exactly one wins each.

The processes share nothing but the table. A barrier lets them read the same HEAD, and then begin at the same moment.
"""

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest

from local.aws_api import ACCOUNT, AwsApi
from local.faults import Fault
from release.process.errors import LeaseHeld
from release.records.ledger.head import State
from release.records.ledger.ledger import Entry, Ledger, Writer
from tests.e2e.api import open_ledger, served

RACERS, ROUNDS, LIMIT = 16, 20, 60

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one process fared in one round: the event that it began with, or the code and line of its refusal."""

    racer: int
    seq: int | None = None
    code: int = 0
    line: str = ""


@pytest.fixture(scope="module")
def api() -> Iterator[AwsApi]:
    with served() as api:
        yield api


@pytest.fixture
def ledger(api: AwsApi, request: pytest.FixtureRequest) -> Ledger:
    """A new ledger in a table of the test's own."""
    made = open_ledger(request.node.name[-40:])
    made.table.create({})
    made.create(writer(0))
    return made


@pytest.fixture
def replies_get_lost(api: AwsApi) -> Iterator[None]:
    """A hundred times AWS does what it is told to, and closes the connection instead of saying so."""
    fault = Fault(id="f1", kind="lose", target="dynamodb:TransactWriteItems", times=100)
    api.call_faults.inject(fault)
    yield
    api.call_faults.lift(fault)


def writer(racer: int) -> Writer:
    return Writer(principal=f"arn:aws:iam::{ACCOUNT}:user/racer-{racer}", host=f"host-{racer}", ci="")


def entry(kind: str, racer: int) -> Entry:
    return Entry(kind=kind, state=State(), details={"racer": racer})


def test_row_02_of_sixteen_processes_that_begin_at_once_one_wins_and_the_others_are_told_who(ledger: Ledger) -> None:
    rounds = race(ledger, hold_until_all_have_tried, ROUNDS)
    for results in rounds:
        (winner,) = [result for result in results if result.seq is not None]
        losers = [result for result in results if result.seq is None]
        told = (
            f"dev is being deployed by arn:aws:iam::{ACCOUNT}:user/racer-{winner.racer} on host-{winner.racer} since 20"
        )
        assert [(loser.code, loser.line.startswith(told)) for loser in losers] == [(5, True)] * (RACERS - 1)
    assert_whole(ledger, rounds, events_each=2)


def test_a_winner_that_is_done_at_once_lets_in_nobody_who_decided_by_the_head_before(ledger: Ledger) -> None:
    """The lease is free again before others come to take it, but HEAD is no longer what they judged by."""
    rounds = race(ledger, give_back_at_once, ROUNDS)
    for results in rounds:
        (winner,) = [result for result in results if result.seq is not None]
        losers = [result for result in results if result.seq is None]
        told = f"user/racer-{winner.racer} on host-{winner.racer} "
        assert [(loser.code, told in loser.line) for loser in losers] == [(5, True)] * (RACERS - 1)
    assert_whole(ledger, rounds, events_each=1)


def test_row_04_with_lost_replies_there_is_still_one_winner_and_no_event_twice(
    ledger: Ledger, replies_get_lost: None
) -> None:
    """In a race: boto3 sends again what got no reply, and only the nonce tells whose the success was."""
    rounds = race(ledger, hold_until_all_have_tried, 5)
    assert [sum(result.seq is not None for result in results) for results in rounds] == [1] * 5
    assert_whole(ledger, rounds, events_each=2)


def assert_whole(ledger: Ledger, rounds: list[list[Result]], *, events_each: int) -> None:
    """Every winner's events are there once, in the order of the rounds, and the chain holds."""
    winners = [result.racer for results in rounds for result in results if result.seq is not None]
    recorded = [event.details["racer"] for event in ledger.events() if event.seq]
    assert recorded == [racer for racer in winners for _ in range(events_each)]
    assert len({event.nonce for event in ledger.events()}) == len(recorded) + 1
    assert ledger.head().fence == len(rounds)
    assert ledger.faults() == ()


def race(ledger: Ledger, run: Any, rounds: int) -> list[list[Result]]:
    """The results of all processes, round by round."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    barrier, results = context.Barrier(RACERS), context.SimpleQueue()
    given = (ledger.table.name, run, rounds, barrier, results)
    racers = [context.Process(target=run_rounds, args=(number, *given)) for number in range(RACERS)]
    for racer in racers:
        racer.start()
    found = [results.get() for _ in racers]
    for racer in racers:
        racer.join(LIMIT)
    assert [racer.exitcode for racer in racers] == [0] * RACERS
    return [list(results) for results in zip(*found, strict=True)]


def run_rounds(racer: int, table: str, run: Any, rounds: int, barrier: Barrier, results: Any) -> None:
    """One process. One that fails breaks the barrier, so that none waits for ever."""
    ledger, found = open_ledger(table), list[Result]()
    try:
        for _ in range(rounds):
            found.append(run(ledger, racer, barrier))
    except BaseException:
        barrier.abort()
        raise
    finally:
        results.put(found)


def hold_until_all_have_tried(ledger: Ledger, racer: int, barrier: Barrier) -> Result:
    head = ledger.head()
    barrier.wait(LIMIT)
    try:
        with ledger.begin(entry("began", racer), head, writer(racer)) as holder:
            seq = holder.head.seq
            barrier.wait(LIMIT)
            holder.record(entry("did", racer))
        result = Result(racer=racer, seq=seq)
    except LeaseHeld as error:
        barrier.wait(LIMIT)
        result = Result(racer=racer, code=error.exit_code, line=str(error))
    barrier.wait(LIMIT)
    return result


def give_back_at_once(ledger: Ledger, racer: int, barrier: Barrier) -> Result:
    head = ledger.head()
    barrier.wait(LIMIT)
    try:
        with ledger.begin(entry("began", racer), head, writer(racer)) as holder:
            result = Result(racer=racer, seq=holder.head.seq)
    except LeaseHeld as error:
        result = Result(racer=racer, code=error.exit_code, line=str(error))
    barrier.wait(LIMIT)
    return result
