"""`release adopt-listener`: what somebody moved users to by hand is live, and verified only if it was before."""

import json

import pytest

from contract.slots import SlotName
from release.process.errors import Inconclusive, Refused
from release.records.ledger.stops import Cause, vetoed
from release.verbs.accept import accept_open
from release.verbs.adopt_listener import adopt, adopt_text
from release.verbs.promote import Route, proposal_into
from release.verbs.rollback import Request, go_back, proposal_back
from release.verbs.status import status, status_text
from release.work.executor import abort
from tests.aws_clients import aws_resource
from tests.release.deploying import Silent, put, state, users_have
from tests.release.world import OPS, STAGELINE, World
from tests.there import there

FORCED = Request(version="1.1.0", despite=("unverified",), reason="users were well on it")


def by_hand(world: World, to: SlotName) -> dict[str, object]:
    world.dev.listeners.move(world.dev.listeners.find(), to)
    return adopt(world.dev, "incident 7", OPS, Silent())


def with_paused_adopted(world: World) -> dict[str, object]:
    """Users of 1.0.0 are moved by hand to 1.1.0, which waited before its switch."""
    put(world, "1.0.0")
    put(world, "1.1.0", pause=True)
    return by_hand(world, "green")


def test_a_release_that_was_never_verified_is_live_and_says_so(world: World) -> None:
    report = with_paused_adopted(world)
    assert (report["unverified"], users_have(world).unverified) == (True, True)
    assert there(world.dev.ledger.known("1.1.0")).live == ""
    told = adopt_text(report)
    assert "nobody verified 1.1.0 here, and release accept judges only what is open" in told
    assert "release promote 1.1.0 --to dev, or go elsewhere with: release rollback dev --to VERSION" in told
    assert "dev: nobody verified 1.1.0, to which users were moved by hand" in status_text(status(STAGELINE, "dev"))


