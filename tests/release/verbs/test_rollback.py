"""`release rollback`: what it begins, what it never begins a second time, and whom it asks."""

import signal
from dataclasses import replace
from typing import Any

import pytest

from release.environment import open_environment
from release.process.errors import (
    Broken,
    Inconclusive,
    Interrupted,
    LeaseLost,
    NotBegun,
    Refused,
    StagelineError,
    WrongUsage,
)
from release.records.ledger.head import Out
from release.records.ledger.ledger import Entry
from release.records.ledger.stops import Cause, asked_to_end
from release.rules.lanes import STARTED
from release.rules.plan import unsure
from release.verbs.rollback import Request, go_back, proposal_back
from release.verbs.veto import veto
from release.work.executor import resume
from settings.stackfile import Project
from tests.aws_clients import aws_resource
from tests.project import PROJECT
from tests.release.deploying import CALL, Silent, put, state, users_have
from tests.release.world import INSTANCES, OPS, World
from tests.there import there


@pytest.fixture
def two(world: World) -> World:
    """dev with 1.1.0 live in green and 1.0.0 in blue."""
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    return world


def back(world: World, **request: Any) -> None:
    go_back(world.dev, Request(**request), OPS, Silent())


def begun(world: World) -> list[str]:
    return [event.kind for event in world.dev.ledger.events() if event.kind == "rollback requested"]


@pytest.mark.parametrize(
    "ending",
    [Interrupted(signal.SIGTERM, "it was interrupted"), LeaseLost("the lease was taken over")],
    ids=["a-signal", "another-holder"],
)
def test_whoever_ends_it_while_it_starts_the_release_does_not_begin_another_one(
    two: World, ending: StagelineError
) -> None:
    two.servers["dev"].stopped = {"blue"}

    def ended() -> None:
        raise ending

    two.dev.fleet.before_start = ended
    with pytest.raises(type(ending)):
        back(two)
    assert (len(begun(two)), two.servers["dev"].live) == (1, "green")


def test_who_asks_it_to_end_while_it_starts_the_release_is_not_answered_by_another_one(two: World) -> None:
    servers = two.servers["dev"]
    servers.stopped = {"blue"}

    def interrupted() -> None:
        name = there(state(two).open).deployment
        cause = Cause(reason="enough", by="ann", at=two.clock())
        two.dev.stops.change("end asked for", lambda stops: asked_to_end(stops, cause, name), OPS, {})

    two.dev.fleet.before_start = interrupted
    with pytest.raises(Refused, match="asked it to end"):
        back(two)
    assert (len(begun(two)), servers.live, state(two).open) == (1, "green", None)


def test_who_asks_it_to_end_while_it_waits_for_what_it_started_is_not_answered_by_another_one(two: World) -> None:
    servers = two.servers["dev"]
    servers.stopped, servers.ill = {"blue"}, {("tg-blue", name): ("unhealthy", "") for name in INSTANCES}

    def asked() -> None:
        name = there(state(two).open).deployment
        cause = Cause(reason="enough", by="ann", at=two.clock())
        two.dev.stops.change("end asked for", lambda stops: asked_to_end(stops, cause, name), OPS, {})

    two.dev.fleet.before_start = asked
    with pytest.raises(Refused, match="asked it to end"):
        back(two)
    assert (len(begun(two)), servers.live, state(two).open) == (1, "green", None)


def test_what_cannot_be_started_is_installed_again_and_nothing_ever_migrates(two: World) -> None:
    servers = two.servers["dev"]
    servers.stopped, allowed = {"blue"}, list(two.dev.migrations.allowed_for)

    def dead() -> None:
        raise StagelineError("no server started it")

    two.dev.fleet.before_start = dead
    back(two)
    assert (servers.blue, servers.live, len(begun(two))) == ("1.0.0", "blue", 2)
    assert two.dev.migrations.allowed_for == allowed


def test_only_a_deployment_forward_may_migrate(world: World) -> None:
    done = put(world, "1.0.0")
    assert world.dev.migrations.allowed_for == [done.deployment]


