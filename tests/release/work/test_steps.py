"""The watched step: what it leaves in the ledger, and which outcome ends how."""

from functools import partial

import pytest

from release.process.errors import Inconclusive, VerificationFailed
from release.records.ledger.head import Out
from release.rules.outcomes import Unforeseen
from release.verbs.mark_out import note_servers, without_server
from release.work.orders import InstallFailed
from release.work.steps import SWITCH_LIMIT
from release.work.verification.verification import HEALTH_LIMIT
from tests.release.deploying import Silent, put
from tests.release.world import OPS, SERVERS, World
from tests.there import there


def test_what_was_watched_is_evidence(world: World) -> None:
    watched = put(world, "1.0.0").evidence["watched"]
    assert (watched["wrong"], watched["restarts"]) == (0, {"env-servers-1": 0, "env-servers-2": 0})
    assert watched["requests"] > 1
    assert watched["smoke_ms"] == {"projects": 3}
    (event,) = [one for one in world.dev.ledger.events() if (one.kind, one.step) == ("step done", "watched")]
    assert event.details == watched


def test_a_release_that_restarts_while_it_is_watched_is_put_back(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].restarts_in_watch = {"1.1.0"}
    with pytest.raises(VerificationFailed, match="restarts of the release on env-servers-1"):
        put(world, "1.1.0")
    state = world.dev.ledger.head().state
    assert (there(state.live).release, state.open, world.servers["dev"].live) == ("1.0.0", None, "blue")


def test_a_listener_that_is_not_reached_leaves_the_deployment_open(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].unreachable = {"1.1.0"}
    with pytest.raises(Inconclusive, match="could not be reached"):
        put(world, "1.1.0")
    assert world.dev.ledger.head().state.open is not None
    assert world.servers["dev"].live == "green"


def test_users_bear_half_a_minute_of_wrong_answers_at_most_where_they_can_get_back_what_they_had(world: World) -> None:
    put(world, "1.0.0")
    verification = world.dev.verification
    verification.limits.clear()
    put(world, "1.1.0")
    assert verification.limits[-1] == SWITCH_LIMIT
    put(world, "1.0.0", kind="rollback")
    assert verification.limits[-1] == HEALTH_LIMIT


ILL = ("unhealthy", "Target.ResponseCodeMismatch: Health checks failed with these codes: [502]")


def test_a_server_that_is_ill_under_both_releases_stops_neither_dev_nor_the_release(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].ill |= {("tg-blue", "i-2"): ILL, ("tg-green", "i-2"): ILL}
    with pytest.raises(Inconclusive, match=r"i-2 is unhealthy in both slots .*the server is ill, not the release"):
        put(world, "1.1.0")
    state, stops = world.dev.ledger.head().state, world.dev.stops.read()
    assert (there(state.live).release, stops.hold, stops.vetoes, state.open) == ("1.0.0", None, (), None)


def test_a_release_that_is_ill_where_the_former_one_is_well_is_to_blame(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].ill[("tg-green", "i-2")] = ILL
    with pytest.raises(VerificationFailed, match=r"i-2 is unhealthy \(Target\.ResponseCodeMismatch: .*\[502\]\)"):
        put(world, "1.1.0")


def test_a_first_release_has_no_other_slot_to_be_compared_with(world: World) -> None:
    world.servers["dev"].ill |= {("tg-blue", "i-2"): ILL, ("tg-green", "i-2"): ILL}
    with pytest.raises(VerificationFailed, match="i-2 is unhealthy"):
        put(world, "1.0.0")


def test_the_balancers_own_errors_put_a_release_back(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].figures |= {"RequestCount": 100.0, "HTTPCode_ELB_502_Count": 50.0}
    with pytest.raises(VerificationFailed, match="of the balancer itself"):
        put(world, "1.1.0")
    assert world.servers["dev"].live == "blue"


