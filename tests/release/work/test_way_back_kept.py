"""What a deployment that fails, is killed or is taken over leaves: never less of a way back than there was."""

import json
from dataclasses import replace
from functools import partial

import pytest

from release.doors.probe import Answer
from release.doors.probe import Request as Asked
from release.doors.servers.ssh import NotReached
from release.process.errors import Broken, Inconclusive, LeaseLost, Refused
from release.records.artifacts.schema import Schema
from release.records.ledger.head import Out
from release.records.ledger.ledger import Writer
from release.rules.lanes import IN_PLACE
from release.verbs.adopt_listener import adopt
from release.verbs.mark_out import note_servers, without_server
from release.verbs.rollback import Request, go_back, proposal_back
from release.work.executor import deploy
from release.work.orders import InstallFailed
from tests.release.deploying import Killed, Silent, kill_while_installing, proposal, put, state
from tests.release.world import OPS, SERVERS, World

BEA = Writer(principal="arn:aws:iam::123456789012:user/bea", host="other", ci="")
NEWER = Schema(version=2, oldest=2)


@pytest.fixture
def third(world: World) -> World:
    """1.2.0 is live in blue, 1.1.0 runs in green, and 1.0.0 is in no slot any more."""
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        put(world, version)
    return world


def kill_behind_the_canary(world: World, version: str, made_with: Schema | None = None) -> None:
    """The first server has the release and migrated, the second one was not asked."""

    def killed(instance: str) -> None:
        if instance == "i-2":
            world.dev.ledger.give_back = lambda lease: None
            raise Killed

    world.dev.fleet.before_order = killed
    wanted = proposal(world.dev, world.publish(version))
    with pytest.raises(Killed):
        deploy(world.dev, replace(wanted, release=wanted.release.but(made_with=made_with)), OPS, Silent())
    del world.dev.ledger.give_back
    world.servers["dev"].migrated_for.add(state(world).open.deployment)
    world.dev.fleet.before_order = lambda instance: None


def half_way(world: World) -> None:
    """1.1.0 is live. 1.2.0 failed on the second server, and the first one died with it where both held 1.0.0."""
    for version in ("0.9.0", "1.0.0", "1.1.0"):
        put(world, version)
    servers, stack = world.servers["dev"], world.dev.stack
    servers.refuses, stack.before_up = {"i-2": "its disk is full"}, lambda: servers.dead.add("i-1")
    with pytest.raises(InstallFailed):
        put(world, "1.2.0")
    servers.refuses, stack.before_up = {}, lambda: None


def backend_down() -> bytes:
    raise Broken("the backend is down")


