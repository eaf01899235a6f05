"""Row 13: where a rollback leads to. In memory, through the gates of the verb and a whole deployment each."""

import pytest

from release.environment import Environment
from release.process.errors import Refused, StagelineError
from release.records.ledger.index import Known, known_json
from release.verbs.rollback import Request, go_back
from tests.release.crash.invariants import broken_in_the_end
from tests.release.crash.kinds import ONE, TWO, after, put
from tests.release.crash.memory import Points
from tests.release.crash.outside import Outside, Steps, open_process
from tests.release.world import OPS, Clock
from tests.there import there


def roll_back(environment: Environment, version: str | None = None) -> None:
    go_back(environment, Request(version=version), OPS, Steps(Points()))


def live_and_previous(environment: Environment) -> tuple[str, str | None]:
    state = environment.ledger.head().state
    return there(state.live).release, state.previous.release if state.previous else None


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


def put_item(outside: Outside, kind: str, body: str) -> None:
    """Write one item of dev's ledger by hand."""
    ledger = outside.cloud.tables[opened(outside).settings.names.ledger_table]
    ledger[kind, 0] = {"kind": {"S": kind}, "seq": {"N": "0"}, "body": {"S": body}}


def test_row_13_what_the_index_alone_calls_verified_is_no_way_back() -> None:
    outside = after(TWO).copy()
    known = Known(release="6.6.6", digest="6" * 64, artifact_key="k", live="dev-6", live_at="t", live_in=1)
    put_item(outside, "RELEASE#6.6.6", known_json(known))
    before = outside.copy()
    with pytest.raises(Refused, match=r"6\.6\.6 must have been live and verified in dev before \(verified before\)"):
        roll_back(opened(outside), "6.6.6")
    assert outside == before


@pytest.mark.parametrize("kind", ["STOPS", "LEASE", "RELEASE#1.0.0", "RELEASE#1.1.0", "RELEASE#1.2.0"])
@pytest.mark.parametrize("version", [None, "1.0.0"], ids=["before", "by-name"])
def test_row_13_no_side_item_that_is_spoilt_is_in_the_way_back(kind: str, version: str | None) -> None:
    outside = after(TWO).copy()
    put(opened(outside), "promotion", "1.2.0", Points())
    put_item(outside, kind, "rubbish")
    request = Request(version=version, despite=("veto",), reason="incident 7")
    go_back(opened(outside), request, OPS, Steps(Points()))
    assert live_and_previous(opened(outside)) == (version or "1.1.0", "1.2.0")


def test_row_13_what_was_never_verified_here_is_no_way_back() -> None:
    outside = after(TWO).copy()
    before = outside.copy()
    with pytest.raises(Refused, match=r"1\.2\.0 was never deployed to dev"):
        roll_back(opened(outside), "1.2.0")
    assert outside == before