def test_what_nobody_foresaw_in_the_watch_puts_the_release_back_and_stops_nobody(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].figures["RequestCount"] = None  # type: ignore[assignment]  # what nobody foresaw
    with pytest.raises(Unforeseen, match=r"1\.1\.0 is not live in dev, users are on 1\.0\.0: unexpected TypeError"):
        put(world, "1.1.0")
    state, stops = world.dev.ledger.head().state, world.dev.stops.read()
    assert (state.open, world.servers["dev"].live, stops.hold, stops.vetoes) == (None, "blue", None, ())


def test_what_nobody_foresaw_in_an_up_behind_the_switch_puts_a_promotion_back(world: World) -> None:
    put(world, "1.0.0")

    def surprising() -> None:
        if world.servers["dev"].live == "green":
            raise KeyError("outputs")

    world.dev.stack.before_up = surprising
    with pytest.raises(Unforeseen, match="unexpected KeyError"):
        put(world, "1.1.0")
    assert (world.dev.ledger.head().state.open, world.servers["dev"].live) == (None, "blue")


def test_what_nobody_foresaw_behind_the_answer_of_a_rollback_is_a_warning(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)

    def surprising() -> None:
        raise KeyError("outputs")

    world.dev.stack.before_up = surprising
    done = put(world, "1.0.0", kind="rollback")
    assert (done.warnings, world.servers["dev"].live) == (("applied: unexpected KeyError: 'outputs'",), "blue")


# --- A rollback that installs -----------------------------------------------------------------------------------------


@pytest.fixture
def third(world: World) -> World:
    """1.2.0 is live in blue, 1.1.0 is in green, and 1.0.0 is in no slot any more."""
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        put(world, version)
    world.dev.fleet.asked.clear()
    return world


def test_a_rollback_asks_every_server_and_tells_how_each_took_it(third: World) -> None:
    installed = put(third, "1.0.0", kind="rollback").evidence["installed"]
    results = {"env-servers-1": "installed", "env-servers-2": "installed"}
    nobody = {"passed_over": [], "failed": {}, "kept_out": ""}
    assert installed == {"slot": "green", "servers": 2, "results": results, **nobody}
    assert third.dev.fleet.asked == ["i-1", "i-2"]


def test_a_server_that_fails_to_go_back_is_passed_over_and_serves_nobody(third: World) -> None:
    """As long as there are enough others: that server serves nobody now, either."""
    servers = third.servers["dev"]
    servers.refuses = {"i-1": "its disk is full"}
    servers.ill[("tg-blue", "i-1")] = ILL
    done = put(third, "1.0.0", kind="rollback")
    installed, state = done.evidence["installed"], third.dev.ledger.head().state
    assert (installed["servers"], installed["passed_over"]) == (1, ["env-servers-1"])
    assert installed["failed"] == {"env-servers-1": "its disk is full"}
    assert (servers.on("i-1", "green"), servers.on("i-2", "green")) == ("1.1.0", "1.0.0")
    assert servers.behind("http://live") == "1.0.0"
    told = "env-servers-1 failed (its disk is full)"
    assert (there(state.live).release, there(state.green).unsure) == ("1.0.0", told)
    assert done.warnings[0].startswith(told)


def test_a_server_that_lets_nobody_in_and_serves_users_is_not_left_behind_unasked(third: World) -> None:
    third.servers["dev"].locked = {"i-2"}
    with pytest.raises(Inconclusive, match=r"users are on 1\.2\.0: .*1 servers are healthy, 2 are") as refused:
        put(third, "1.0.0", kind="rollback")
    assert "to go with fewer servers: release rollback dev --despite fewer-servers --reason WHY" in refused.value.hint


