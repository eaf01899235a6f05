"""A deployment that stopped half-way: what resume goes on with, what stays open, and what follows a failed verdict."""

from datetime import timedelta

import pytest

from release.deployment.executor import abort, resume
from release.deployment.plan import ALL_STEPS
from release.errors import Broken, Inconclusive, LeaseHeld, Refused, VerificationFailed
from release.verbs.resume import resume as resume_verb
from release.verbs.resume import resume_plan
from release.verbs.veto import veto
from release.verification.probe import Answer
from tests.release.deployment.test_executor import Silent, kill_during_up, put, state
from tests.release.world import OPS, ROOT, World


def later(world: World) -> None:
    world.clock.time += timedelta(hours=1)


def unreachable(world: World, url: str) -> None:
    """From here the listener cannot be reached: nothing is known of the release."""
    probe, asked = world.dev.verification._probe, world.dev.verification._probe.send

    def send(base: str, request):
        if base == url:
            return Answer(status=0, body="ConnectionRefusedError", milliseconds=0)
        return asked(base, request)

    probe.send = send


def reachable_again(world: World) -> None:
    del world.dev.verification._probe.send


def test_a_killed_deployment_goes_on_with_the_step_that_it_stopped_in(world: World) -> None:
    put(world, "1.0.0")
    kill_during_up(world, "1.1.0")
    with pytest.raises(LeaseHeld):
        resume(world.dev, OPS, Silent())
    later(world)
    done = resume(world.dev, OPS, Silent())
    assert list(done.evidence) == list(ALL_STEPS[ALL_STEPS.index("installed") :])
    assert (state(world).live.release, state(world).open, world.servers["dev"].live) == ("1.1.0", None, "green")
    assert len(world.dev.databases.snapshots) == 2
    assert world.dev.ledger.faults() == ()


def test_what_a_killed_deployment_left_running_is_ended_first_and_recorded(world: World) -> None:
    put(world, "1.0.0")
    kill_during_up(world, "1.1.0")
    later(world)
    world.dev.leftovers.running = ["pulumi", "pulumi-language-python"]
    resume(world.dev, OPS, Silent())
    [event] = [event for event in world.dev.ledger.events() if event.kind == "leftovers ended"]
    assert event.details == {"programs": ["pulumi", "pulumi-language-python"]}


def test_without_an_open_deployment_there_is_nothing_to_resume(world: World) -> None:
    with pytest.raises(Refused, match="no deployment is open in dev"):
        resume(world.dev, OPS, Silent())


def test_a_deployment_that_is_being_put_back_is_not_resumed(world: World) -> None:
    put(world, "1.0.0")
    world.dev.stack.fail_next = ["AWS is down", "AWS is still down"]
    with pytest.raises(Broken):
        put(world, "1.1.0")
    with pytest.raises(Refused, match=r"1\.1\.0 is being put back; end that with: release abort dev"):
        resume(world.dev, OPS, Silent())
    plan, steps = resume_plan(ROOT, "dev")
    assert (plan.version, steps) == ("1.1.0", ())


def test_a_release_that_was_vetoed_meanwhile_is_not_resumed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world, "1.0.0")
    kill_during_up(world, "1.1.0")
    monkeypatch.setenv("PATH", f"{world.folder}:/usr/bin:/bin")
    (world.folder / "pulumi").write_text("")
    (world.folder / "pulumi").chmod(0o755)
    veto(ROOT, "1.1.0", reason="loses rows", ci="")
    with pytest.raises(Refused, match=r"1\.1\.0 is vetoed by .*: loses rows"):
        resume_verb(ROOT, "dev", ci="", progress=Silent())
    assert state(world).open.step == "installed"


def test_a_failed_verdict_behind_the_switch_holds_the_environment_and_vetoes_the_release(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke_live = {"1.4.0"}
    with pytest.raises(VerificationFailed, match=r"1\.4\.0 is not live in dev.*dev is on hold and 1\.4\.0 is vetoed"):
        put(world, "1.4.0")
    after = state(world)
    assert (after.open, after.live.release, after.declared) == (None, "1.0.0", "blue")
    assert "1.4.0 failed behind the live listener" in after.hold.reason
    assert [(one.release, one.by) for one in after.vetoes] == [("1.4.0", OPS.principal)]


def test_a_failed_verdict_before_the_switch_stops_nobody(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke = {"1.3.0"}
    with pytest.raises(VerificationFailed):
        put(world, "1.3.0")
    assert (state(world).hold, state(world).vetoes, state(world).open) == (None, (), None)


def test_what_could_not_be_told_behind_the_switch_stays_open_and_is_resumed(world: World) -> None:
    put(world, "1.0.0")
    unreachable(world, "http://live")
    with pytest.raises(
        Inconclusive, match=r"1\.1\.0 answers in dev, but is not verified.*release resume dev.*abort dev"
    ):
        put(world, "1.1.0")
    opened = state(world).open
    assert (opened.step, opened.stopped.split(":")[0], state(world).hold) == ("switched", "inconclusive", None)
    assert (world.servers["dev"].live, state(world).live.release) == ("green", "1.0.0")
    reachable_again(world)
    resume(world.dev, OPS, Silent())
    assert (state(world).live.release, state(world).open) == ("1.1.0", None)


def test_what_could_not_be_told_behind_the_switch_may_be_aborted(world: World) -> None:
    put(world, "1.0.0")
    unreachable(world, "http://live")
    with pytest.raises(Inconclusive):
        put(world, "1.1.0")
    reachable_again(world)
    abort(world.dev, OPS, Silent())
    assert (state(world).live.release, state(world).open, world.servers["dev"].live) == ("1.0.0", None, "blue")
    assert (state(world).hold, state(world).vetoes) == (None, ())


def test_a_failed_rollback_is_not_rolled_back(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    world.servers["dev"].fails_smoke_live = {"1.0.0"}
    with pytest.raises(VerificationFailed, match=r"release resume dev"):
        put(world, "1.0.0", kind="rollback")
    assert (state(world).open.step, world.servers["dev"].live) == ("watched", "blue")
    world.servers["dev"].fails_smoke_live = set()
    assert resume(world.dev, OPS, Silent()).version == "1.0.0"


def test_a_redeployment_moves_the_live_release_to_the_other_slot_and_keeps_the_way_back(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    done = put(world, "1.1.0", kind="redeployment")
    assert (done.slot, world.servers["dev"].blue, world.servers["dev"].live) == ("blue", "1.1.0", "blue")
    assert (state(world).live.release, state(world).previous.release) == ("1.1.0", "1.0.0")


def test_a_manifest_of_other_bytes_than_the_plan_is_not_resumed(world: World) -> None:
    put(world, "1.0.0")
    kill_during_up(world, "1.1.0")
    later(world)
    other = world.dev.releases.get("1.0.0")
    world.dev.releases.get = lambda version: other
    with pytest.raises(Refused, match=r"1\.1\.0 has other bytes than when dev-.* began"):
        resume(world.dev, OPS, Silent())
