"""What verbs that deploy show: every gate and exactly the steps, and no line that others forged."""

import pytest

from release.deployment_text import plan_text, proposal_report, show_deployed, show_plan
from release.process.errors import Refused
from release.rules.lanes import IN_PLACE
from release.verbs.rollback import Request, proposal_back
from release.work.executor import Deployed
from tests.release.deploying import CALL, Silent, put, to_qa
from tests.release.world import World


def test_a_plan_shows_every_gate_and_exactly_the_steps_that_would_run(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    planned = proposal_report(world.dev, proposal_back(world.dev, Request(), Silent()))
    assert [one["step"] for one in planned["steps"]] == list(IN_PLACE)
    text = plan_text(planned)
    assert text.startswith(
        "rollback of 1.0.0 to dev\ngates:\n  yes  1.0.0 must have been live and verified in dev before"
    )
    assert "1. switched: one call: the live listener to slot blue" in text
    assert "3. applied: pulumi up: so that Pulumi's state says the same (a failure is a warning)" in text
    before = world.dev.ledger.head()
    assert (world.dev.ledger.head(), len(world.dev.stack.ups)) == (before, 2)


def test_the_evidence_of_a_gate_forges_no_other_gate() -> None:
    gate = {"name": "no hold", "passed": False, "evidence": "on hold: x\n  yes  nothing is wrong\x1b[2J"}
    planned = {"kind": "promotion", "release": "1.0.0", "environment": "dev", "gates": [gate], "steps": []}
    assert plan_text(planned).splitlines()[2] == r"  NO   on hold: x yes nothing is wrong\x1b[2J (no hold)"


def test_a_plan_that_a_gate_refuses_is_shown_and_refused(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    put(world, "1.0.0", pause=True)
    with pytest.raises(Refused, match=r"the promotion of 1\.0\.0 to qa"):
        show_plan(CALL, world.qa, to_qa())
    assert "  NO   " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("paused", "warnings", "shown"),
    [
        pytest.param(False, (), ["1.0.0 is live again in dev: http://live"], id="live"),
        pytest.param(
            False,
            ("no snapshot", "not applied"),
            ["1.0.0 is live again in dev: http://live", "warning: no snapshot", "warning: not applied"],
            id="with-warnings",
        ),
        pytest.param(
            True,
            (),
            [
                "1.0.0 waits in dev for you to look: http://live; go on with: release resume dev, or put it back with: "
                "release abort dev"
            ],
            id="paused",
        ),
    ],
)
def test_what_is_live_or_waits_is_shown_with_a_line_for_each_warning(
    paused: bool, warnings: tuple[str, ...], shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    done = Deployed(
        environment="dev",
        deployment="dev-1",
        version="1.0.0",
        digest="d",
        slot="blue",
        url="http://live",
        evidence={},
        warnings=warnings,
        paused=paused,
    )
    show_deployed(CALL, done, how="live again")
    assert capsys.readouterr().out.splitlines() == shown
