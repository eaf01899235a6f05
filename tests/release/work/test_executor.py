"""A deployment from the lease to the verdict, and what is put back when a step fails."""

import os
import signal
from dataclasses import replace

import pytest

from release.process.errors import (
    Broken,
    Inconclusive,
    Interrupted,
    LeaseHeld,
    LeaseLost,
    Refused,
    VerificationFailed,
)
from release.records.artifacts.manifest import Manifest, manifest_key
from release.records.artifacts.schema import Schema
from release.records.ledger.head import Out
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Entry
from release.records.ledger.stops import Cause, asked_to_end
from release.rules.gates import Gate
from release.rules.lanes import FORWARD, IN_PLACE, INSTALLED_BACK, STARTED, Kind
from release.verbs.promote import Route, proposal_into
from release.verbs.rollback import Request, go_back, proposal_back
from release.verbs.status import status, status_text
from release.work.executor import abort, deploy, resume
from tests.aws_clients import aws_client
from tests.release.deploying import Killed, Silent, die_after, proposal, put, state, users_have
from tests.release.world import OPS, STAGELINE, World
from tests.there import there

PATIENT = Patience(until_silent=True)
OTHER = replace(OPS, host="desk")


def test_first_release_goes_to_blue_and_is_live_afterwards(world: World) -> None:
    done = put(world, "1.0.0")
    assert (done.slot, world.servers["dev"].live, world.servers["dev"].blue) == ("blue", "blue", "1.0.0")
    assert (users_have(world).release, state(world).previous, state(world).open) == ("1.0.0", None, None)