def test_whoever_goes_past_a_veto_is_not_led_to_a_slot_where_nothing_runs(two: World) -> None:
    """It overrules the numbers, and lets nobody down: what runs nowhere is started first."""
    two.servers["dev"].stopped = {"blue"}
    forced = proposal_back(
        two.dev, Request(despite=("veto", "fewer-servers"), reason="the veto is about mail"), Silent()
    )
    assert forced.steps == STARTED


def test_where_nothing_is_healthy_anywhere_a_person_moves_the_listener_at_once(two: World) -> None:
    """An application whose health asks a broken database is ill in both slots."""
    two.servers["dev"].silent = {"1.0.0", "1.1.0"}
    forced = proposal_back(two.dev, Request(despite=("fewer-servers",), reason="the database is gone"), Silent())
    assert forced.steps[0] == "switched"


def opened_behind_switch(world: World) -> str:
    """A promotion of 1.2.0 that died behind its switch, its Pulumi still running; its name."""

    class Killed(BaseException):
        pass

    def killed() -> None:
        if world.servers["dev"].live == "blue":
            raise Killed

    world.dev.stack.before_up = killed
    with pytest.raises(Killed):
        put(world, "1.2.0")
    world.dev.stack.before_up = lambda: None
    world.dev.leftovers.running = ["pulumi"]
    return str(there(state(world).open).deployment)


def test_what_a_deployment_left_running_that_it_takes_over_from_is_ended_before_pulumi_is_told(two: World) -> None:
    """It knows a HEAD of before, and may have moved users while it ended: they are moved back."""
    opened_behind_switch(two)
    servers, listeners = two.servers["dev"], two.dev.listeners
    two.dev.leftovers.before_end = lambda: setattr(servers, "live", "blue")
    listeners.moves.clear()
    two.dev.stack.before_up = lambda: listeners.moves.append("up")
    back(two)
    assert listeners.moves == ["green", "green", "up"]
    assert (servers.live, two.dev.leftovers.running, users_have(two).release) == ("green", [], "1.1.0")


def test_where_somebody_moved_users_by_hand_nothing_is_installed_under_them(two: World) -> None:
    put(two, "1.2.0")  # 1.0.0 is in no slot any more
    servers = two.servers["dev"]
    servers.live, ups = servers.preview, len(two.dev.stack.ups)
    with pytest.raises(Refused, match="release adopt-listener dev --reason WHY"):
        back(two, version="1.0.0")
    assert (len(two.dev.stack.ups), state(two).open) == (ups, None)


def marked(world: World, why: str = "env-servers-1 did not answer") -> None:
    """HEAD is not sure any more of what blue holds."""
    ledger = world.dev.ledger
    ledger.note(Entry(kind="note", state=unsure(state(world), "blue", why)), ledger.head(), OPS)


@pytest.mark.parametrize(
    ("holds", "forced", "first"),
    [
        pytest.param("1.0.0", False, "switched", id="it-answers-as-it-should"),
        pytest.param("0.9.0", False, "installed", id="it-answers-with-another"),
        pytest.param("0.9.0", True, "switched", id="somebody-insists"),
    ],
)
def test_a_slot_of_which_nobody_is_sure_is_asked_what_it_holds(
    two: World, holds: str, forced: bool, first: str
) -> None:
    marked(two)
    two.servers["dev"].blue = holds
    request = Request(despite=("doubt",), reason="look at it") if forced else Request()
    assert proposal_back(two.dev, request, Silent()).steps[0] == first


@pytest.mark.parametrize("dead", [{"i-1"}, {"i-2"}, {"i-1", "i-2"}], ids=["the-canary", "another", "all"])
def test_a_promotion_whose_installation_never_began_leaves_the_way_back_as_it_was(two: World, dead: set[str]) -> None:
    before, ups, asked = state(two), len(two.dev.stack.ups), [*two.dev.fleet.asked]
    two.dev.fleet.before_install = lambda: two.servers["dev"].dead.update(dead)
    with pytest.raises(NotBegun, match=r"is not live in dev, .*no server was asked to install anything: not reached"):
        put(two, "1.2.0")
    assert (state(two), len(two.dev.stack.ups), two.dev.fleet.asked) == (before, ups, asked)
    two.servers["dev"].dead.clear()
    assert proposal_back(two.dev, Request(), Silent()).steps[0] == "switched"


