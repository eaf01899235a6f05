"""What a deployment that fails, is killed or is taken over leaves: never less of a way back than there was."""

import json
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import cycle

import pytest

from release.doors.aws.balancer import TargetHealth
from release.doors.probe import Answer
from release.doors.probe import Request as Asked
from release.doors.servers.ssh import NotReached
from release.process.errors import Broken, Inconclusive, LeaseLost, Refused, VerificationFailed
from release.records.artifacts.schema import Schema
from release.records.ledger.head import Out
from release.records.ledger.ledger import Entry, Writer
from release.rules.consents import Consent
from release.rules.lanes import IN_PLACE
from release.verbs.adopt_listener import adopt
from release.verbs.mark_out import note_servers, without_server
from release.verbs.rollback import Request, go_back, proposal_back
from release.work.executor import abort, deploy, resume
from release.work.orders import InstallFailed
from tests.release.deploying import (
    Killed,
    Silent,
    could_not_be_put_back,
    die_after,
    kill_while_installing,
    proposal,
    put,
    state,
    users_have,
)
from tests.release.world import OPS, SERVERS, BalancerOf, FakeProbe, World
from tests.there import there

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
            world.dev.ledger.is_killed = True
            raise Killed

    world.dev.fleet.before_order = killed
    wanted = proposal(world.dev, world.publish(version))
    with pytest.raises(Killed):
        deploy(world.dev, replace(wanted, release=wanted.release.but(made_with=made_with)), OPS, Silent())
    world.dev.ledger.is_killed = False
    world.servers["dev"].migrated_for.add(there(state(world).open).deployment)
    world.dev.fleet.before_order = lambda instance: None


def leave_open_behind_the_switch(world: World, version: str) -> None:
    """Users have the release, which cannot be reached from here."""
    world.servers["dev"].unreachable = {version}
    with pytest.raises(Inconclusive):
        put(world, version)
    world.servers["dev"].unreachable = set()


def half_way(world: World) -> None:
    """1.1.0 is live. 1.2.0 failed on the second server, and the first one died with it where both held 1.0.0."""
    for version in ("0.9.0", "1.0.0", "1.1.0"):
        put(world, version)
    servers, stack = world.servers["dev"], world.dev.stack
    servers.refuses, stack.before_up = {"i-2": "its disk is full"}, lambda: servers.dead.add("i-1")
    with pytest.raises(InstallFailed):
        put(world, "1.2.0")
    servers.refuses, stack.before_up = {}, lambda: None


