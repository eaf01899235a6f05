"""Whoever is refused while a deployment is open is told verbs that are allowed right there."""

import re
from collections.abc import Callable

import pytest

from release.process.errors import Inconclusive, Refused
from release.records.ledger.head import Content, Former
from release.records.ledger.ledger import Entry
from release.verbs.accept import accept_open
from release.verbs.adopt_listener import adopt
from release.verbs.rollback import Request, go_back
from release.work.executor import abort, resume
from tests.release.deploying import (
    Killed,
    Silent,
    could_not_be_put_back,
    kill_while_installing,
    put,
    reachable_again,
    state,
    unreachable,
)
from tests.release.world import OPS, World

VERBS: dict[str, Callable[[World], object]] = {
    "accept": lambda world: accept_open(world.dev, "I saw it", OPS, Silent()),
    "resume": lambda world: resume(world.dev, OPS, Silent()),
    "abort": lambda world: abort(world.dev, OPS, Silent()),
    "adopt-listener": lambda world: adopt(world.dev, "they like it", OPS, Silent()),
    "rollback": lambda world: go_back(world.dev, Request(version="1.0.0"), OPS, Silent()),
}


def before_the_switch(world: World) -> None:
    put(world, "1.0.0")
    kill_while_installing(world, "1.1.0")


def paused(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0", pause=True)


def in_the_switch(world: World) -> None:
    """It died after HEAD said so, and before the listener moved."""

    def killed(slot: object) -> None:
        world.dev.ledger.is_killed = True
        raise Killed

    put(world, "1.0.0")
    world.dev.listeners.before_move = killed
    with pytest.raises(Killed):
        put(world, "1.1.0")
    world.dev.listeners.before_move, world.dev.ledger.is_killed = lambda slot: None, False


def behind_the_switch(world: World) -> None:
    put(world, "1.0.0")
    unreachable(world, "http://live")
    with pytest.raises(Inconclusive):
        put(world, "1.1.0")
    reachable_again(world)


def moved_by_hand(world: World) -> None:
    behind_the_switch(world)
    world.servers["dev"].live = "blue"


def another_answers(world: World) -> None:
    behind_the_switch(world)
    world.servers["dev"].green = "0.9.0"


def being_put_back(world: World) -> None:
    put(world, "1.0.0")
    could_not_be_put_back(world, "1.1.0")


def without_a_way_back(world: World) -> None:
    """What users would go back to was overwritten in the very slot."""
    behind_the_switch(world)
    before = state(world)
    lost = Content(release="0.9.0", digest="d", artifact_key="artifacts/d", deployment="dev-0")
    opened = before.open and before.open.but(former=Former(declared=before.open.slot, content=lost))
    world.dev.ledger.note(Entry(kind="note", state=before.but(open=opened)), world.dev.ledger.head(), OPS)


def another_answers_without_a_way_back(world: World) -> None:
    without_a_way_back(world)
    world.servers["dev"].green = "0.9.0"


HINTS: dict[str, tuple[Callable[[World], None], str, set[str]]] = {
    "accept before the switch": (before_the_switch, "accept", {"resume", "abort"}),
    "accept what is paused": (paused, "accept", {"resume", "abort"}),
    "accept where the listener did not move any more": (in_the_switch, "accept", {"resume", "abort"}),
    "accept where the listener was moved by hand": (moved_by_hand, "accept", {"abort", "adopt-listener"}),
    "accept where another one answers": (another_answers, "accept", {"abort"}),
    "accept where another one answers for good": (another_answers_without_a_way_back, "accept", {"rollback"}),
    "accept what is being put back": (being_put_back, "accept", {"abort"}),
    "resume what is being put back": (being_put_back, "resume", {"abort"}),
    "resume where the listener was moved by hand": (moved_by_hand, "resume", {"abort", "adopt-listener"}),
    "abort without a way back": (without_a_way_back, "abort", {"resume", "rollback", "adopt-listener"}),
}  # fmt: skip
ALLOWED = [(before, verb) for before, _, verbs in HINTS.values() for verb in sorted(verbs)]


@pytest.mark.parametrize(("before", "refused", "verbs"), HINTS.values(), ids=HINTS)
def test_a_refusal_names_these_verbs(
    world: World, before: Callable[[World], None], refused: str, verbs: set[str]
) -> None:
    before(world)
    with pytest.raises(Refused) as refusal:
        VERBS[refused](world)
    assert set(re.findall(rf"\b({'|'.join(VERBS)})\b", refusal.value.hint)) == verbs


@pytest.mark.parametrize(
    ("before", "verb"), dict.fromkeys(ALLOWED), ids=[f"{b.__name__}-{v}" for b, v in dict.fromkeys(ALLOWED)]
)
def test_a_verb_that_a_refusal_names_is_allowed_there(world: World, before: Callable[[World], None], verb: str) -> None:
    before(world)
    VERBS[verb](world)
    assert state(world).open is None