def test_a_resumed_installation_that_cannot_begin_again_may_have_touched_the_slot(two: World) -> None:
    class Killed(BaseException):
        pass

    def killed() -> None:
        raise Killed

    two.dev.fleet.before_install = killed
    with pytest.raises(Killed):
        put(two, "1.2.0")
    two.dev.fleet.before_install = lambda: two.servers["dev"].dead.update({"i-2"})
    with pytest.raises(NotBegun):
        resume(two.dev, OPS, Silent())
    assert "env-servers-2 did not answer" in there(state(two).blue).unsure


def test_where_no_server_that_is_in_answers_it_does_not_wait_for_an_installation_and_names_the_way(
    two: World,
) -> None:
    put(two, "1.2.0")
    two.servers["dev"].dead = {"i-1"}
    ledger = two.dev.ledger
    out = Out(server="env-servers-2", reason="no power", by="ops", since="t")
    ledger.note(Entry(kind="note", state=state(two).but(out=(out,))), ledger.head(), OPS)
    with pytest.raises(Inconclusive, match=r"no server of dev answers: env-servers-1.*mark-out dev SERVER --lift"):
        back(two, version="1.0.0")


def test_row_13_the_first_release_has_nothing_to_go_back_to(world: World) -> None:
    put(world, "1.0.0")
    with pytest.raises(Refused, match="dev has no earlier verified release to go back to"):
        go_back(world.dev, Request(), OPS, Silent())


def test_a_release_that_was_never_live_here_is_no_way_back(world: World) -> None:
    put(world, "1.0.0")
    world.publish("0.9.0")
    before = len(world.dev.stack.ups)
    with pytest.raises(Refused, match=r"0\.9\.0 was never deployed to dev"):
        go_back(world.dev, Request(version="0.9.0"), OPS, Silent())
    assert len(world.dev.stack.ups) == before


def test_a_release_that_failed_here_is_no_way_back(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke = {"1.1.0"}
    with pytest.raises(Broken):
        put(world, "1.1.0")
    with pytest.raises(Refused, match=r"1\.1\.0 must have been live and verified in dev before"):
        go_back(world.dev, Request(version="1.1.0"), OPS, Silent())


def test_going_back_to_what_is_live_says_that_it_is_also_where_nothing_was_before(world: World) -> None:
    put(world, "1.0.0")
    with pytest.raises(Refused, match=r"users of dev get 1\.0\.0 \(not live already\)$"):
        go_back(world.dev, Request(version="1.0.0"), OPS, Silent())


def test_a_refusal_names_the_options_that_overrule_it(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    veto(CALL, "1.0.0", reason="loses rows")
    with pytest.raises(Refused, match=r"\(no veto\); overrule it with: --despite veto --reason WHY$"):
        go_back(world.dev, Request(), OPS, Silent())
    assert go_back(world.dev, Request(despite=("veto",), reason="rows are restored"), OPS, Silent()).version == "1.0.0"


def test_whoever_overrules_a_rule_says_why() -> None:
    for request in ({"despite": ("veto",)}, {"reason": "because"}):
        with pytest.raises(WrongUsage, match="whoever overrules a rule says why"):
            Request(**request)


@pytest.mark.parametrize(
    ("ill", "expected"),
    [
        pytest.param("another stack file", "1.0.0", id="another-stack-file-is-broken"),
        pytest.param("another ledger", "1.0.0", id="another-ledger-is-unreadable"),
    ],
)
def test_a_rollback_asks_no_other_environment(world: World, ill: str, expected: str) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    if ill == "another ledger":
        aws_resource("dynamodb").Table(world.qa.ledger.table.name).put_item(
            Item={"kind": "HEAD", "seq": 0, "body": "["}
        )
    folder = world.project_with(qa="config: [") if ill == "another stack file" else PROJECT
    assert open_environment(Project(folder), "dev").settings.environment == "dev"
    assert go_back(replace(world.dev, project=Project(folder)), Request(), OPS, Silent()).version == expected
