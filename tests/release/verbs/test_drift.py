"""How `release drift` ends, by what was found and what could not be asked."""

from dataclasses import asdict
from typing import Any

import pytest

from release.comparison.drift import of_refresh
from release.errors import Inconclusive, Refused
from release.verbs.drift import drift_text, refuse_drift

FINDING = {"where": "env-lb-live", "what": "port", "expected": "80", "found": "81"}
UNASKED = {"part": "env-servers-1", "why": "cannot log in to 10.0.0.5: refused"}


def report(*, findings: tuple[Any, ...] = (), unasked: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {"environment": "dev", "findings": list(findings), "unasked": list(unasked)}


def test_without_drift_it_is_done_and_says_so() -> None:
    refuse_drift(report())
    assert drift_text(report()) == "dev is as it is declared, in AWS and on its servers"


@pytest.mark.parametrize("unasked", [(), (UNASKED,)], ids=["all-asked", "a-part-not-asked"])
def test_drift_is_refused_also_when_a_part_could_not_be_asked(unasked: tuple[Any, ...]) -> None:
    with pytest.raises(Refused, match="dev is not as it is declared, differences: 1"):
        refuse_drift(report(findings=(FINDING,), unasked=unasked))


def test_what_pulumi_counts_and_does_not_name_is_drift_too_and_the_way_to_see_it_is_told() -> None:
    (finding,) = of_refresh({"steps": [], "changeSummary": {"same": 114, "update": 2}})
    with pytest.raises(Refused, match="dev is not as it is declared, differences: 1") as caught:
        refuse_drift(report(findings=(asdict(finding),)))
    assert caught.value.exit_code == 3
    assert "pulumi refresh --stack dev --preview-only --diff" in caught.value.hint
    assert drift_text(report(findings=(asdict(finding),))).splitlines()[1].endswith("0         2")


def test_a_part_that_could_not_be_asked_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="dev could not be asked in full: env-servers-1"):
        refuse_drift(report(unasked=(UNASKED,)))


def test_findings_and_what_was_not_asked_are_listed() -> None:
    shown = drift_text(report(findings=(FINDING, {**FINDING, "found": "x" * 100}), unasked=(UNASKED,))).splitlines()
    assert shown[1].split() == ["env-lb-live", "port", "80", "81"]
    assert shown[2].endswith("x…")
    assert shown[3] == "not asked: env-servers-1: cannot log in to 10.0.0.5: refused"
