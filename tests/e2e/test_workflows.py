"""The commands of jobs, run in the local cloud as they stand in the workflows: only what a runner fills in is ours.

What they use of others' is left out: the checkout is the clone, and the shell of a user of the local cloud has
credentials and the state's place already.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from local.control import ask
from local.demo import Cloud, bring_up
from local.paths import CODE
from tests.e2e.clone import changed, client, head, ledger_item, running_cloud
from tests.workflows.files import filled, job

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")  # GitHub's `shell: bash`
GH = """#!/usr/bin/env bash
case "$2" in --paginate) ;; *) cp "${6#body=@}" said ;; esac
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """dev and qa are up, in a clone that has what a checkout has; `gh` keeps what it is to say."""
    folder = tmp_path_factory.mktemp("workflows") / "clone"
    with running_cloud(folder) as cloud:
        for name in (".ci", "policy"):
            shutil.copytree(CODE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name, target in {".venv": Path(sys.prefix), "examples": CODE / "examples", "build": CODE / "build"}.items():
            (folder / name).symlink_to(target)
        (folder / "gh").write_text(GH)
        (folder / "gh").chmod(0o755)
        open_doors(cloud)
        for name in ("dev", "qa"):
            bring_up(cloud, name)
        yield changed(cloud, PATH=f"{folder}{os.pathsep}{cloud.variables['PATH']}")


def open_doors(cloud: Cloud) -> None:
    """Of dev alone: what qa does is as without."""
    file = cloud.paths.work / "Pulumi.dev.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"]["stageline:access"]["open_door"] = True
    file.write_text(yaml.safe_dump(content, sort_keys=False))


def run(cloud: Cloud, place: str, context: Mapping[str, str], **told_before: str) -> dict[str, str]:
    """Run a job's own steps one after the other; what they told the jobs that come later."""
    one, told = job(place), cloud.paths.project / "told"
    told.write_text("")
    for step in one.steps:
        if "run" in step:
            said = {name: filled(value, context) for name, value in (one.environment | step.get("env", {})).items()}
            done = subprocess.run(
                [*SHELL, step["run"]],
                cwd=cloud.paths.project,
                env={
                    **cloud.variables,
                    **told_before,
                    **said,
                    "GITHUB_OUTPUT": str(told),
                    "GITHUB_REPOSITORY": "octo/shop",
                },
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{step['run']}: {done.stdout}{done.stderr}"
    return dict(line.split("=", 1) for line in told.read_text().splitlines())


def live(cloud: Cloud, environment: str) -> str | None:
    found = head(cloud, environment)["state"]["live"]
    return found and str(found["release"])


def test_what_is_merged_goes_to_dev_by_hand_to_qa_and_waits_there_as_the_candidate(cloud: Cloud) -> None:
    merged = {"vars.STAGELINE_SERIES || '1.0'": "1.0", "github.run_number": "57", "github.sha": COMMIT}
    ask(cloud.paths.control, {"do": "calls", "reset": True})
    run(cloud, "merge/dev", merged, DOOR="198.51.100.7")
    assert live(cloud, "dev") == "1.0.57"
    called = set(ask(cloud.paths.control, {"do": "calls", "reset": True})["calls"])
    assert {"ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"} <= called, "the runner was let in"
    rules = client(cloud, "ec2").describe_security_group_rules()["SecurityGroupRules"]
    assert [rule for rule in rules if rule.get("CidrIpv4") == "198.51.100.7/32"] == []
    run(cloud, "promote/promote", {"inputs.version": "1.0.57", "inputs.environment": "qa"})
    assert live(cloud, "qa") == "1.0.57"
    told = run(cloud, "staging/freeze", {"github.event_name": "workflow_dispatch"})
    assert (told["due"], told["version"]) == ("true", "1.0.57")
    stops = ledger_item(cloud, "qa", "STOPS")
    assert stops is not None and "candidate for staging" in str(stops)


def test_the_hourly_job_finds_nothing_to_do_and_says_so(cloud: Cloud) -> None:
    run(cloud, "tick/tick", {"matrix.environment": "dev"})


def test_a_stack_file_is_applied_and_its_preview_stands_under_the_pull_request(cloud: Cloud) -> None:
    run(cloud, "merge/apply", {"matrix.environment": "dev"})
    event = {"matrix.environment": "dev", "github.event.number": "7", "github.token": "none"}
    run(cloud, "preview/preview", event)
    comment = (cloud.paths.project / "said").read_text()
    assert comment.startswith("### Preview of dev\n") and "Policy" in comment
