"""Deletions are asked for once more before each one, and the ledger names all of them, however long their names are."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from release.process.errors import Refused
from release.records.ledger.bounds import batches, small
from release.records.ledger.stops import Hold, Stops
from release.work.deletion import Deletion, delete_all, details, how_far, refuse_kept
from tests.release.deploying import Silent
from tests.release.world import OPS, World

HELD = Stops(hold=Hold(reason="what was that?", by="ann", since="2026-11-20T12:00:00+00:00"))


def deletion(name: str, part: str = "snapshots", delete: Callable[[], None] = lambda: None, kept: str = "") -> Deletion:
    word = name if part == "snapshots" else {"release": name, "digest": "a" * 64}
    return Deletion(name=name, part=part, word=word, keeps=lambda stops: kept, delete=delete)


def named(world: World, kind: str) -> list[str]:
    """The snapshots that the events of a kind name, in their order."""
    events = [event for event in world.dev.ledger.events() if event.kind == kind]
    return [name for event in events for name in event.details["snapshots"]]


LONG = {
    "the longest that the tool makes": (
        [f"{'p' * 31}-{'e' * 31}-20261121-084224-{number:04x}" for number in range(500)],
        [f"1.0.0-{number:058d}" for number in range(500)],
    ),
    "of several bytes each": ([f"{'💩' * 100}-{number}" for number in range(500)], []),
    "of signs that JSON escapes": ([], ['"' * 200 + str(number) for number in range(500)]),
    "many short ones": ([f"s{number}" for number in range(500)], [f"1.0.{number}" for number in range(500)]),
}


@pytest.mark.parametrize(("snapshots", "releases"), LONG.values(), ids=LONG)
def test_as_many_events_as_it_takes_name_all_that_goes(snapshots: Sequence[str], releases: Sequence[str]) -> None:
    deletions = [*(deletion(name) for name in snapshots), *(deletion(name, "releases") for name in releases)]
    events = [details(batch) for batch in batches(deletions, lambda one: one.word)]
    assert [small({**event, "why": "y" * 1999}) for event in events] == [{**e, "why": "y" * 1999} for e in events]
    assert [word for event in events for words in event.values() for word in words] == [one.word for one in deletions]


def test_the_history_names_all_that_went_also_where_one_event_cannot(world: World) -> None:
    gone: list[str] = []
    names = [f"{'💩' * 480}-{number}" for number in range(50)]
    deletions = [deletion(name, delete=partial(gone.append, name)) for name in names]
    delete_all(world.dev, deletions, world.dev.ledger.head(), OPS, Silent())
    assert named(world, "pruning requested") == named(world, "pruning done") == gone == names
    assert [event.kind for event in world.dev.ledger.events()][1:] == ["pruning requested", "pruning done"] * 2
    assert world.dev.ledger.faults() == ()


def test_a_few_stand_in_one_event_each_in_its_part(world: World) -> None:
    deletions = [deletion("s1"), deletion("s2"), deletion("1.0.0", "releases")]
    delete_all(world.dev, deletions, world.dev.ledger.head(), OPS, Silent())
    *_, requested, done = world.dev.ledger.events()
    words = {"snapshots": ["s1", "s2"], "releases": [{"release": "1.0.0", "digest": "a" * 64}]}
    assert (requested.kind, requested.details, done.details) == ("pruning requested", words, words)


def test_where_nothing_goes_nothing_is_recorded(world: World) -> None:
    before = world.dev.ledger.head()
    delete_all(world.dev, (), before, OPS, Silent())
    assert world.dev.ledger.head() == before


@pytest.mark.parametrize(
    ("kept", "stops", "why"),
    [
        pytest.param("", HELD, r"dev was put on hold by ann: what was that\?; run it again when", id="hold"),
        pytest.param("held by its tag", Stops(), r"s1 stays after all: held by its tag; run it again", id="itself"),
    ],
)
def test_what_something_keeps_by_now_is_not_deleted(kept: str, stops: Stops, why: str) -> None:
    with pytest.raises(Refused, match=why):
        refuse_kept("dev", deletion("s1", kept=kept), stops)


def test_what_nothing_keeps_is() -> None:
    refuse_kept("dev", deletion("s1"), Stops())


@pytest.mark.parametrize(
    ("deleted", "said"),
    [
        pytest.param([], "deleted 0 of 3, not deleted: a; b; c", id="none"),
        pytest.param(["a", "b"], "deleted 2 of 3 (a; b), not deleted: c", id="some"),
    ],
)
def test_how_far_it_came_names_what_was_deleted_and_what_was_not(deleted: list[str], said: str) -> None:
    assert how_far(deleted, [deletion(name) for name in "abc"]) == said


def test_many_names_are_counted() -> None:
    said = how_far([], [deletion(f"snapshot-{number}") for number in range(500)])
    assert said.endswith("and 484 more")
    assert len(said) < 300
