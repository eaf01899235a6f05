"""What stands, and which deployments it stops."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.process.errors import StagelineError
from release.records.ledger.head import State
from release.records.ledger.stops import Cause, Stops, asked_to_end, frozen, held, vetoed
from release.rules.lanes import FORWARD, IN_PLACE, Kind
from release.rules.plan import Plan, content_of, make_plan
from release.rules.wanted import Held, Unwanted, refuse_stopped
from tests.release.values import digest, manifest

NOW = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
CAUSE = Cause(reason="loses rows", by="ops", at=NOW)
STOPS: dict[str, tuple[Stops, type[StagelineError] | None, type[StagelineError] | None]] = {
    "nothing": (Stops(), None, None),
    "veto": (vetoed(Stops(), CAUSE, release="1.1.0", digest=digest("1.1.0")), Unwanted, None),
    "veto of other bytes": (vetoed(Stops(), CAUSE, release="1.1.0", digest="f" * 64), None, None),
    "hold": (held(Stops(), CAUSE), Held, None),
    "freeze": (frozen(Stops(), CAUSE, NOW + timedelta(seconds=1)), Held, None),
    "freeze that is over": (frozen(Stops(), CAUSE, NOW), None, None),
    "wish": (asked_to_end(Stops(), CAUSE, "dev-1"), Unwanted, Unwanted),
    "wish for another": (asked_to_end(Stops(), CAUSE, "dev-0"), None, None),
    "hold and wish": (asked_to_end(held(Stops(), CAUSE), CAUSE, "dev-1"), Unwanted, Unwanted),
    "hold and veto": (vetoed(held(Stops(), CAUSE), CAUSE, release="1.1.0", digest=digest("1.1.0")), Unwanted, None),
}


def plan(kind: Kind) -> Plan:
    steps = IN_PLACE if kind == "rollback" else FORWARD
    release = content_of(manifest("1.1.0"))
    return make_plan(
        deployment="dev-1", kind=kind, environment="dev", release=release, steps=steps, state=State(), reason=""
    )


def refused(stops: Stops, kind: Kind) -> type[StagelineError] | None:
    try:
        refuse_stopped(stops, plan(kind), NOW)
    except StagelineError as error:
        assert "ops" in str(error) and "loses rows" in str(error)
        return type(error)
    return None


@pytest.mark.parametrize(("stops", "forward", "back"), STOPS.values(), ids=STOPS)
@pytest.mark.parametrize("kind", ["promotion", "hotfix", "redeployment", "rollback"])
def test_what_stands_stops_a_deployment_by_the_rule(
    stops: Stops, forward: type[StagelineError] | None, back: type[StagelineError] | None, kind: Kind
) -> None:
    assert refused(stops, kind) is (back if kind == "rollback" else forward)


@given(st.lists(st.sampled_from([stops for stops, _, back in STOPS.values() if back is None]), max_size=3))
def test_no_stop_but_the_wish_that_it_ends_keeps_users_from_going_back(several: list[Stops]) -> None:
    together = Stops()
    for one in several:
        together = together.but(
            hold=one.hold or together.hold,
            freeze=one.freeze or together.freeze,
            vetoes=(*together.vetoes, *one.vetoes),
            ending=one.ending or together.ending,
        )
    assert refused(together, "rollback") is None
