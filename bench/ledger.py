"""What the ledger costs: looking at a long one, and taking and giving back the lease.

Against an AWS API in this process, by real HTTP, whose requests it counts. The long history is put straight into the
table's memory: writing it by a hundred thousand transactions would take longer than everything else together.
"""

import statistics
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from bench.figure import Figure, NotMeasured
from local.aws_api import ACCOUNT, REGION
from release.records.ledger.event import GENESIS, Event, event_json, text_hash
from release.records.ledger.head import Head, State, head_json, state_hash
from release.records.ledger.ledger import Entry, Writer
from release.records.ledger.stops import NOW, Stops, stops_json
from release.verbs.status import status
from settings.stackfile import Project, load
from tests.e2e.api import PROJECT_NAME, open_ledger, served
from tests.project import PROJECT

LONG, SHORT = 100_000, 10  # events
TIMES = 400
WRITER = Writer(principal="arn:aws:iam::123456789012:user/ops", host="bench", ci="")


def status_of_long_ledgers() -> Iterable[Figure]:
    """`release status` with a hundred thousand events against ten, turn by turn; the verb's work without its start."""
    with served() as api:
        fill("dev", SHORT)
        fill("qa", LONG)
        short, long = by_turns("dev", "qa")
        api.counts.take(reset=True)
        status(Project(PROJECT), "qa")
        counted = api.counts.take(reset=True)
    yield Figure(
        what=f"status: {LONG:,} events against {SHORT}",
        value=long / short,
        unit="x",
        bound=1.05,
        detail=f"  {long * 1000:.2f} ms against {short * 1000:.2f} ms, medians of {TIMES}",
    )
    yield Figure(
        what=f"status: reads with {LONG:,} events",
        value=total(counted),
        unit="reads",
        bound=1,
        detail=f"  {', '.join(f'{times} {name}' for name, times in counted.items())}",
    )


def lease_requests() -> Iterable[Figure]:
    """Every request from reading HEAD until the lease is given back, without the work between."""
    with served() as api:
        ledger = open_ledger(load(PROJECT, "dev").names.ledger_table)
        ledger.table.create({})
        ledger.create(WRITER)
        api.counts.take(reset=True)
        began = time.monotonic()
        with ledger.begin(Entry(kind="note", state=State()), ledger.head(), WRITER):
            pass
        seconds, counted = time.monotonic() - began, api.counts.take(reset=True)
    calls = ", ".join(f"{times} {name.partition(':')[2]}" for name, times in counted.items())
    yield Figure(
        what="lease: acquire and release",
        value=total(counted),
        unit="requests",
        bound=4,
        detail=f"  {calls}; {seconds * 1000:.0f} ms",
    )


def by_turns(one: str, other: str) -> tuple[float, float]:
    """Median seconds of a look at each of two environments; by turns, so that both meet the same machine."""
    took: dict[str, list[float]] = {one: [], other: []}
    for _ in range(TIMES):
        for name, times in took.items():
            times.append(seconds_of_status(name))
    return statistics.median(took[one]), statistics.median(took[other])


def seconds_of_status(environment: str) -> float:
    began = time.perf_counter()
    report = status(Project(PROJECT), environment)
    took = time.perf_counter() - began
    if not report["environments"][0]["initialised"]:
        raise NotMeasured(f"{environment} has no ledger")
    return took


def fill(environment: str, count: int) -> None:
    """A ledger with this many events, whose chain holds, and nothing stopped: with all that a real one begins with."""
    table = open_ledger(load(PROJECT, environment).names.ledger_table).table
    table.create({})
    stored = dynamodb_backends[ACCOUNT][REGION].tables[table.name]
    last, text = None, ""
    for last, text in islice(chain(), count):
        stored.put_item(item("EVENT", last.seq, text, last.nonce))
    if last is None:
        raise NotMeasured("a ledger has at least one event")
    stored.put_item(item("HEAD", 0, head_json(head_at(environment, last, text)), last.nonce))
    stored.put_item(item(NOW, 0, stops_json(Stops()), ""))


def chain() -> Iterator[tuple[Event, str]]:
    """Events without end, each with its text."""
    seq, previous = 0, GENESIS
    while True:
        event = Event(
            seq=seq,
            at="2026-11-21T12:00:00.000+00:00",
            kind="note",
            by=WRITER.principal,
            host=WRITER.host,
            nonce=f"{seq:032x}",
            previous=previous,
            fence=0,
            state_hash=state_hash(State()),
        )
        text = event_json(event)
        yield event, text
        seq, previous = seq + 1, text_hash(text)


def head_at(environment: str, last: Event, text: str) -> Head:
    return Head(
        project=PROJECT_NAME,
        environment=environment,
        account=ACCOUNT,
        seq=last.seq,
        hash=text_hash(text),
        fence=last.fence,
        nonce=last.nonce,
        state=State(),
    )


def item(kind: str, seq: int, body: str, nonce: str) -> dict[str, Any]:
    """An item as DynamoDB writes it."""
    return {
        "kind": {"S": kind},
        "seq": {"N": str(seq)},
        "fence": {"N": "0"},
        "nonce": {"S": nonce},
        "body": {"S": body},
    }


def total(counted: dict[str, int]) -> int:
    return sum(counted.values())
