"""Every part of a cloud has a line, and one that has crashed says what to do."""

from typing import Any

import pytest

from local.background import Standing, State
from local.showing import as_json, lines, problems, sentence

PARTS: dict[str, Any] = {
    "services": {"name": "watching", "state": "running"},
    "load_balancers": {"name": "live", "address": "127.9.1.1", "ports": [], "state": "running"},
    "databases": {"id": "dev-db", "address": "127.9.2.1", "port": 5432, "state": "running"},
    "servers": {"id": "i-1", "name": "dev-1", "address": "127.9.3.1", "state": "running"},
}
STATUS: dict[str, Any] = {"url": "http://127.9.0.1:4566", "pace": 1.0, "faults": []}
SENTENCES = {
    State.DOWN: "the local cloud is down",
    State.KEPT: "kept since now: `local-cloud up` continues",
    State.CRASHED: "its state is lost",
}


def status(**changed: dict[str, Any]) -> dict[str, Any]:
    return {**STATUS, **{name: [{**part, **changed.get(name, {})}] for name, part in PARTS.items()}}


def test_a_cloud_whose_parts_all_run_has_no_problem() -> None:
    assert problems(status()) == []


@pytest.mark.parametrize("part", PARTS)
def test_a_crashed_part_is_named_in_one_line_with_what_to_do(part: str) -> None:
    (problem,) = problems(status(**{part: {"state": "crashed", "error": "killed by signal 9"}}))
    assert str(PARTS[part].get("id") or PARTS[part]["name"]) in problem
    assert "has crashed (killed by signal 9): `local-cloud logs" in problem
    assert "\n" not in problem


@pytest.mark.parametrize("state", ["stopped", "faulty", "broken", "pending"])
def test_what_was_stopped_or_broken_on_purpose_is_no_problem(state: str) -> None:
    assert problems(status(servers={"state": state}, databases={"state": state})) == []


def test_a_state_is_shown_where_it_is() -> None:
    shown = "\n".join(lines(status(load_balancers={"state": "crashed"}, databases={"state": "stopped"})))
    assert "live: no port yet, crashed" in shown
    assert "dev-db: port 5432, stopped" in shown
    assert "pace 1" in shown


def test_a_fault_is_shown() -> None:
    assert any("f1" in line and "clock" in line for line in lines({**status(), "faults": [fault("clock", "")]}))


@pytest.mark.parametrize("state", SENTENCES)
def test_a_cloud_that_is_not_up_says_how_it_stands(state: State) -> None:
    standing = Standing(state=state, since="now" if state is State.KEPT else "")
    assert SENTENCES[state] in sentence(standing)
    assert as_json(standing)["up"] is False


def fault(kind: str, target: str) -> dict[str, str]:
    return {"id": "f1", "kind": kind, "target": target}