def test_second_release_goes_to_the_other_slot_and_the_first_keeps_running(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    servers = world.servers["dev"]
    assert (servers.blue, servers.green, servers.live) == ("1.0.0", "1.1.0", "green")
    assert there(state(world).previous).release == "1.0.0"


def test_every_step_is_recorded_before_and_after_it_ran(world: World) -> None:
    put(world, "1.0.0")
    steps = [(event.kind, event.step) for event in world.dev.ledger.events() if event.kind.startswith("step")]
    assert steps == [(kind, step) for step in FORWARD for kind in ("step started", "step done")]
    assert world.dev.ledger.faults() == ()


def test_a_backup_is_taken_before_anything_is_installed(world: World) -> None:
    databases, seen = world.dev.databases, []
    world.dev.fleet.before_install = world.dev.stack.before_up = lambda: seen.append(len(databases.snapshots))
    done = put(world, "1.0.0")
    assert seen == [1, 1]
    assert done.evidence["backed up"]["snapshot"] == databases.snapshots[0]
    assert world.dev.backups.get(done.evidence["backed up"]["state"]) == world.dev.stack.export()


def test_nothing_is_installed_when_the_snapshot_fails(world: World) -> None:
    world.dev.databases.fail = True
    with pytest.raises(Broken, match="snapshot"):
        put(world, "1.0.0")
    assert (world.dev.stack.ups, world.dev.fleet.asked) == ([], [])
    assert (state(world).blue, state(world).open) == (None, None)


def test_nothing_is_touched_when_the_application_cannot_get_its_role(world: World) -> None:
    world.dev.database_role.fail = True
    with pytest.raises(Broken, match="application role"):
        put(world, "1.0.0")
    assert (world.dev.stack.ups, world.dev.databases.snapshots) == ([], [])
    assert (state(world).blue, state(world).open) == (None, None)


def test_the_role_is_seen_to_before_the_backup(world: World) -> None:
    world.dev.database_role.fail = True
    with pytest.raises(Broken, match="application role"):
        put(world, "1.0.0")
    assert world.dev.databases.snapshots == []
    world.dev.database_role.fail = False
    assert put(world, "1.0.0").evidence["preflight"]["role"] == "was there"


def test_an_up_repeats_to_installers_what_they_did_and_changes_nothing(world: World) -> None:
    answers = world.servers["dev"].answers
    put(world, "1.0.0")
    once = [("i-1", "installed"), ("i-2", "installed"), ("i-1", "unchanged"), ("i-2", "unchanged")]
    assert answers == once
    put(world, "1.1.0")
    assert answers == [*once, *once]


def test_users_have_a_release_also_where_pulumi_cannot_be_run_and_head_says_that_it_was_not_told(world: World) -> None:
    put(world, "1.0.0")
    world.dev.stack.fail_next = ["the backend is gone"]
    done = put(world, "1.1.0")
    assert (done.warnings, world.servers["dev"].live) == (("applied: the backend is gone",), "green")
    assert (users_have(world).release, "has told Pulumi's state since" in state(world).behind) == ("1.1.0", True)
    assert "run: pulumi up --refresh --stack dev, then release drift dev" in status_text(status(STAGELINE, "dev"))
    put(world, "1.2.0")  # whose up tells all of it
    assert (users_have(world).release, state(world).behind) == ("1.2.0", "")


def test_what_waits_to_be_looked_at_is_in_its_slot_and_not_in_pulumis_state(world: World) -> None:
    put(world, "1.0.0")
    ups = len(world.dev.stack.ups)
    put(world, "1.1.0", pause=True)
    assert (world.servers["dev"].green, len(world.dev.stack.ups)) == ("1.1.0", ups)
    assert state(world).behind.startswith("slot green was filled, and no deployment has told Pulumi's state")
    abort(world.dev, OPS, Silent())
    assert (world.servers["dev"].green, state(world).behind) == (None, "")


def test_an_installation_that_was_begun_is_let_go_to_its_end_by_a_signal_and_no_other_begins(world: World) -> None:
    put(world, "1.0.0")
    world.dev.fleet.asked.clear()
    world.dev.fleet.before_order = lambda instance: os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(Interrupted, match=r"1\.1\.0 is not live in dev, users are on 1\.0\.0"):
        put(world, "1.1.0")
    assert world.dev.fleet.asked == ["i-1"]
    assert (state(world).open, world.servers["dev"].green) == (None, None)


def test_the_preview_listener_is_led_to_the_slot_that_is_filled(world: World) -> None:
    """Nobody looks at a release behind a listener that somebody moved by hand."""
    put(world, "1.0.0")
    world.servers["dev"].preview = "blue"
    assert put(world, "1.1.0").slot == "green"


def test_a_release_that_fails_its_smoke_checks_never_goes_live(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke = {"1.3.0"}
    lives = []
    world.dev.fleet.before_install = world.dev.stack.before_up = lambda: lives.append(state(world).declared)
    with pytest.raises(Broken, match="projects: GET /api/projects answered 500"):
        put(world, "1.3.0")
    assert lives == ["blue", "blue"]
    assert (there(state(world).green).release, world.servers["dev"].green) == (None, None)


def test_a_rollback_to_a_slot_that_still_holds_the_release_installs_nothing(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    done = put(world, "1.0.0", kind="rollback")
    assert tuple(done.evidence) == IN_PLACE
    assert (users_have(world).release, there(state(world).previous).release) == ("1.0.0", "1.1.0")


def test_a_rollback_installs_again_when_the_slot_holds_something_else(world: World) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        put(world, version)
    done = put(world, "1.0.0", kind="rollback")
    assert tuple(done.evidence) == INSTALLED_BACK
    assert done.evidence["installed"]["slot"] == "green"
    assert (world.servers["dev"].green, world.servers["dev"].live) == ("1.0.0", "green")


def test_row_02_a_deployment_under_way_is_told_to_the_second_one(world: World) -> None:
    world.publish("1.0.0")
    other = world.publish("1.1.0")

    def second() -> None:
        with pytest.raises(LeaseHeld, match="user/ops on laptop since 2026"):
            deploy(world.dev, proposal(world.dev, other), OPS, Silent())

    world.dev.stack.before_up = second
    put(world, "1.0.0")
    assert users_have(world).release == "1.0.0"


def test_the_lease_is_free_after_a_failure(world: World) -> None:
    world.servers["dev"].fails_to_install = {"1.2.0"}
    with pytest.raises(Broken):
        put(world, "1.2.0")
    assert not there(world.dev.ledger.lease()).held


def test_row_03_a_holder_that_slept_past_its_lease_touches_nothing_more(world: World) -> None:
    def taken_over() -> None:
        world.dev.fleet.before_install = lambda: None
        free, head = world.dev.ledger.free_lease(PATIENT), world.dev.ledger.head()
        world.dev.ledger.begin(Entry(kind="abort requested", state=head.state), head, OPS, free)

    put(world, "1.0.0")
    ups, asked = [*world.dev.stack.ups], [*world.dev.fleet.asked]
    world.dev.fleet.before_install = taken_over
    with pytest.raises(LeaseLost, match="taken over"):
        put(world, "1.1.0")
    assert (world.dev.stack.ups, world.dev.fleet.asked) == (ups, asked)
    assert users_have(world).release == "1.0.0"


def test_a_deployment_pauses_before_its_switch_and_is_resumed_or_put_back(world: World) -> None:
    put(world, "1.0.0")
    paused = put(world, "1.1.0", pause=True)
    assert (paused.paused, paused.url, world.servers["dev"].live) == (True, "http://preview", "blue")
    assert (there(state(world).open).step, "look at http://preview" in there(state(world).open).stopped) == (
        "paused",
        True,
    )
    assert resume(world.dev, OPS, Silent()).version == "1.1.0"
    put(world, "1.2.0", pause=True)
    abort(world.dev, OPS, Silent())
    assert (state(world).open, users_have(world).release) == (None, "1.1.0")


def test_what_follows_the_answer_of_a_rollback_is_a_warning(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    world.servers["dev"].fails_smoke_live = {"1.0.0"}
    world.dev.stack.fail_next = ["the stack is locked"]
    done = put(world, "1.0.0", kind="rollback")
    assert [warning.split(":")[0] for warning in done.warnings] == ["applied", "watched"]
    assert (users_have(world).release, state(world).open) == ("1.0.0", None)
    assert "has told Pulumi's state since" in state(world).behind


def test_a_rollback_starts_what_does_not_run(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    world.servers["dev"].stopped = {"blue"}
    assert tuple(put(world, "1.0.0", kind="rollback").evidence) == STARTED


def test_a_rollback_installs_what_cannot_be_started(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    world.servers["dev"].stopped = {"blue"}
    world.dev.fleet.starts_nothing = True
    assert tuple(put(world, "1.0.0", kind="rollback").evidence) == INSTALLED_BACK


def test_a_rollback_asks_neither_database_nor_bucket_nor_key_before_users_are_back(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    world.dev.database_role.fail = world.dev.databases.fail = True
    gone = replace(world.dev, releases=None, backups=None)  # type: ignore[arg-type]  # who asks them fails
    done = go_back(gone, Request(), OPS, Silent())
    assert (done.version, users_have(world).release, world.servers["dev"].live) == ("1.0.0", "1.0.0", "blue")


def test_a_second_rollback_does_not_lead_forward_unless_it_is_named(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    go_back(world.dev, Request(), OPS, Silent())
    with pytest.raises(Refused, match=r"leads forward; if that is meant, name it: release rollback dev --to 1\.1\.0"):
        go_back(world.dev, Request(), OPS, Silent())
    assert put(world, "1.1.0", kind="rollback").version == "1.1.0"
    assert go_back(world.dev, Request(), OPS, Silent()).version == "1.0.0"


def test_fewer_healthy_servers_than_users_have_are_refused_with_the_numbers_and_overruled_with_a_reason(
    world: World,
) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    world.servers["dev"].ill[("tg-blue", "i-2")] = ("unhealthy", "")
    with pytest.raises(Inconclusive, match="1 servers are healthy, 2 are where users are now"):
        go_back(world.dev, Request(), OPS, Silent())
    assert users_have(world).release == "1.1.0"
    go_back(world.dev, Request(despite=("fewer-servers",), reason="it loses rows"), OPS, Silent())
    assert users_have(world).release == "1.0.0"


def test_a_signal_behind_the_answer_of_a_rollback_closes_it_at_once(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    world.dev.stack.before_up = lambda: os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(Interrupted, match=r"1\.0\.0 is live in dev, what follows is not done"):
        put(world, "1.0.0", kind="rollback")
    assert (users_have(world).release, state(world).open) == ("1.0.0", None)


def test_a_signal_during_an_up_is_acted_on_after_it_and_everything_is_put_back(world: World) -> None:
    put(world, "1.0.0")
    ups = len(world.dev.stack.ups)

    def once() -> None:
        world.dev.stack.before_up = lambda: None
        os.kill(os.getpid(), signal.SIGTERM)

    world.dev.stack.before_up = once
    with pytest.raises(Interrupted, match=r"1\.1\.0 is not live in dev, .*: it was interrupted by SIGTERM") as caught:
        put(world, "1.1.0")
    assert caught.value.signal_number == signal.SIGTERM
    assert len(world.dev.stack.ups) == ups + 2
    assert (state(world).open, users_have(world).release, there(state(world).green).release) == (None, "1.0.0", None)
    assert not there(world.dev.ledger.lease()).held


def test_gates_judged_on_an_older_head_do_not_count(world: World) -> None:
    """Row 9: something else was deployed between the judgement and the beginning."""
    judged = proposal(world.dev, world.publish("1.1.0"))
    put(world, "1.0.0")
    with pytest.raises(LeaseHeld, match="changed while this deployment began"):
        deploy(world.dev, judged, OPS, Silent())
    assert users_have(world).release == "1.0.0"


def test_a_release_is_watched_before_pulumi_is_told_of_it(world: World) -> None:
    """Whoever holds the lock of the stack keeps nobody from seeing that users get something bad."""
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke_live = {"1.1.0"}
    listener_at_ups: list[str | None] = []
    world.dev.stack.before_up = lambda: listener_at_ups.append(world.servers["dev"].live)
    with pytest.raises(VerificationFailed, match=r"users are on 1\.0\.0"):
        put(world, "1.1.0")
    assert listener_at_ups == ["blue"]  # the one that puts its slot back


def test_a_rollback_despite_fewer_servers_moves_the_listener_alone_where_neither_slot_is_healthy(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    world.servers["dev"].silent = {"1.0.0", "1.1.0"}
    proposal = proposal_back(world.dev, Request(despite=("fewer-servers",), reason="their database is down"), Silent())
    assert (proposal.steps, [gate.name for gate in proposal.gates if not gate.passed]) == (IN_PLACE, [])


def test_a_rollback_that_installs_says_of_a_server_it_passed_over_that_it_may_hold_something_else(world: World) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        put(world, version)
    world.servers["dev"].dead = {"i-2"}
    done = put(world, "1.0.0", kind="rollback")
    slot = users_have(world).slot
    assert (users_have(world).release, there(state(world).slot(slot)).unsure) == (
        "1.0.0",
        "env-servers-2 did not answer",
    )
    assert "env-servers-2 did not answer; the load balancer sends nobody there" in done.warnings[0]
    told = status_text(status(STAGELINE, "dev"))
    assert (
        f"slot {slot} may hold something else, find out with: release drift dev (env-servers-2 did not answer" in told
    )


def test_a_lease_that_cannot_be_given_back_does_not_change_the_result(world: World) -> None:
    def broken() -> None:
        raise Broken("DynamoDB is throttled")

    world.dev.ledger.before_return = broken
    assert put(world, "1.0.0").version == "1.0.0"


def test_the_first_event_holds_what_the_decision_rested_on(world: World) -> None:
    gate = Gate(name="verified upstream", passed=True, evidence="1.0.0 was verified there")
    judged = replace(proposal(world.dev, world.publish("1.0.0")), gates=(gate,))
    deploy(world.dev, judged, OPS, Silent())
    requested = world.dev.ledger.event(1)
    assert (requested.kind, requested.details["gates"][0]["evidence"]) == ("promotion requested", gate.evidence)


def test_the_index_tells_by_which_deployment_a_release_was_last_live_and_of_others_nothing(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    again = put(world, "1.0.0", kind="rollback")
    world.publish("9.0.0")
    known = world.dev.ledger.known
    assert (there(known("1.0.0")).live, there(known("1.0.0")).left, known("9.0.0")) == (again.deployment, "", None)
    assert there(known("1.1.0")).left == again.deployment
    assert [lived.release for lived in world.dev.ledger.lives()] == ["1.0.0", "1.1.0", "1.0.0"]


NEW_SCHEMA = Schema(version=7, oldest=3)


@pytest.mark.parametrize(
    ("began", "told", "expected"),
    [
        pytest.param(True, True, NEW_SCHEMA, id="it-began"),
        pytest.param(False, True, None, id="it-did-not"),
        pytest.param(False, False, NEW_SCHEMA, id="nobody-can-tell"),
    ],
)
def test_the_schema_of_a_failed_installation_counts_by_the_servers_word(
    world: World, began: bool, told: bool, expected: Schema | None
) -> None:
    put(world, "1.0.0")
    servers, manifest = world.servers["dev"], world.publish("1.1.0")
    servers.fails_to_install, servers.tells_migrations = {"1.1.0"}, told
    wanted = proposal(world.dev, manifest)

    def migrating() -> None:
        servers.migrated_for = {there(state(world).open).deployment} if began else set()

    world.dev.fleet.before_install = migrating
    with pytest.raises(Broken, match=r"installing 1\.1\.0 failed"):
        deploy(world.dev, replace(wanted, release=wanted.release.but(made_with=NEW_SCHEMA)), OPS, Silent())
    assert (state(world).open, state(world).brought) == (None, expected)


def test_what_failed_before_it_was_installed_brings_no_schema_and_asks_no_server(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].tells_migrations = False
    world.dev.databases.fail = True
    wanted = proposal(world.dev, world.publish("1.1.0"))
    with pytest.raises(Broken, match="snapshot"):
        deploy(world.dev, replace(wanted, release=wanted.release.but(made_with=NEW_SCHEMA)), OPS, Silent())
    assert state(world).brought is None


@pytest.mark.parametrize("named", [None, "1.0.0"], ids=["by-default", "by-name"])
@pytest.mark.parametrize("event", ["step started", "step done"])
@pytest.mark.parametrize("step", IN_PLACE)
def test_a_rollback_that_died_is_repeated_and_never_leads_forward(
    world: World, step: str, event: str, named: str | None
) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    die_after(world, event, step)
    with pytest.raises(Killed):
        go_back(world.dev, Request(), OPS, Silent())
    world.dev.ledger.is_killed = False
    if state(world).open is not None:
        go_back(world.dev, Request(version=named), OPS, Silent())
    servers = world.servers["dev"]
    assert (getattr(servers, there(servers.live)), users_have(world).release, state(world).open) == (
        "1.0.0",
        "1.0.0",
        None,
    )


@pytest.mark.parametrize("kind", ["promotion", "rollback"])
def test_nothing_is_resumed_into_the_slot_that_somebody_moved_users_to(world: World, kind: Kind) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        put(world, version)
    die_after(world, "step started", "installed")
    with pytest.raises(Killed):
        put(world, "1.0.0", kind)
    world.dev.ledger.is_killed = False
    servers = world.servers["dev"]
    servers.live, servers.preview = servers.preview, servers.live
    with pytest.raises(Refused, match="it was moved by hand"):
        resume(world.dev, OPS, Silent())
    assert {servers.blue, servers.green} == {"1.1.0", "1.2.0"}


def test_a_wish_to_end_does_not_stop_who_goes_on_with_a_rollback_that_moved_users(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    die_after(world, "step done", "answered")
    with pytest.raises(Killed):
        go_back(world.dev, Request(), OPS, Silent())
    world.dev.ledger.is_killed = False
    name, cause = there(state(world).open).deployment, Cause(reason="enough", by="ann", at=world.clock())
    world.dev.stops.change("end asked for", lambda stops: asked_to_end(stops, cause, name), OPS, {})
    resume(world.dev, OPS, Silent())
    assert (users_have(world).release, state(world).open) == ("1.0.0", None)


def test_a_server_that_is_out_is_neither_asked_nor_told_as_silent(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    out = Out(server="env-servers-2", reason="no power", by="ops", since="t")
    ledger = world.dev.ledger
    ledger.note(Entry(kind="note", state=state(world).but(out=(out,))), ledger.head(), OPS)
    world.servers["dev"].dead = {"i-2"}
    world.servers["dev"].fails_smoke = {"1.2.0"}
    with pytest.raises(VerificationFailed) as caught:
        put(world, "1.2.0")
    assert ("did not answer" in caught.value.hint, there(state(world).blue).unsure) == (False, "")


def other_bytes(world: World, version: str) -> Manifest:
    """A version of which dev has other bytes now, as after its bucket was lost."""
    bucket = world.dev.settings.names.artifact_bucket
    aws_client("s3").delete_object(Bucket=bucket, Key=manifest_key(version))
    return world.publish(version, content="other bytes")


def test_a_rollback_goes_to_the_bytes_that_were_verified_and_not_to_others_of_their_version(world: World) -> None:
    good = put(world, "0.9.0").digest
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    tried = other_bytes(world, "0.9.0")
    world.servers["dev"].fails_smoke = {"0.9.0"}
    with pytest.raises(VerificationFailed):
        deploy(world.dev, proposal(world.dev, tried), OPS, Silent())
    world.servers["dev"].fails_smoke = set()
    assert put(world, "0.9.0", kind="rollback").digest == good != tried.digest


def failed_gates(world: World, version: str) -> list[str]:
    gates = proposal_into(world.qa, version, Route(source=None, target="qa"), Silent()).gates
    return [gate.name for gate in gates if not gate.passed]


def test_what_a_rollback_flees_from_is_promoted_nowhere_from_its_first_event_on(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    seen = {str(failed_gates(world, "1.1.0"))}
    before = seen.copy()
    world.dev.ledger.before_append = lambda entry: seen.add(str(failed_gates(world, "1.1.0")))
    put(world, "1.0.0", kind="rollback")
    assert (before, seen - before) == ({"[]"}, {"['verified upstream']"})
    assert failed_gates(world, "1.1.0") == ["verified upstream"]


def test_a_rollback_leaves_what_was_tried_again_where_it_takes_over(world: World) -> None:
    for version in ("1.1.0", "1.0.0"):
        put(world, version)
    world.servers["dev"].unreachable = {"1.1.0"}
    with pytest.raises(Inconclusive):
        put(world, "1.1.0")
    assert failed_gates(world, "1.1.0") == []
    back = go_back(world.dev, Request(), OPS, Silent())
    assert (back.version, there(world.dev.ledger.known("1.1.0")).left) == ("1.0.0", back.deployment)
    assert failed_gates(world, "1.1.0") == ["verified upstream"]