def test_a_rollback_that_takes_over_knows_the_schema_that_was_begun(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    kill_behind_the_canary(world, "1.2.0", NEWER)
    with pytest.raises(Refused, match="schema compatibility"):
        go_back(world.dev, Request(), OPS, Silent())
    go_back(world.dev, Request(despite_schema=True, reason="it reads both"), OPS, Silent())
    assert (state(world).live.release, state(world).brought) == ("1.0.0", NEWER)


def test_a_server_that_is_kept_out_of_a_slot_is_asked_whether_it_began_to_migrate(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    kill_behind_the_canary(world, "1.2.0", NEWER)
    world.servers["dev"].kept_out, asked = {("tg-blue", "i-1")}, []
    world.dev.fleet.migration_began = lambda instances, *_: bool(asked.extend(instances))
    proposal_back(world.dev, Request(), Silent())
    assert asked == ["i-1", "i-2"]


def test_adopting_a_listener_keeps_the_schema_that_was_begun(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    kill_behind_the_canary(world, "1.2.0", NEWER)
    adopt(world.dev, "close it", OPS, Silent())
    assert (state(world).open, state(world).brought) == (None, NEWER)


def test_adopting_a_listener_lets_no_server_migrate_for_the_deployment_that_it_closes(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    kill_behind_the_canary(world, "1.2.0", NEWER)
    ended_at_ups: list[bool] = []
    world.dev.stack.before_up = lambda: ended_at_ups.append(world.dev.migrations.ended)
    adopt(world.dev, "close it", OPS, Silent())
    assert ended_at_ups == [True]


def test_an_order_is_not_repeated_into_a_slot_that_users_were_brought_back_to(world: World) -> None:
    """Its process slept, and its ssh with it, until somebody else had taken over and rolled back."""
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    servers, slept = world.servers["dev"], []

    def sleeps(instance: str) -> None:
        if not slept:
            slept.append(instance)
            world.dev.ledger.beat = lambda lease: None
            go_back(world.dev, Request(), BEA, Silent())
            raise NotReached("cannot log in to i-1: Connection reset")

    world.dev.fleet.before_order = sleeps
    with pytest.raises(LeaseLost):
        put(world, "1.2.0")
    assert [servers.on(name, servers.live) for name in ("i-1", "i-2")] == ["1.0.0", "1.0.0"]


def test_a_rollback_that_one_server_refuses_leaves_the_release_that_its_slot_held(third: World) -> None:
    third.servers["dev"].refuses = {"i-1": "its disk is full"}
    with pytest.raises(Inconclusive, match="1 servers are healthy, 2 are where users are now"):
        put(third, "1.0.0", kind="rollback")
    assert proposal_back(third.dev, Request(), Silent()).steps == IN_PLACE
    assert go_back(third.dev, Request(), OPS, Silent()).version == "1.1.0"


def test_a_rollback_that_one_server_does_not_hear_leaves_it_in_the_slot_that_it_runs_in(third: World) -> None:
    third.servers["dev"].locked = {"i-2"}
    with pytest.raises(Inconclusive, match="1 servers are healthy, 2 are where users are now"):
        put(third, "1.0.0", kind="rollback")
    assert third.servers["dev"].kept_out == set()
    assert go_back(third.dev, Request(), OPS, Silent()).version == "1.1.0"


def test_a_rollback_that_reaches_nobody_leaves_no_slot_in_doubt(third: World) -> None:
    third.servers["dev"].locked = {"i-1", "i-2"}
    with pytest.raises(Inconclusive, match="no server of dev answers"):
        put(third, "1.0.0", kind="rollback")
    assert (state(third).open, state(third).green.release, state(third).green.unsure) == (None, "1.1.0", "")


def test_users_are_not_moved_beside_a_release_that_cannot_be_kept_from_them(third: World) -> None:
    servers = third.servers["dev"]
    servers.locked, servers.balancer_refuses = {"i-2"}, True
    with pytest.raises(Inconclusive, match="i-2 may serve another release in green") as refused:
        put(third, "1.0.0", kind="rollback")
    assert (servers.live, servers.behind("http://live")) == ("blue", "1.2.0")
    assert "release rollback dev --force --reason WHY" in refused.value.hint


def test_a_server_that_nobody_took_in_again_takes_part_when_users_go_back_to_what_it_holds(third: World) -> None:
    """The `up` told it what to hold, the call behind it was refused, and now Pulumi's backend is down."""
    servers, take_in = third.servers["dev"], third.dev.balancer.seat
    servers.dead = {"i-2"}
    put(third, "1.0.0", "rollback")
    servers.dead = set()

    def refused(group: str, instances: frozenset[str], *, alone: bool = False) -> None:
        if not alone:
            raise Broken("cannot change which servers take part: Throttling")
        take_in(group, instances, alone=alone)

    third.dev.balancer.seat = refused
    put(third, "1.3.0")
    third.dev.balancer.seat = take_in
    assert servers.kept_out == {("tg-green", "i-2")}
    third.dev.stack.export = backend_down
    go_back(third.dev, Request(), OPS, Silent())
    assert (servers.behind("http://live"), servers.kept_out) == ("1.0.0", set())


def test_a_server_that_holds_something_else_is_not_taken_in_when_users_go_back(third: World) -> None:
    servers = third.servers["dev"]
    servers.dead = {"i-2"}
    put(third, "1.0.0", "rollback")
    servers.dead = set()
    third.dev.stack.fail_next = ["the backend is down"] * 9
    put(third, "1.3.0")
    assert servers.on("i-2", "green") == "1.1.0"
    third.dev.stack.export = backend_down
    with pytest.raises(Broken, match="the backend is down"):
        go_back(third.dev, Request(), OPS, Silent())
    assert (servers.live, servers.kept_out) == ("blue", {("tg-green", "i-2")})


def test_a_server_that_is_out_is_not_counted_among_those_that_serve_users(third: World) -> None:
    out = Out(server="env-servers-2", reason="disk errors", by="ops", since="")
    note_servers(third.dev, "server marked out", partial(without_server, out=out, servers=SERVERS), OPS, Silent())
    assert put(third, "1.0.0", kind="rollback").version == "1.0.0"


def test_a_listener_behind_which_servers_differ_is_not_adopted(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    kill_behind_the_canary(world, "1.2.0")
    servers, asked = world.servers["dev"], []
    servers.live, servers.preview = "blue", "green"

    def send(base: str, request: Asked) -> Answer:
        asked.append(base)
        held = servers.on(("i-1", "i-2")[len(asked) % 2], "blue")
        return Answer(status=200, body=json.dumps({"version": held}), milliseconds=1)

    world.dev.probe.send = send
    with pytest.raises(Refused, match=r"users get answers of 1\.0\.0 and of 1\.2\.0, and the ledger says"):
        adopt(world.dev, "back to 1.0.0 by hand", OPS, Silent())
    assert servers.on("i-2", "blue") == "1.0.0"


def test_adopting_a_listener_lets_everybody_take_part_who_is_told(third: World) -> None:
    servers, ledger = third.servers["dev"], third.dev.ledger
    servers.dead, append = {"i-2"}, ledger.append

    def dying(entry, head, writer, fence):
        after = append(entry, head, writer, fence)
        if (entry.kind, entry.step) == ("step done", "answered"):
            ledger.append, ledger.give_back = append, lambda lease: None
            raise Killed
        return after

    ledger.append = dying
    with pytest.raises(Killed):
        put(third, "1.0.0", kind="rollback")
    del ledger.give_back
    servers.dead = set()
    adopt(third.dev, "close it", OPS, Silent())
    assert (servers.kept_out, state(third).open) == (set(), None)


def test_a_server_that_is_away_takes_no_part_in_a_slot_in_doubt_that_users_go_back_to(world: World) -> None:
    half_way(world)
    servers = world.servers["dev"]
    done = go_back(world.dev, Request(), OPS, Silent())
    servers.dead = set()
    assert (next(iter(done.evidence)), servers.behind("http://live")) == ("switched", "1.0.0")
    assert "i-1 may hold another release" in done.warnings[0]


def test_users_go_back_to_a_slot_in_doubt_though_the_balancer_keeps_a_server_in_it(world: World) -> None:
    half_way(world)
    servers = world.servers["dev"]
    servers.balancer_refuses = True
    done = go_back(world.dev, Request(), OPS, Silent())
    assert servers.behind("http://live") == "1.0.0"
    assert "they may serve another release, as the load balancer keeps them" in done.warnings[0]


def test_a_server_that_the_balancer_kept_is_taken_out_once_users_are_back(world: World) -> None:
    """It holds 1.2.0 and is away, so a rollback that installs moves users beside it."""
    half_way(world)
    servers, seat = world.servers["dev"], world.dev.balancer.seat

    def throttled_once(group: str, instances: frozenset[str], *, alone: bool = False) -> None:
        world.dev.balancer.seat = seat
        raise Broken("cannot change which servers take part: Throttling")

    world.dev.balancer.seat = throttled_once
    go_back(world.dev, Request(version="0.9.0"), OPS, Silent())
    servers.dead = set()
    assert servers.behind("http://live") == "0.9.0"


def test_nothing_is_installed_where_users_were_moved_by_hand_and_nobody_hears_what_they_get(world: World) -> None:
    """1.2.0 died before a server was asked, so both run 1.0.0 where the ledger says 1.2.0."""
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    kill_while_installing(world, "1.2.0")
    servers = world.servers["dev"]
    servers.live, servers.preview, servers.unreachable = "blue", "green", {"1.0.0"}
    with pytest.raises(Refused, match=r"slot blue may hold something else than 1\.2\.0") as refused:
        adopt(world.dev, "moved by hand", OPS, Silent())
    assert "release abort dev" in refused.value.hint
    assert servers.behind("http://live") == "1.0.0"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("locked", [set(), {"i-1", "i-2"}], ids=["by-ssh", "without-ssh"])
def test_a_preview_listener_that_did_not_follow_a_switch_keeps_nobody_from_going_back(
    world: World, locked: set[str], force: bool
) -> None:
    """So no health was told of the idle slot, where 1.0.0 runs; and Pulumi is away."""
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    servers = world.servers["dev"]
    servers.preview, servers.locked, world.dev.stack.export = "green", locked, backend_down
    assert put(world, "1.0.0", kind="rollback", force=force).version == "1.0.0"
    assert servers.behind("http://live") == "1.0.0"


def test_without_a_preview_listener_users_go_back_by_the_ledger_where_a_person_says_so(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    servers = world.servers["dev"]
    servers.preview = None
    world.dev.listeners.show = no_preview
    with pytest.raises(Broken, match="no part preview") as failure:
        put(world, "1.0.0", kind="rollback")
    assert "release rollback dev --force --reason WHY" in failure.value.hint
    assert put(world, "1.0.0", kind="rollback", force=True).version == "1.0.0"


def no_preview(*_: object) -> bool:
    raise Broken("dev has no part preview in AWS", hint="run: pulumi up --stack dev")


def test_a_slot_is_started_without_pulumi_though_a_server_is_marked_out(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    out = Out(server="env-servers-2", reason="disk errors", by="ops", since="")
    note_servers(world.dev, "server marked out", partial(without_server, out=out, servers=SERVERS), OPS, Silent())
    world.servers["dev"].stopped.add("blue")
    world.dev.stack.export = backend_down
    assert put(world, "1.0.0", kind="rollback").version == "1.0.0"