def test_a_release_that_was_verified_before_is_adopted_as_that(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    report = by_hand(world, "blue")
    assert (report["unverified"], report["vetoed"], users_have(world).unverified) == (False, "", False)
    assert len(adopt_text(report).splitlines()) == 1
    assert put(world, "1.2.0").version == "1.2.0"
    assert proposal_back(world.dev, Request(), Silent()).release.release == "1.0.0"


def test_what_nobody_verified_never_becomes_the_way_back(world: World) -> None:
    with_paused_adopted(world)
    put(world, "1.2.0")
    assert there(state(world).previous).release == "1.0.0"
    with pytest.raises(Refused, match=r"going there again leads forward.*name it: release rollback dev --to 1\.0\.0"):
        proposal_back(world.dev, Request(), Silent())
    assert put(world, "1.0.0", kind="rollback").version == "1.0.0"


def test_a_rollback_from_what_nobody_verified_leaves_no_way_back_there(world: World) -> None:
    with_paused_adopted(world)
    put(world, "1.0.0", kind="rollback")
    assert (users_have(world).release, users_have(world).unverified, state(world).previous) == ("1.0.0", False, None)


def test_while_something_is_tried_after_it_users_get_back_there_by_abort_and_by_no_rollback(world: World) -> None:
    with_paused_adopted(world)
    left_open(world, "1.2.0")
    with pytest.raises(Refused, match=r"nobody verified 1\.1\.0, which users of dev had.*release abort dev"):
        go_back(world.dev, Request(), OPS, Silent())
    abort(world.dev, OPS, Silent())
    assert (users_have(world).release, world.servers["dev"].live) == ("1.1.0", "green")


def test_going_there_again_takes_its_name_and_a_reason_and_verifies_nothing(world: World) -> None:
    with_paused_adopted(world)
    put(world, "1.2.0")
    unforced = r"moved to 1\.1\.0 by hand, and nobody verified it.*overrule it with: --despite unverified --reason WHY"
    with pytest.raises(Refused, match=unforced):
        go_back(world.dev, Request(version="1.1.0"), OPS, Silent())
    done = go_back(world.dev, FORCED, OPS, Silent())
    assert (done.version, done.evidence["live"]["verdict"]) == ("1.1.0", "not signed: nobody verified it here")
    assert (users_have(world).unverified, there(world.dev.ledger.known("1.1.0")).live) == (True, "")
    assert {one.digest for one in world.dev.ledger.lives()}.isdisjoint({users_have(world).digest})


def test_what_was_deployed_and_never_live_is_forced_by_nobody(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0", pause=True)
    abort(world.dev, OPS, Silent())
    with pytest.raises(Refused, match=r"must have been live and verified in dev before \(verified before\)$"):
        go_back(world.dev, FORCED, OPS, Silent())


def test_a_promotion_of_it_makes_it_verified(world: World) -> None:
    with_paused_adopted(world)
    proposal = proposal_into(world.dev, "1.1.0", Route(source=None, target="dev"), Silent())
    assert [gate.name for gate in proposal.gates if not gate.passed] == []
    put(world, "1.1.0")
    assert (users_have(world).unverified, there(world.dev.ledger.known("1.1.0")).live) == (
        False,
        users_have(world).deployment,
    )


def test_a_person_who_accepts_a_rollback_there_has_judged_it(world: World) -> None:
    with_paused_adopted(world)
    put(world, "1.2.0")
    left_open(world, "1.1.0", FORCED)
    accept_open(world.dev, "I saw it", OPS, Silent())
    assert (users_have(world).release, users_have(world).unverified) == ("1.1.0", False)
    assert there(world.dev.ledger.known("1.1.0")).live == users_have(world).deployment


def left_open(world: World, version: str, back: Request | None = None) -> None:
    """A deployment behind its switch of which nothing could be told; by now it can be seen again."""
    world.servers["dev"].unreachable = {version}
    with pytest.raises(Inconclusive):
        go_back(world.dev, back, OPS, Silent()) if back else put(world, version)
    world.servers["dev"].unreachable = set()


def test_what_a_person_moved_users_away_from_is_promoted_no_further(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    by_hand(world, "blue")
    assert there(world.dev.ledger.known("1.1.0")).left == f"{OPS.principal} (listener adopted)"
    proposal = proposal_into(world.qa, "1.1.0", Route(source=None, target="qa"), Silent())
    refused = {gate.name: gate.evidence for gate in proposal.gates if not gate.passed}
    assert list(refused) == ["verified upstream"]
    assert "a move by hand before" in refused["verified upstream"]


def test_a_veto_of_what_is_adopted_is_told_in_report_text_and_ledger(world: World) -> None:
    put(world, "1.0.0")
    bytes_of = put(world, "1.1.0", pause=True).digest
    cause = Cause(reason="loses rows", by="ann", at=world.clock())
    world.dev.stops.change("set", lambda stops: vetoed(stops, cause, release="1.1.0", digest=bytes_of), OPS, {})
    report = by_hand(world, "green")
    assert report["vetoed"] == "1.1.0 is vetoed by ann (loses rows)"
    assert "1.1.0 is vetoed by ann (loses rows): go elsewhere with: release rollback dev --to" in adopt_text(report)
    adoption = next(one for one in world.dev.ledger.events(newest_first=True) if one.kind == "listener adopted")
    assert (adoption.details["vetoed"], adoption.details["unverified"]) == (report["vetoed"], True)


def test_that_nobody_knows_what_is_stopped_is_told_and_keeps_nothing_out_of_the_ledger(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    table = aws_resource("dynamodb").Table(world.dev.ledger.table.name)
    table.put_item(Item={"kind": "STOPS", "seq": 0, "body": json.dumps([])})
    report = by_hand(world, "blue")
    assert "whether 1.0.0 is vetoed cannot be told (what is stopped is not readable" in adopt_text(report)
    assert users_have(world).release == "1.0.0"


def test_a_listener_that_was_moved_by_hand_is_adopted(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    with pytest.raises(Refused, match=r"the ledger of dev says the same: 1\.1\.0 in green"):
        adopt(world.dev, "incident 7", OPS, Silent())
    world.dev.listeners.move(world.dev.listeners.find(), "blue")
    report = adopt(world.dev, "incident 7", OPS, Silent())
    state = world.dev.ledger.head().state
    assert (report["release"], report["users"], report["behind"]) == ("1.0.0", "users are on 1.0.0", "")
    assert (there(state.live).release, state.declared, state.idle) == ("1.0.0", "blue", "green")
    assert put(world, "1.2.0").slot == "green"