def test_users_of_a_rollback_despite_fewer_servers_meet_no_server_that_was_passed_over(third: World) -> None:
    """It serves users, and its slot holds another release: without a word from it nobody is sent there."""
    servers = third.servers["dev"]
    servers.locked = {"i-2"}
    done = put(third, "1.0.0", kind="rollback", despite=("fewer-servers",))
    assert (servers.live, servers.on("i-2", "green"), servers.behind("http://live")) == ("green", "1.1.0", "1.0.0")
    assert done.warnings[0] == (
        "env-servers-2 did not answer; the load balancer sends nobody there; once they are back: "
        "release redeploy dev, else: release replace-server dev SERVER"
    )


def test_a_balancer_that_keeps_such_a_server_holds_up_no_rollback_and_is_told_of(third: World) -> None:
    servers = third.servers["dev"]
    servers.dead, servers.balancer_refuses = {"i-2"}, True
    done = put(third, "1.0.0", kind="rollback")
    assert servers.live == "green"
    assert "they may serve another release, as the load balancer keeps them (cannot change which" in done.warnings[0]


def test_once_all_are_told_what_they_hold_all_take_part_again(third: World) -> None:
    servers = third.servers["dev"]
    servers.dead = {"i-2"}
    put(third, "1.0.0", kind="rollback")
    assert servers.kept_out == {("tg-green", "i-2")}
    servers.dead = set()
    put(third, "1.0.0", kind="redeployment")
    assert servers.kept_out == set()


def test_putting_a_rollback_back_lets_those_take_part_that_it_kept_out(third: World) -> None:
    servers = third.servers["dev"]
    servers.refuses = {"i-1": "its disk is full"}
    with pytest.raises(Inconclusive):
        put(third, "1.0.0", kind="rollback")
    assert (servers.kept_out, servers.live) == (set(), "blue")


def test_a_server_that_is_out_serves_no_user_of_a_new_release(world: World) -> None:
    """Pulumi takes it from the load balancer only once users are there."""
    put(world, "1.0.0")
    change = partial(
        without_server, out=Out(server="env-servers-2", reason="dead", by="ops", since=""), servers=SERVERS
    )
    note_servers(world.dev, "server marked out", change, OPS, Silent())
    world.dev.stack.before_up = lambda: seen.append(world.servers["dev"].behind("http://live"))
    seen: list[str | None] = []
    put(world, "1.1.0")
    assert (seen, world.servers["dev"].kept_out) == (["1.1.0"], {("tg-green", "i-2")})


def test_where_one_that_fails_to_go_back_leaves_too_few_users_stay_where_they_are(third: World) -> None:
    third.servers["dev"].refuses = {"i-1": "its disk is full"}
    with pytest.raises(Inconclusive, match=r"users are on 1\.2\.0: .*1 servers are healthy, 2 are where users are now"):
        put(third, "1.0.0", kind="rollback")


def test_a_server_that_falls_silent_while_it_goes_back_is_passed_over(third: World) -> None:
    servers = third.servers["dev"]
    servers.falls_silent = {"i-2"}
    done = put(third, "1.0.0", kind="rollback")
    assert done.evidence["installed"]["passed_over"] == ["env-servers-2"]
    assert there(third.dev.ledger.head().state.green).unsure == "env-servers-2 did not answer"
    assert (servers.live, servers.on("i-1", "green")) == ("green", "1.0.0")


def test_a_rollback_that_no_server_takes_is_put_back(third: World) -> None:
    third.servers["dev"].fails_to_install = {"1.0.0"}
    with pytest.raises(InstallFailed, match=r"env-servers-1: installing 1\.0\.0 failed .*; env-servers-2: installing"):
        put(third, "1.0.0", kind="rollback")
    state = third.dev.ledger.head().state
    assert (state.open, there(state.live).release, there(state.green).release) == (None, "1.2.0", "1.1.0")


def test_a_rollback_never_migrates(third: World) -> None:
    allowed = [*third.dev.migrations.allowed_for]
    put(third, "1.0.0", kind="rollback")
    assert third.dev.migrations.allowed_for == allowed
