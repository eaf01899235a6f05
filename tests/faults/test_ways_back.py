"""Row 13: where a rollback leads to. In memory, through the gates of the verb and a whole deployment each."""

import pytest

from release.environment import Environment
from release.errors import Refused, StagelineError
from release.verbs.rollback import Request, go_back
from tests.release.crash.invariants import broken_in_the_end
from tests.release.crash.kinds import ONE, TWO, after, put
from tests.release.crash.memory import Points
from tests.release.crash.outside import Outside, Steps, open_process
from tests.release.world import OPS, Clock


def roll_back(environment: Environment, version: str | None = None) -> None:
    go_back(environment, Request(version=version), OPS, Steps(Points()))


def live_and_previous(environment: Environment) -> tuple[str, str | None]:
    state = environment.ledger.head().state
    return state.live.release, state.previous.release if state.previous else None


def opened(outside: Outside) -> Environment:
    return open_process(outside, "dev", Clock())


def test_row_13_a_rollback_of_a_rollback_names_what_was_left_and_each_is_an_entry_of_its_own() -> None:
    outside = after(TWO).copy()
    dev = opened(outside)
    roll_back(dev)
    assert live_and_previous(dev) == ("1.0.0", "1.1.0")
    with pytest.raises(Refused, match="forward"):
        roll_back(dev)
    roll_back(dev, "1.1.0")
    assert live_and_previous(dev) == ("1.1.0", "1.0.0")
    requests = [event.deployment for event in dev.ledger.events() if event.kind == "rollback requested"]
    assert len({*requests}) == 2
    assert broken_in_the_end(outside, "dev", Clock()) == []


def test_row_13_a_release_that_failed_is_no_way_back() -> None:
    outside = after(TWO).copy()
    dev = opened(outside)
    outside.servers["dev"].fails_smoke_live = {"1.2.0"}
    with pytest.raises(StagelineError):
        put(dev, "promotion", "1.2.0", Points())
    roll_back(dev)
    assert live_and_previous(dev) == ("1.0.0", "1.1.0")


def test_row_13_after_the_first_deployment_there_is_no_way_back_and_nothing_begins() -> None:
    outside = after(ONE).copy()
    dev = opened(outside)
    before = outside.copy()
    with pytest.raises(Refused, match="dev has no earlier verified release to go back to"):
        roll_back(dev)
    assert outside == before


def test_row_13_what_was_never_verified_here_is_no_way_back() -> None:
    outside = after(TWO).copy()
    before = outside.copy()
    with pytest.raises(Refused, match=r"1\.2\.0 was never deployed to dev"):
        roll_back(opened(outside), "1.2.0")
    assert outside == before
