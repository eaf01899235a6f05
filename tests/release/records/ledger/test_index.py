"""The index: what the ledger knows of a release without a walk, written together with the event it is about."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from release.process.errors import Broken, LeaseLost
from release.process.form import FORMAT
from release.records.ledger.event import event_json
from release.records.ledger.head import Content, Live, State
from release.records.ledger.index import LIVE, MOST_MENTIONS, Known, known_json, known_kind
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Entry, Holder
from tests.aws_clients import aws_resource
from tests.release.world import OPS, World
from tests.there import there


def content(version: str, deployment: str) -> Content:
    return Content(
        release=version, digest=f"digest of {version}", artifact_key=f"key of {version}", deployment=deployment
    )


def live(version: str, deployment: str, digest: str = "") -> Live:
    return Live(slot="blue", release=version, digest=digest or f"digest of {version}", deployment=deployment, since="t")


def begin(world: World, version: str, deployment: str, digest: str = "") -> Holder:
    slot = content(version, deployment)
    begins = slot.but(digest=digest) if digest else slot
    entry = Entry(kind="promotion requested", state=State(), deployment=deployment, begins=begins)
    return world.dev.ledger.begin(entry, world.dev.ledger.head(), OPS)


def became_live(version: str, deployment: str, *, digest: str = "", left: Live | None = None) -> Entry:
    state = State(live=live(version, deployment, digest))
    done = Entry(kind="step done", state=state, deployment=deployment, step="live")
    return replace(done, became_live=version, left=left)


def deploy(world: World, version: str, deployment: str, *, digest: str = "", left: str = "") -> int:
    """Begin a deployment and let its release be live; the number of the event by which it was."""
    lost = live(left, "") if left else None
    with begin(world, version, deployment, digest) as holder:
        return holder.record(became_live(version, deployment, digest=digest, left=lost)).seq


def known(world: World, version: str) -> Known:
    found = world.dev.ledger.known(version)
    assert found is not None
    return found


def test_a_release_that_was_never_deployed_is_not_known(world: World) -> None:
    assert world.dev.ledger.known("1.0.0") is None
    assert list(world.dev.ledger.lives()) == []


def test_a_release_is_known_from_the_event_in_which_its_deployment_begins(world: World) -> None:
    begin(world, "1.0.0", "dev-1")
    found = known(world, "1.0.0")
    assert [(one.deployment, one.requested) for one in found.deployments] == [("dev-1", 1)]
    assert (found.digest, found.artifact_key, found.live) == ("digest of 1.0.0", "artifacts/digest of 1.0.0", "")
    assert world.dev.ledger.event(1).deployment == "dev-1"


def test_a_release_that_became_live_is_known_by_the_deployment_and_when(world: World) -> None:
    seq = deploy(world, "1.0.0", "dev-1")
    assert (known(world, "1.0.0").live, known(world, "1.0.0").live_at) == ("dev-1", world.dev.ledger.event(seq).at)


def test_what_was_live_is_told_the_newest_first(world: World) -> None:
    for number, version in enumerate(("1.0.0", "1.1.0", "1.0.0"), 1):
        deploy(world, version, f"dev-{number}")
    lives = [(life.release, life.digest, life.deployment) for life in world.dev.ledger.lives()]
    assert lives == [
        ("1.0.0", "digest of 1.0.0", "dev-3"),
        ("1.1.0", "digest of 1.1.0", "dev-2"),
        ("1.0.0", "digest of 1.0.0", "dev-1"),
    ]


def test_a_release_that_was_left_is_known_with_the_deployment_that_took_it_from_users(world: World) -> None:
    deploy(world, "1.0.0", "dev-1")
    deploy(world, "1.1.0", "dev-2")
    deploy(world, "1.0.0", "dev-3", left="1.1.0")
    assert (known(world, "1.1.0").live, known(world, "1.1.0").left) == ("dev-2", "dev-3")
    assert known(world, "1.0.0").left == ""


def test_a_release_that_a_person_took_from_users_is_known_with_who_and_by_what(world: World) -> None:
    deploy(world, "1.0.0", "dev-1")
    note(world, Entry(kind="listener adopted", state=State(), left=content("1.0.0", "dev-1")))
    assert (known(world, "1.0.0").live, known(world, "1.0.0").left) == ("dev-1", f"{OPS.principal} (listener adopted)")


def test_a_release_that_was_adopted_is_known_by_its_bytes_and_is_no_life(world: World) -> None:
    with begin(world, "1.0.0", "dev-1"):
        pass
    note(world, Entry(kind="listener adopted", state=State(), adopted=content("1.0.0", "dev-1")))
    found = known(world, "1.0.0")
    assert (found.adopted, found.live, list(world.dev.ledger.lives())) == ("digest of 1.0.0", "", [])


def test_other_bytes_of_a_version_can_be_adopted_where_its_former_ones_were_live(world: World) -> None:
    """One transaction cannot write what is known of a version twice."""
    deploy(world, "1.0.0", "dev-1")
    other = content("1.0.0", "dev-2").but(digest="other")
    note(world, Entry(kind="listener adopted", state=State(), adopted=other, left=content("1.0.0", "dev-1")))
    assert known(world, "1.0.0").adopted == "other"


def note(world: World, entry: Entry) -> None:
    world.dev.ledger.note(entry, world.dev.ledger.head(), OPS)


def test_a_release_that_is_live_again_is_no_longer_one_that_was_left(world: World) -> None:
    deploy(world, "1.0.0", "dev-1")
    deploy(world, "1.1.0", "dev-2")
    deploy(world, "1.0.0", "dev-3", left="1.1.0")
    deploy(world, "1.1.0", "dev-4")
    assert (known(world, "1.1.0").live, known(world, "1.1.0").left) == ("dev-4", "")


def test_a_rollback_to_the_very_release_that_it_leaves_says_that_it_is_live(world: World) -> None:
    deploy(world, "1.0.0", "dev-1")
    deploy(world, "1.0.0", "dev-2", left="1.0.0")
    assert (known(world, "1.0.0").live, known(world, "1.0.0").left) == ("dev-2", "")


def test_the_newest_deployments_are_kept_and_no_more_than_fit(world: World) -> None:
    for number in range(MOST_MENTIONS + 2):
        with begin(world, "1.0.0", f"dev-{number}"):
            pass
    mentions = known(world, "1.0.0").deployments
    assert (len(mentions), mentions[0].deployment, mentions[-1].deployment) == (MOST_MENTIONS, "dev-2", "dev-51")


def test_what_was_not_recorded_is_not_in_the_index_either(world: World) -> None:
    holder = begin(world, "1.0.0", "dev-1")
    ledger = world.dev.ledger
    ledger.begin(Entry(kind="note", state=State()), ledger.head(), OPS, ledger.free_lease(Patience(until_silent=True)))
    with pytest.raises(LeaseLost):
        holder.record(became_live("1.0.0", "dev-1"))
    assert (known(world, "1.0.0").live, list(ledger.lives())) == ("", [])


def spoil(world: World, kind: str, seq: int, body: str | None = "rubbish") -> None:
    """Give an item another text; with None it has none any more."""
    table = aws_resource("dynamodb").Table(world.dev.ledger.table.name)
    item = {**table.get_item(Key={"kind": kind, "seq": seq})["Item"], "body": body}
    table.put_item(Item={key: value for key, value in item.items() if value is not None})


def test_an_entry_that_is_spoilt_is_told_of_one_release_and_hides_none_of_the_others(world: World) -> None:
    first, _ = deploy(world, "1.0.0", "dev-1"), deploy(world, "1.1.0", "dev-2")
    spoil(world, known_kind("1.0.0"), 0)
    spoil(world, LIVE, first)
    with pytest.raises(Broken, match=r"what the ledger knows of 1\.0\.0 is not readable"):
        world.dev.ledger.known("1.0.0")
    assert known(world, "1.1.0").live == "dev-2"
    spoil(world, known_kind("1.0.0"), 0, known_json(known(world, "1.1.0")))
    with pytest.raises(Broken, match=r"what the ledger knows of 1\.0\.0 is not readable: it is about 1\.1\.0"):
        world.dev.ledger.known("1.0.0")
    with pytest.raises(Broken, match="not readable"):
        list(world.dev.ledger.lives())  # what it keeps would be deleted


def test_the_index_is_written_once_where_only_the_reply_was_lost(world: World) -> None:
    world.dev.ledger.table.writing = lambda write, writes: write() and False
    with begin(world, "1.0.0", "dev-1"):
        pass
    assert [one.deployment for one in known(world, "1.0.0").deployments] == ["dev-1"]


def rebound(world: World) -> Known:
    """What is known of 1.0.0, which was live, while other bytes of its version are tried."""
    deploy(world, "1.0.0", "dev-1")
    begin(world, "1.0.0", "dev-2", "other bytes")
    return known(world, "1.0.0")


def test_other_bytes_that_are_tried_do_not_inherit_the_word_of_those_that_were_live(world: World) -> None:
    found = rebound(world)
    assert (found.digest, found.artifact_key, found.live) == ("digest of 1.0.0", "artifacts/digest of 1.0.0", "dev-1")
    assert [one.deployment for one in found.deployments] == ["dev-1", "dev-2"]


def test_other_bytes_that_are_live_are_the_known_ones_from_then_on(world: World) -> None:
    deploy(world, "1.0.0", "dev-1")
    deploy(world, "1.1.0", "dev-2", left="1.0.0")
    deploy(world, "1.0.0", "dev-3", digest="other bytes")
    found = known(world, "1.0.0")
    assert (found.digest, found.artifact_key) == ("other bytes", "artifacts/other bytes")
    assert (found.live, found.left) == ("dev-3", "")


@pytest.mark.parametrize(
    ("digest", "left"), [("digest of 1.0.0", "dev-3"), ("other bytes", "")], ids=["of-these-bytes", "of-other-bytes"]
)
def test_what_is_taken_from_users_is_told_of_these_bytes_alone(world: World, digest: str, left: str) -> None:
    deploy(world, "1.0.0", "dev-1")
    with begin(world, "1.1.0", "dev-3") as holder:
        holder.record(became_live("1.1.0", "dev-3", left=live("1.0.0", "dev-2", digest)))
    assert (known(world, "1.0.0").live, known(world, "1.0.0").left) == ("dev-1", left)


def test_bytes_that_were_never_live_leave_no_word_to_the_next_ones_of_their_version(world: World) -> None:
    with begin(world, "1.0.0", "dev-1") as holder:
        holder.record(Entry(kind="undo started", state=State(), deployment="dev-1", left=live("1.0.0", "dev-1")))
    assert known(world, "1.0.0").left == "dev-1"
    begin(world, "1.0.0", "dev-2", "other bytes")
    assert (known(world, "1.0.0").digest, known(world, "1.0.0").left) == ("other bytes", "")


HIGHER = json.dumps({"format": FORMAT + 1})
SPOILT = {"rubbish": "rubbish", "of a higher format": HIGHER, "empty": "", "without a text": None}


@pytest.mark.parametrize("body", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("spoilt", ["1.0.0", "1.1.0"], ids=["what-goes-live", "what-is-left"])
def test_no_item_of_the_index_that_is_spoilt_fails_an_event(world: World, spoilt: str, body: str | None) -> None:
    deploy(world, "1.0.0", "dev-1")
    deploy(world, "1.1.0", "dev-2")
    spoil(world, known_kind(spoilt), 0, body)
    seq = deploy(world, "1.0.0", "dev-3", left="1.1.0")
    assert world.dev.ledger.event(seq).deployment == "dev-3"
    assert next(world.dev.ledger.lives()).deployment == "dev-3"


def test_a_life_that_somebody_noted_before_its_event_does_not_fail_the_event(world: World) -> None:
    table = aws_resource("dynamodb").Table(world.dev.ledger.table.name)
    table.put_item(Item={"kind": LIVE, "seq": world.dev.ledger.head().seq + 2, "body": "rubbish"})
    deploy(world, "1.0.0", "dev-1")
    assert [life.deployment for life in world.dev.ledger.lives()] == ["dev-1"]


def test_a_spoilt_item_stays_until_its_release_is_live_again_and_then_says_all_that_counts(world: World) -> None:
    deploy(world, "1.0.0", "dev-1")
    spoil(world, known_kind("1.0.0"), 0)
    with begin(world, "1.0.0", "dev-2") as holder:
        with pytest.raises(Broken, match="not readable"):
            world.dev.ledger.known("1.0.0")
        holder.record(became_live("1.0.0", "dev-2"))
    found = known(world, "1.0.0")
    assert (found.digest, found.artifact_key) == ("digest of 1.0.0", "artifacts/digest of 1.0.0")
    assert (found.live, found.left, found.live_at) == ("dev-2", "", world.dev.ledger.event(4).at)


def test_what_a_newer_version_knows_of_a_release_is_not_overwritten(world: World) -> None:
    deploy(world, "1.0.0", "dev-1")
    spoil(world, known_kind("1.0.0"), 0, HIGHER)
    deploy(world, "1.0.0", "dev-2")
    assert there(world.dev.ledger.table.get(known_kind("1.0.0"))).body == HIGHER


def forged(world: World, version: str, digest: str, **more: Any) -> None:
    """One item, put by hand: it says that these bytes were live here."""
    said = Known(release=version, digest=digest, artifact_key="k", live="dev-9", live_at="t", **more)
    table = aws_resource("dynamodb").Table(world.dev.ledger.table.name)
    table.put_item(Item={"kind": known_kind(version), "seq": 0, "body": known_json(said)})


def proven(world: World, version: str) -> Known | None:
    return world.dev.ledger.proven(version, world.dev.ledger.head())


def test_a_life_is_proven_by_the_event_that_the_index_names_and_by_no_walk(world: World) -> None:
    deploy(world, "1.0.0", "dev-1")
    deploy(world, "1.1.0", "dev-2", left="1.0.0")
    world.dev.ledger.table.may_be_walked = False
    found = there(proven(world, "1.0.0"))
    assert (found.digest, found.artifact_key, found.live) == ("digest of 1.0.0", "artifacts/digest of 1.0.0", "dev-1")


FORGED: dict[str, dict[str, Any]] = {
    "an event of another release": {"live_in": 2},
    "an event that is none of a life": {"live_in": 1},
    "an event that is not there": {"live_in": 99},
    "no event": {},
}


@pytest.mark.parametrize("more", FORGED.values(), ids=FORGED)
def test_a_life_that_no_event_tells_of_is_none_whatever_the_index_says(world: World, more: dict[str, Any]) -> None:
    deploy(world, "1.0.0", "dev-1")
    forged(world, "6.6.6", "evil", **more)
    assert there(proven(world, "6.6.6")).live == ""


def test_an_event_beyond_head_proves_nothing(world: World) -> None:
    deploy(world, "1.0.0", "dev-1")
    event = world.dev.ledger.event(2).but(seq=9, deployment="dev-9", changed={"live": dict(live("6.6.6", "dev-9"))})
    table = aws_resource("dynamodb").Table(world.dev.ledger.table.name)
    table.put_item(Item={"kind": "EVENT", "seq": 9, "body": event_json(event)})
    forged(world, "6.6.6", "evil", live_in=9)
    assert there(proven(world, "6.6.6")).live == ""


LOST: dict[str, Callable[[World], None]] = {
    "forged": lambda world: forged(world, "1.0.0", "evil", live_in=2),
    "spoilt": lambda world: spoil(world, known_kind("1.0.0"), 0),
    "of a higher format": lambda world: spoil(world, known_kind("1.0.0"), 0, HIGHER),
    "deleted": lambda world: delete(world, known_kind("1.0.0")),
    "by an older version": lambda world: forged(world, "1.0.0", "digest of 1.0.0"),
}


def delete(world: World, kind: str) -> None:
    aws_resource("dynamodb").Table(world.dev.ledger.table.name).delete_item(Key={"kind": kind, "seq": 0})


@pytest.mark.parametrize("lose", LOST.values(), ids=LOST)
def test_where_the_index_cannot_be_trusted_the_history_tells_of_the_life(
    world: World, lose: Callable[[World], None]
) -> None:
    deploy(world, "1.0.0", "dev-1")
    deploy(world, "1.1.0", "dev-2")
    lose(world)
    found = there(proven(world, "1.0.0"))
    assert (found.digest, found.artifact_key, found.live) == ("digest of 1.0.0", "artifacts/digest of 1.0.0", "dev-1")


def test_what_neither_the_index_nor_the_history_tells_of_is_not_known(world: World) -> None:
    table = aws_resource("dynamodb").Table(world.dev.ledger.table.name)
    table.put_item(Item={"kind": known_kind("6.6.6"), "seq": 0, "body": "rubbish"})
    assert (proven(world, "6.6.6"), proven(world, "7.7.7")) == (None, None)
