"""The index: what the ledger knows of a release without a walk, written together with the event it is about."""

from functools import partial

import pytest

from release.errors import Broken, LeaseLost
from release.ledger.head import Slot, State
from release.ledger.index import LIVE, MOST_MENTIONS, Known, known_kind
from release.ledger.lease import Patience
from release.ledger.ledger import Entry, Holder
from tests.aws_clients import aws_resource
from tests.release.world import OPS, World


def content(version: str, deployment: str) -> Slot:
    return Slot(release=version, digest=f"digest of {version}", artifact_key=f"key of {version}", deployment=deployment)


def begin(world: World, version: str, deployment: str) -> Holder:
    entry = Entry(kind="promotion requested", state=State(), deployment=deployment, begins=content(version, deployment))
    return world.dev.ledger.begin(entry, world.dev.ledger.head(), OPS)


def deploy(world: World, version: str, deployment: str, *, left: str = "") -> int:
    """Begin a deployment and let its release be live; the number of the event by which it was."""
    with begin(world, version, deployment) as holder:
        live = Entry(kind="step done", state=State(), deployment=deployment, became_live=version, left=left)
        return holder.record(live).seq


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
    assert (found.digest, found.artifact_key, found.live) == ("digest of 1.0.0", "key of 1.0.0", "")
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
    note(world, Entry(kind="listener adopted", state=State(), left="1.0.0"))
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
    note(world, Entry(kind="listener adopted", state=State(), adopted=other, left="1.0.0"))
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
        holder.record(Entry(kind="step done", state=State(), deployment="dev-1", became_live="1.0.0"))
    assert (known(world, "1.0.0").live, list(ledger.lives())) == ("", [])


def spoil(world: World, kind: str, seq: int) -> None:
    table = aws_resource("dynamodb").Table(world.dev.ledger.table.name)
    table.put_item(Item={**table.get_item(Key={"kind": kind, "seq": seq})["Item"], "body": "rubbish"})


def test_an_entry_that_is_spoilt_is_told_of_one_release_and_hides_none_of_the_others(world: World) -> None:
    first, _ = deploy(world, "1.0.0", "dev-1"), deploy(world, "1.1.0", "dev-2")
    spoil(world, known_kind("1.0.0"), 0)
    spoil(world, LIVE, first)
    with pytest.raises(Broken, match=r"what the ledger knows of 1\.0\.0 is not readable"):
        world.dev.ledger.known("1.0.0")
    assert known(world, "1.1.0").live == "dev-2"
    assert [life.release for life in world.dev.ledger.lives()] == ["1.1.0"]


def test_the_index_is_written_once_where_only_the_reply_was_lost(world: World) -> None:
    table = world.dev.ledger.table
    write = table.write_together
    table.write_together = partial(_without_reply, write)
    with begin(world, "1.0.0", "dev-1"):
        pass
    assert [one.deployment for one in known(world, "1.0.0").deployments] == ["dev-1"]


def _without_reply(write, writes) -> bool:
    write(writes)
    return False
