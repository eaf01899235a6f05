"""`release policies`: what people need who make the roles themselves."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from release.cli import release
from release.verbs.policies import policies_of
from settings.permissions.identities import PARTIES
from settings.stackfile import Project, load
from tests.project import PROJECT

ANN = "arn:aws:iam::123456789012:user/ann"


def test_all_parties_are_printed_with_the_boundary_that_they_need() -> None:
    report = policies_of(Project(PROJECT), "prod", None)
    assert set(report["roles"]) == set(PARTIES)
    assert report["boundary"]["arn"] == "arn:aws:iam::123456789012:policy/stageline/prod/access/stageline-prod-boundary"
    assert {one["Effect"] for one in report["boundary"]["policy"]["Statement"]} == {"Allow", "Deny"}


def test_one_party_is_printed_as_json() -> None:
    done = CliRunner().invoke(release, ["--project", str(PROJECT), "policies", "qa", "--for", "approver", "--json"])
    (role,) = json.loads(done.stdout)["roles"].items()
    assert role[0] == "approver"
    assert role[1]["arn"] == "arn:aws:iam::123456789012:role/stageline/qa/access/stageline-qa-approver"
    assert role[1]["policies"] != []


def test_people_see_who_may_become_whom() -> None:
    done = CliRunner().invoke(release, ["--project", str(PROJECT), "policies", "prod"])
    ci = next(line for line in done.stdout.splitlines() if line.startswith("ci "))
    assert ci.split(maxsplit=3)[1::2] == [
        "arn:aws:iam::123456789012:role/stageline/prod/access/stageline-prod-ci",
        "nobody yet",
    ]
    assert "stageline-prod-boundary" in done.stdout.splitlines()[-1]


def test_who_is_trusted_is_what_the_stack_file_says(tmp_path: Path) -> None:
    file = "Pulumi.dev.yaml"
    (tmp_path / "Pulumi.yaml").write_text((PROJECT / "Pulumi.yaml").read_text())
    text = (PROJECT / file).read_text()
    assert "repository: null" in text
    (tmp_path / file).write_text(text.replace("repository: null", "repository: octo/shop"))
    roles = policies_of(Project(tmp_path), "dev", None)["roles"]
    assert "repo:octo/shop:environment:dev" in json.dumps(roles["ci"]["trust"])
    assert [roles[party]["trust"] for party in ("approver", "operator", "pruner")] == [None, None, None]


def test_people_see_which_tokens_of_github_are_trusted(tmp_path: Path) -> None:
    file = "Pulumi.dev.yaml"
    (tmp_path / "Pulumi.yaml").write_text((PROJECT / "Pulumi.yaml").read_text())
    (tmp_path / file).write_text((PROJECT / file).read_text().replace("repository: null", "repository: octo@1/shop@2"))
    done = CliRunner().invoke(release, ["--project", str(tmp_path), "policies", "dev", "--for", "ci"])
    assert "repo:octo/shop:environment:dev or repo:octo@1/shop@2:environment:dev" in done.stdout


def test_people_see_beside_themselves_the_workflows_that_are_trusted(tmp_path: Path) -> None:
    file = "Pulumi.dev.yaml"
    (tmp_path / "Pulumi.yaml").write_text((PROJECT / "Pulumi.yaml").read_text())
    text = (PROJECT / file).read_text().replace("operators: []", f"operators: [{ANN}]\n    workflows: [operator]")
    (tmp_path / file).write_text(text.replace("repository: null", "repository: octo/shop"))
    done = CliRunner().invoke(release, ["--project", str(tmp_path), "policies", "dev", "--for", "operator"])
    assert f"{ANN}, repo:octo/shop:environment:dev_operator" in done.stdout


def test_roles_that_deploy_may_be_held_longer() -> None:
    roles = policies_of(Project(PROJECT), "prod", None)["roles"]
    assert {party: roles[party]["maxSessionSeconds"] for party in ("approver", "ci", "operator", "pruner")} == {
        "approver": 3600,
        "ci": 14400,
        "operator": 14400,
        "pruner": 3600,
    }


def test_an_administrator_is_no_role_of_the_environment() -> None:
    assert set(policies_of(Project(PROJECT), "prod", "administrator")["roles"]["administrator"]) == {"policies"}


@pytest.mark.parametrize("environment", ["dev", "qa", "staging", "prod"])
def test_every_environment_has_its_own(environment: str) -> None:
    text = json.dumps(policies_of(Project(PROJECT), environment, None))
    assert load(PROJECT, environment).names.ledger_table in text
