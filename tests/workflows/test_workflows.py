"""What the workflows may do, and to whom: read from the files, since only GitHub runs them as they are."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from settings.permissions.identities import PARTIES
from settings.permissions.policies import github_environment
from settings.stackfile import environments
from tests.docs.commands import run_fault
from tests.docs.pages import commands
from tests.project import PROJECT
from tests.workflows.files import EXPRESSION, FILES, ON, ROOT, Job, filled, job, jobs, read, steps

PINNED = re.compile(r"uses: (?:\./\.github/actions/[a-z-]+|[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$")
SCRIPT = re.compile(r"\.ci/[a-z-]+")
DOOR = '${DOOR:+--open-door "$DOOR"}'
VARIABLE = re.compile(r"\$\{?[A-Za-z_]+(?:#v)?\}?")
COMMAND_IN_TEXT = re.compile(r"\$\([^()]*\)")
AT_WORK = "./.github/actions/at-work"
DROPPABLE = ("merge/changed", "tick/tick", "preview/preview")  # one that is dropped is made up for by the next
OF_THE_TEAM = "github.event.pull_request.head.repo.full_name == github.repository"
MAY: Mapping[str, set[str]] = {"contents": {"read"}, "id-token": {"write"}, "pull-requests": {"write"}}

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
every_job = pytest.mark.parametrize("one", jobs(), ids=lambda one: one.place)
at_work = pytest.mark.parametrize(
    "one", [one for one in jobs() if any(step.get("uses") == AT_WORK for step in one.steps)], ids=lambda one: one.place
)


@every_file
def test_foreign_actions_are_pinned_to_a_commit_and_say_of_which_version(file: Any) -> None:
    used = [line.strip(" -") for line in file.read_text().splitlines() if line.strip(" -").startswith("uses:")]
    assert [line for line in used if not PINNED.fullmatch(line)] == []


@every_file
def test_no_script_has_anything_pasted_into_it(file: Any) -> None:
    """A branch may be named `$(…)`: what GitHub knows reaches a script by variables alone."""
    assert [step["run"] for _, step in steps() if EXPRESSION.search(step.get("run", ""))] == []


@every_job
def test_a_job_may_do_only_what_it_says(one: Job) -> None:
    assert one.workflow["permissions"] == {}
    assert {name for name, level in one.job["permissions"].items() if level not in MAY[name]} == set()


@every_job
def test_a_job_does_nothing_until_it_is_switched_on(one: Job) -> None:
    first = one.workflow["jobs"].get(one.job.get("needs"), {})
    assert any("vars.STAGELINE == 'on'" in job.get("if", "") for job in (one.job, first))


@every_job
def test_a_failure_in_the_middle_of_a_pipe_is_one(one: Job) -> None:
    assert one.workflow["defaults"]["run"]["shell"] == "bash"


@every_job
def test_no_job_keeps_a_token_of_git(one: Job) -> None:
    checkouts = [step for step in one.steps if "checkout" in step.get("uses", "")]
    assert checkouts != [] and all(step["with"]["persist-credentials"] is False for step in checkouts)


@every_job
def test_a_pull_request_of_a_fork_gets_no_job(one: Job) -> None:
    events = one.workflow[ON]
    assert "pull_request_target" not in events and "workflow_run" not in events
    assert "pull_request" not in events or OF_THE_TEAM in one.job["if"]


@at_work
def test_credentials_are_of_a_party_in_an_environment_of_github_that_is_its_own(one: Job) -> None:
    """AWS knows a job by that environment only, so another one would be refused there."""
    (wanted,) = [step["with"] for step in one.steps if step.get("uses") == AT_WORK]
    party = wanted.get("party", "ci")
    assert one.job["permissions"]["id-token"] == "write" and party in PARTIES
    assert one.job["environment"] == github_environment(party, wanted["environment"])


@at_work
def test_a_job_at_work_is_never_cancelled_by_another_one(one: Job) -> None:
    assert one.concurrency["group"] and one.concurrency["cancel-in-progress"] is False


@pytest.mark.parametrize("one", [one for one in jobs() if one.place not in DROPPABLE], ids=lambda one: one.place)
def test_what_changes_an_environment_waits_in_a_queue_that_drops_nothing(one: Job) -> None:
    assert one.concurrency["queue"] == "max"


@pytest.mark.parametrize(
    ("place", "context", "group"),
    [
        pytest.param("merge/dev", {}, "deploy-dev", id="a merge"),
        pytest.param("merge/apply-dev", {}, "deploy-dev", id="its stack file"),
        pytest.param("merge/apply", {"matrix.environment": "prod"}, "deploy-prod", id="another's stack file"),
        pytest.param("promote/promote", {"inputs.environment": "qa"}, "deploy-qa", id="by hand"),
        pytest.param("staging/freeze", {}, "deploy-qa", id="a freeze"),
        pytest.param("staging/promote", {}, "deploy-staging", id="the candidate"),
        pytest.param("prod/verified", {}, "deploy-prod", id="a release"),
    ],
)
def test_all_that_changes_an_environment_waits_in_one_queue(place: str, context: dict[str, str], group: str) -> None:
    assert filled(job(place).concurrency["group"], context) == group


def test_promotions_also_wait_for_people_at_work() -> None:
    lines = [line for _, step in steps() for line in step.get("run", "").splitlines() if "release promote" in line]
    assert len(lines) == 4
    assert [line for line in lines if "--wait " not in line] == []


def test_whatever_deploys_lets_its_runner_in() -> None:
    lines = [line for _, step in steps() for line in step.get("run", "").splitlines()]
    deploying = [line for line in lines if "release promote" in line or "release resume" in line]
    assert len(deploying) == 5
    assert [line for line in deploying if DOOR not in line] == []


def test_prod_pauses_before_users_get_it_and_goes_on_in_a_job_that_reviewers_let() -> None:
    verified, live = job("prod/verified"), job("prod/live")
    assert any("--until verified" in step.get("run", "") for step in verified.steps)
    assert any("release resume prod" in step.get("run", "") for step in live.steps)
    assert (live.job["needs"], live.job["environment"]) == ("verified", "prod")


@every_job
def test_every_command_of_release_can_be_run_as_it_stands(one: Job) -> None:
    lines = [plain(line) for step in one.steps for line in step.get("run", "").splitlines()]
    found = [words for line in lines for words in commands(line)]
    assert [fault for words in found if (fault := run_fault(words))] == []


def test_every_script_that_is_called_is_there_and_can_be_run() -> None:
    named = {name for _, step in steps() for name in SCRIPT.findall(step.get("run", ""))}
    assert [name for name in named if not (ROOT / name).stat().st_mode & 0o100] == []
    there = {str(file.relative_to(ROOT)) for file in (ROOT / ".ci").iterdir()}
    assert there - named == {".ci/run"}


@pytest.mark.parametrize("place", ["tick/tick", "preview/preview"])
def test_every_environment_has_its_turn(place: str) -> None:
    assert tuple(job(place).job["strategy"]["matrix"]["environment"]) == environments(PROJECT)


def test_by_hand_every_environment_can_be_chosen() -> None:
    (file,) = [file for file in FILES if file.name == "promote.yml"]
    assert tuple(read(file)[ON]["workflow_dispatch"]["inputs"]["environment"]["options"]) == environments(PROJECT)


def plain(line: str) -> str:
    """A line of a script whose variables and inner commands have a value that any option takes."""
    line = line.replace(DOOR, "--open-door 198.51.100.7")
    return VARIABLE.sub("1.0.0", COMMAND_IN_TEXT.sub("2099-01-01T00:00Z", line)).split(" | ")[0].split(" >> ")[0]
