"""What is said of users is what the live URL answers at that moment."""

import json

import pytest

from release.doors.aws.listeners import Entrance
from release.doors.http import Answer
from release.process.errors import Broken
from release.work.users import Seen, seen_in, what_users_see
from tests.release.deploying import put
from tests.release.world import World


def of(version: str) -> Answer:
    return Answer(status=200, body=json.dumps({"version": version}), milliseconds=1)


ILL = Answer(status=503, body="nothing is live", milliseconds=1)
SILENT = Answer(status=0, body="timed out", milliseconds=5000, late=True)
AWAY = Answer(status=0, body="ConnectionRefusedError", milliseconds=0)
ODD = Answer(status=200, body="[" * 100_000, milliseconds=1)


@pytest.mark.parametrize(
    ("answers", "version", "words"),
    [
        pytest.param([of("1.1.0")] * 3, "1.1.0", "users are on 1.1.0", id="one-release"),
        pytest.param(
            [of("1.1.0"), of("1.0.0"), of("1.1.0")], None, "users get answers of 1.0.0 and of 1.1.0", id="two-releases"
        ),
        pytest.param(
            [of("1.1.0"), ILL, of("1.1.0")], None, "users get answers of 1.1.0, and others of no release", id="some-ill"
        ),
        pytest.param([ILL] * 3, None, "the live URL answers with 503", id="ill"),
        pytest.param([SILENT] * 3, None, "the live URL is silent", id="silent"),
        pytest.param([AWAY] * 3, None, "the live URL cannot be reached from here", id="not-reached"),
        pytest.param([ODD] * 3, None, "the live URL answers with 200", id="not-readable"),
    ],
)
def test_the_words_are_those_of_the_answers(answers: list[Answer], version: str | None, words: str) -> None:
    seen = seen_in(answers)
    assert (seen.version, seen.words) == (version, words)


def test_what_an_answer_says_of_itself_is_bounded_and_printable() -> None:
    seen = seen_in([of("1.0.0\x1b[2J" + "9" * 10_000)] * 3)
    assert seen.words.isprintable()
    assert len(seen.words) < 1000


def test_it_is_asked_of_the_listener_and_not_of_the_ledger(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    assert what_users_see(world.dev).words == "users are on 1.1.0"
    world.servers["dev"].live = "blue"
    heard = frozenset({"1.0.0"})
    assert what_users_see(world.dev) == Seen(version="1.0.0", words="users are on 1.0.0", heard=heard)


class Lost:
    """Listeners that AWS does not tell of."""

    def find(self) -> Entrance:
        raise Broken("cannot look for the load balancer: AccessDenied", hint="ask for it")


def test_who_cannot_ask_says_so_and_why(world: World) -> None:
    object.__setattr__(world.dev, "listeners", Lost())
    words = "what users see could not be asked (cannot look for the load balancer: AccessDenied)"
    assert what_users_see(world.dev) == Seen(version=None, words=words)