def test_a_rollback_that_takes_over_knows_the_schema_that_was_begun(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    kill_behind_the_canary(world, "1.2.0", NEWER)
    with pytest.raises(Refused, match="schema compatibility"):
        go_back(world.dev, Request(), OPS, Silent())
    go_back(world.dev, Request(despite=("schema",), reason="it reads both"), OPS, Silent())
    assert (users_have(world).release, state(world).brought) == ("1.0.0", NEWER)


def test_a_server_that_is_kept_out_of_a_slot_is_asked_whether_it_began_to_migrate(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    kill_behind_the_canary(world, "1.2.0", NEWER)
    world.servers["dev"].kept_out = {("tg-blue", "i-1")}
    proposal_back(world.dev, Request(), Silent())
    assert world.dev.fleet.asked_of_migrations == ["i-1", "i-2"]


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
    servers, slept = world.servers["dev"], list[str]()

    def sleeps(instance: str) -> None:
        if not slept:
            slept.append(instance)
            world.dev.ledger.is_asleep = True
            go_back(world.dev, Request(), BEA, Silent())
            raise NotReached("cannot log in to i-1: Connection reset")

    world.dev.fleet.before_order = sleeps
    with pytest.raises(LeaseLost):
        put(world, "1.2.0")
    assert [servers.on(name, there(servers.live)) for name in ("i-1", "i-2")] == ["1.0.0", "1.0.0"]


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
    assert (state(third).open, there(state(third).green).release, there(state(third).green).unsure) == (
        None,
        "1.1.0",
        "",
    )


def test_users_are_not_moved_beside_a_release_that_cannot_be_kept_from_them(third: World) -> None:
    servers = third.servers["dev"]
    servers.locked, servers.balancer_refuses = {"i-2"}, True
    with pytest.raises(Inconclusive, match="i-2 may serve another release in green") as refused:
        put(third, "1.0.0", kind="rollback")
    assert (servers.live, servers.behind("http://live")) == ("blue", "1.2.0")
    assert "release rollback dev --despite doubt --reason WHY" in refused.value.hint


def test_a_server_that_nobody_took_in_again_takes_part_when_users_go_back_to_what_it_holds(third: World) -> None:
    """The `up` told it what to hold, the call behind it was refused, and now Pulumi's backend is down."""
    servers = third.servers["dev"]
    servers.dead = {"i-2"}
    put(third, "1.0.0", "rollback")
    servers.dead = set()
    servers.balancer_takes_nobody_in = True
    put(third, "1.3.0")
    servers.balancer_takes_nobody_in = False
    assert servers.kept_out == {("tg-green", "i-2")}
    third.dev.stack.backend_is_down = True
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
    third.dev.stack.backend_is_down = True
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
    servers = world.servers["dev"]
    servers.live, servers.preview = "blue", "green"
    in_turn = cycle(["i-2", "i-1"])

    class Alternating(FakeProbe):
        def send(self, base: str, request: Asked) -> Answer:
            held = servers.on(next(in_turn), "blue")
            return Answer(status=200, body=json.dumps({"version": held}), milliseconds=1)

    dev = replace(world.dev, probe=Alternating(servers))
    with pytest.raises(Refused, match=r"users get answers of 1\.0\.0 and of 1\.2\.0, and the ledger says"):
        adopt(dev, "back to 1.0.0 by hand", OPS, Silent())
    assert servers.on("i-2", "blue") == "1.0.0"


def test_adopting_a_listener_lets_everybody_take_part_who_is_told(third: World) -> None:
    servers, ledger = third.servers["dev"], third.dev.ledger
    servers.dead = {"i-2"}

    def dying(entry: Entry) -> None:
        if (entry.kind, entry.step) == ("step done", "answered"):
            ledger.is_killed = True
            raise Killed

    ledger.after_append = dying
    with pytest.raises(Killed):
        put(third, "1.0.0", kind="rollback")
    ledger.is_killed, servers.dead = False, set()
    adopt(third.dev, "close it", OPS, Silent())
    assert (servers.kept_out, state(third).open) == (set(), None)


def test_a_rollback_that_takes_over_and_reaches_nobody_keeps_in_doubt_what_was_tried_in_the_slot(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    servers = world.servers["dev"]
    kill_behind_the_canary(world, "1.2.0")
    servers.locked = {"i-1", "i-2"}
    with pytest.raises(Inconclusive, match="no server of dev answers"):
        go_back(world.dev, Request(), OPS, Silent())
    assert there(state(world).blue).release == "1.0.0"
    assert there(state(world).blue).unsure.endswith("tried 1.2.0 in it")
    servers.locked = set()
    go_back(world.dev, Request(), OPS, Silent())
    assert servers.behind("http://live") == "1.0.0"


def test_what_a_rollback_began_to_install_over_is_gone_back_to_by_no_abort(world: World) -> None:
    """Users are on 1.2.0, which answers; the database is broken, so that nothing comes up anew."""
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    servers = world.servers["dev"]
    leave_open_behind_the_switch(world, "1.2.0")
    servers.stopped.add("green")
    servers.fails_to_install = {"1.1.0"}
    with pytest.raises(Broken, match=r"release resume dev, or release rollback dev --to VERSION"):
        go_back(world.dev, Request(), OPS, Silent())
    with pytest.raises(Refused, match=r"did not come to an end.*release adopt-listener dev"):
        abort(world.dev, OPS, Silent())
    assert servers.behind("http://live") == "1.2.0"
    adopt(world.dev, "rather that than nothing", OPS, Silent())
    assert (state(world).open, users_have(world).release) == (None, "1.2.0")


def test_users_who_were_moved_by_hand_to_what_a_dead_promotion_left_there_stay_there(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    servers = world.servers["dev"]
    kill_while_installing(world, "1.2.0")
    servers.live, servers.preview = "blue", "green"
    with pytest.raises(Refused, match="release adopt-listener dev"):
        resume(world.dev, OPS, Silent())
    adopt(world.dev, "1.1.0 is bad", OPS, Silent())
    assert (servers.behind("http://live"), servers.live) == ("1.0.0", "blue")
    assert (users_have(world).release, users_have(world).unverified) == ("1.0.0", False)
    assert there(state(world).blue).unsure == ""


def test_closing_a_dead_promotion_by_adopting_keeps_the_way_back_in_place(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    kill_while_installing(world, "1.2.0")
    adopt(world.dev, "close it", OPS, Silent())
    assert proposal_back(world.dev, Request(), Silent()).steps == IN_PLACE


def test_a_server_that_is_back_when_pulumi_is_told_of_a_slot_in_doubt_looks_what_it_holds(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    servers = world.servers["dev"]
    kill_behind_the_canary(world, "1.2.0")
    servers.locked = {"i-1", "i-2"}
    with pytest.raises(Inconclusive, match="no server of dev answers"):
        go_back(world.dev, Request(), OPS, Silent())
    servers.locked, servers.dead = set(), {"i-1"}
    world.dev.fleet.before_look = servers.dead.clear  # it is back by now
    done = go_back(world.dev, Request(despite=("doubt", "fewer-servers"), reason="one does"), OPS, Silent())
    assert "installed" not in done.evidence
    assert (servers.on("i-1", "blue"), servers.kept_out) == ("1.0.0", set())


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        pytest.param(None, "1.1.0", id="no-name"),
        pytest.param("1.1.0", "1.1.0", id="the-live-one"),
        pytest.param("1.0.0", "1.0.0", id="another"),
    ],
)
def test_where_users_could_not_be_put_back_a_rollback_does_that_first(
    world: World, to: str | None, expected: str
) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    could_not_be_put_back(world, "1.2.0")
    assert go_back(world.dev, Request(version=to), OPS, Silent()).version == expected
    assert (world.servers["dev"].behind("http://live"), state(world).open) == (expected, None)


def test_while_users_could_not_be_put_back_a_plan_says_what_they_have(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    could_not_be_put_back(world, "1.2.0")
    gates = proposal_back(world.dev, Request(version="1.1.0"), Silent()).gates
    assert "users of dev get 1.2.0" in [gate.evidence for gate in gates if gate.passed]


def test_a_rollback_whose_switch_could_not_be_made_is_repeated_by_the_same_command(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    servers = world.servers["dev"]
    leave_open_behind_the_switch(world, "1.2.0")
    servers.listener_is_stuck = True
    with pytest.raises(Broken, match="ServiceUnavailable"):
        go_back(world.dev, Request(), OPS, Silent())
    servers.listener_is_stuck = False
    assert go_back(world.dev, Request(), OPS, Silent()).version == "1.1.0"
    assert (servers.behind("http://live"), state(world).open) == ("1.1.0", None)


def test_after_users_who_could_not_be_put_back_were_adopted_a_rollback_leads_back(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    could_not_be_put_back(world, "1.2.0")
    adopt(world.dev, "they are there", OPS, Silent())
    assert go_back(world.dev, Request(), OPS, Silent()).version == "1.1.0"


def test_users_go_back_from_a_redeployment_that_is_open_behind_its_switch(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    world.servers["dev"].unreachable = {"1.1.0"}
    with pytest.raises(Inconclusive):
        put(world, "1.1.0", "redeployment")
    assert go_back(world.dev, Request(), OPS, Silent()).version == "1.0.0"


def test_a_rollback_further_back_waits_for_no_up_before_users_are_there(world: World) -> None:
    for version in ("0.9.0", "1.0.0", "1.1.0"):
        put(world, version)
    leave_open_behind_the_switch(world, "1.2.0")
    users: list[str | None] = []
    world.dev.stack.before_up = lambda: users.append(world.servers["dev"].behind("http://live"))
    go_back(world.dev, Request(version="0.9.0"), OPS, Silent())
    assert users == ["0.9.0"]


@pytest.mark.parametrize("held", ["1.0.0", "1.2.0"], ids=["nobody-was-asked", "everybody-took-it"])
def test_without_ssh_users_go_back_over_a_dead_promotion_where_the_slot_still_answers_with_it(
    world: World, held: str
) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    servers = world.servers["dev"]
    kill_while_installing(world, "1.2.0")
    servers.blue, servers.locked = held, {"i-1", "i-2"}
    with nullcontext() if held == "1.0.0" else pytest.raises(Inconclusive, match="no server of dev answers"):
        go_back(world.dev, Request(), OPS, Silent())
    assert servers.behind("http://live") == ("1.0.0" if held == "1.0.0" else "1.1.0")


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
    servers = world.servers["dev"]

    def throttled_once() -> None:
        servers.before_seat = lambda: None
        raise Broken("cannot change which servers take part: Throttling")

    servers.before_seat = throttled_once
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


@pytest.mark.parametrize("despite", [(), ("fewer-servers",)], ids=["unasked", "despite-fewer-servers"])
@pytest.mark.parametrize("locked", [set(), {"i-1", "i-2"}], ids=["by-ssh", "without-ssh"])
def test_a_preview_listener_that_did_not_follow_a_switch_keeps_nobody_from_going_back(
    world: World, locked: set[str], despite: tuple[Consent, ...]
) -> None:
    """So no health was told of the idle slot, where 1.0.0 runs; and Pulumi is away."""
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    servers = world.servers["dev"]
    servers.preview, servers.locked, world.dev.stack.backend_is_down = "green", locked, True
    assert put(world, "1.0.0", kind="rollback", despite=despite).version == "1.0.0"
    assert servers.behind("http://live") == "1.0.0"


def test_without_a_preview_listener_users_go_back_by_the_ledger_where_a_person_says_so(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    servers = world.servers["dev"]
    servers.preview = None
    world.dev.listeners.before_show = no_preview
    with pytest.raises(Broken, match="no part preview") as failure:
        put(world, "1.0.0", kind="rollback")
    assert "release rollback dev --despite fewer-servers --reason WHY" in failure.value.hint
    assert put(world, "1.0.0", kind="rollback", despite=("fewer-servers",)).version == "1.0.0"


def no_preview() -> None:
    raise Broken("dev has no part preview in AWS", hint="run: pulumi up --stack dev")


def test_a_slot_is_started_without_pulumi_though_a_server_is_marked_out(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    out = Out(server="env-servers-2", reason="disk errors", by="ops", since="")
    note_servers(world.dev, "server marked out", partial(without_server, out=out, servers=SERVERS), OPS, Silent())
    world.servers["dev"].stopped.add("blue")
    world.dev.stack.backend_is_down = True
    assert put(world, "1.0.0", kind="rollback").version == "1.0.0"


def killed_in_started(world: World) -> None:
    """Users are on 1.2.0, which is open behind its switch; who goes back died while it started 1.1.0 in green."""
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    leave_open_behind_the_switch(world, "1.2.0")
    world.servers["dev"].stopped.add("green")
    die_after(world, "step started", "started")
    with pytest.raises(Killed):
        go_back(world.dev, Request(), OPS, Silent())
    world.dev.ledger.is_killed = False


def test_an_abort_starts_what_users_would_get_back_before_they_move(world: World) -> None:
    killed_in_started(world)
    runs: list[bool] = []
    world.dev.listeners.before_move = lambda slot: runs.append("green" not in world.servers["dev"].stopped)
    abort(world.dev, OPS, Silent())
    assert (runs, world.servers["dev"].behind("http://live"), state(world).open) == ([True], "1.1.0", None)


@pytest.mark.parametrize("users_are_well", [True, False])
def test_an_abort_moves_users_to_what_cannot_be_started_only_where_they_have_nothing_to_lose(
    world: World, users_are_well: bool
) -> None:
    killed_in_started(world)
    servers = world.servers["dev"]
    servers.fails_to_install = {"1.1.0"}
    servers.silent = set() if users_are_well else {"1.2.0"}
    with pytest.raises(Inconclusive) as refused:
        abort(world.dev, OPS, Silent())
    assert servers.live == ("blue" if users_are_well else "green")
    assert ("release rollback dev --to VERSION" in str(refused.value)) == users_are_well
    if users_are_well:
        adopt(world.dev, "rather that than nothing", OPS, Silent())
    assert (state(world).open, users_have(world).release) == (None, "1.2.0" if users_are_well else "1.1.0")


def test_a_release_that_fails_before_users_is_left_to_them_where_what_was_before_is_dead(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    servers = world.servers["dev"]
    servers.fails_smoke_live, servers.fails_to_install = {"1.2.0"}, {"1.1.0"}
    world.dev.listeners.after_move = lambda: servers.stopped.add("green")
    with pytest.raises(VerificationFailed, match=r"users are on 1\.2\.0.*slot green does not run.*release accept dev"):
        put(world, "1.2.0")
    assert (servers.behind("http://live"), there(state(world).open).stopped[:6]) == ("1.2.0", "failed")
    assert there(world.dev.stops.read().hold).reason


def test_who_goes_further_back_installs_over_what_is_dead(world: World) -> None:
    killed_in_started(world)
    world.servers["dev"].fails_to_install = {"1.1.0"}
    assert go_back(world.dev, Request(version="1.0.0"), OPS, Silent()).version == "1.0.0"
    assert (world.servers["dev"].behind("http://live"), state(world).open) == ("1.0.0", None)


def test_where_users_could_not_be_put_back_and_that_is_dead_by_now_they_stay_and_are_adopted(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    could_not_be_put_back(world, "1.2.0")
    servers = world.servers["dev"]
    servers.stopped.add("green")
    servers.fails_to_install = {"1.1.0"}
    with pytest.raises(Inconclusive, match="users stay where they are") as stays:
        go_back(world.dev, Request(), OPS, Silent())
    assert stays.value.hint == "keep users where they are: release adopt-listener dev --reason WHY"
    adopt(world.dev, "rather that than nothing", OPS, Silent())
    assert (servers.behind("http://live"), state(world).open) == ("1.2.0", None)


class Throttled(BalancerOf):
    """It moves listeners, and tells nobody's health."""

    def targets(self, target_group: str) -> tuple[TargetHealth, ...]:
        raise Broken("cannot look at the targets: Throttling")


def test_a_balancer_that_tells_no_health_keeps_nobody_from_what_they_had_before(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    leave_open_behind_the_switch(world, "1.2.0")
    abort(replace(world.dev, balancer=Throttled(world.servers["dev"])), OPS, Silent())
    assert (world.servers["dev"].behind("http://live"), state(world).open) == ("1.1.0", None)


def test_without_health_an_abort_moves_nobody_to_what_a_dead_rollback_may_not_have_started(world: World) -> None:
    killed_in_started(world)
    with pytest.raises(Inconclusive, match=r"users stay where they are.*Throttling"):
        abort(replace(world.dev, balancer=Throttled(world.servers["dev"])), OPS, Silent())
    assert world.servers["dev"].behind("http://live") == "1.2.0"
