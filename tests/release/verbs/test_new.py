"""`release new`: a project's name and stack files from a few answers, all of which are judged first."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from release.cli import release
from release.doors.project_files import ProjectFiles
from release.process.errors import Refused
from release.verbs.new import asked, new, new_text
from settings.errors import InvalidSettings
from settings.stackfile import Project
from tests.project import PROJECT, copy_project

ANSWERS: dict[str, Any] = {
    "name": "acme",
    "account": "123456789012",
    "region": "eu-central-1",
    "owner": "platform",
    "image": "ami-0123456789abcdef0",
    "networks": ["203.0.113.0/24"],
    "emails": ["ops@example.com"],
    "environments": ["dev", "test", "live"],
}
TLS = {"certificate": "arn:aws:acm:eu-central-1:123456789012:certificate/0", "domain": "app.example.com"}
MOST_LINES = 35


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A project without an environment."""
    (tmp_path / "Pulumi.yaml").write_text((PROJECT / "Pulumi.yaml").read_text())
    return tmp_path


def written(folder: Path, *, force: bool = False, **answers: Any) -> dict[str, Any]:
    return new(ProjectFiles(folder), {**ANSWERS, **answers}, force=force)


def called(folder: Path, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(release, ["--project", str(folder), "new", *arguments], input=typed)


def complaints(folder: Path, **answers: Any) -> list[str]:
    with pytest.raises(InvalidSettings) as refusal:
        written(folder, **answers)
    assert [file.name for file in folder.iterdir()] == ["Pulumi.yaml"]
    return str(refusal.value).splitlines()


def test_what_it_writes_is_a_project_that_the_settings_accept(empty: Path) -> None:
    report = written(empty)
    project = Project(empty)
    assert (project.name, project.environments, project.first) == ("acme", ("dev", "test", "live"), "dev")
    assert [project.load(name).protected for name in project.environments] == [False, False, True]
    assert report["written"] == ["Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.test.yaml", "Pulumi.live.yaml"]


def test_a_stack_file_has_few_lines(empty: Path) -> None:
    written(empty, certificates={"live": TLS}, repository="octo/shop")
    assert max(len(file.read_text().splitlines()) for file in empty.glob("Pulumi.*.yaml")) <= MOST_LINES


def test_up_to_twenty_environments_have_addresses_of_their_own(empty: Path) -> None:
    written(empty, environments=[f"e{number}" for number in range(20)])
    project = Project(empty)
    assert len({project.load(name).network.cidr for name in project.environments}) == 20


def test_one_environment_alone_is_a_project(empty: Path) -> None:
    written(empty, environments=["prod"])
    assert Project(empty).load("prod").protected


def test_which_environments_are_protected_may_be_said(empty: Path) -> None:
    written(empty, protected=["dev"])
    project = Project(empty)
    assert [project.load(name).protected for name in project.environments] == [True, False, False]


def test_an_environment_with_a_certificate_speaks_tls(empty: Path) -> None:
    written(empty, certificates={"live": TLS})
    balancer = Project(empty).load("live").load_balancer
    assert (balancer.live_port, balancer.redirect_port, balancer.domain) == (443, 80, "app.example.com")


def test_a_protected_environment_without_a_certificate_is_told(empty: Path) -> None:
    report = written(empty)
    assert report["without_tls"] == ["live"]
    assert "live is protected, and serves users in the clear" in new_text(report)
    assert written(empty, certificates={"live": TLS}, force=True)["without_tls"] == []


def test_only_the_name_changes_in_pulumi_yaml(empty: Path) -> None:
    before = (empty / "Pulumi.yaml").read_text()
    written(empty)
    after = (empty / "Pulumi.yaml").read_text()
    own = f"  {Project(PROJECT).name}:"
    assert after != before
    assert [line.replace("  acme:", own) for line in after.splitlines() if not line.startswith("name:")] == [
        line for line in before.splitlines() if not line.startswith("name:")
    ]


def test_editors_get_a_schema_for_the_new_name_where_the_project_is_a_checkout(empty: Path) -> None:
    (empty / "settings").mkdir()
    written(empty)
    schema = json.loads((empty / "settings" / "stack-schema.json").read_text())
    assert "acme:account" in schema["properties"]["config"]["properties"]


def test_every_wrong_answer_is_told_at_once_and_once(empty: Path) -> None:
    lines = complaints(empty, account="12", region="nowhere", owner="No Body", image="latest", networks=["0.0.0.0/0"])
    assert [line.split(" ")[1].removeprefix("acme:") for line in sorted(lines)] == [
        "account",
        "load_balancer.preview_sources",
        "owner",
        "region",
        "servers.ami",
        "servers.ssh_sources",
    ]


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        pytest.param({"name": "../acme"}, "answers: name is '../acme'; allowed: the project's name", id="name"),
        pytest.param({"name": "acme\nmain: /"}, r"answers: name is 'acme\nmain: /'", id="name of two lines"),
        pytest.param({"environments": ["../dev"]}, "answers: environments has '../dev'", id="path"),
        pytest.param({"environments": ["dev", "dev"]}, "answers: environments has 'dev'", id="twice"),
        pytest.param({"environments": ["demo-x"]}, "answers: environments has 'demo-x'", id="kept for demos"),
        pytest.param({"environments": []}, "answers: environments is '[]'", id="no environment"),
        pytest.param(
            {"protected": ["prod"]}, "answers: protected has 'prod'; allowed: environments of these", id="whom"
        ),
        pytest.param({"certificates": {"prod": TLS}}, "answers: certificates has 'prod'", id="whose certificate"),
        pytest.param({"account": 123456789012}, "answers: account is '123456789012'", id="account as a number"),
        pytest.param({"acount": "1"}, "answers: acount is not a question", id="misspelt"),
    ],
)
def test_an_answer_that_is_none_is_told_with_what_is_allowed(empty: Path, answers: dict[str, Any], line: str) -> None:
    assert complaints(empty, **answers)[0].startswith(line)


def test_what_is_missing_is_told_all_at_once(empty: Path) -> None:
    done = called(empty, "--name", "acme")
    assert isinstance(done.exception, InvalidSettings)
    missing = [problem.key for problem in done.exception.problems if problem.fault == "is missing"]
    assert missing == ["account", "region", "owner", "image", "networks"]


def test_stack_files_that_are_there_are_not_replaced(tmp_path: Path) -> None:
    copy_project(tmp_path)
    before = {file.name: file.read_text() for file in tmp_path.iterdir()}
    with pytest.raises(Refused, match=r"Pulumi\.dev\.yaml.*--force"):
        written(tmp_path)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == before


def test_force_leaves_the_environments_that_were_named_and_no_others(tmp_path: Path) -> None:
    copy_project(tmp_path)
    report = written(tmp_path, force=True)
    assert report["removed"] == ["Pulumi.prod.yaml", "Pulumi.qa.yaml", "Pulumi.staging.yaml"]
    assert Project(tmp_path).environments == ("dev", "test", "live")


@pytest.mark.parametrize("key", ["secretsprovider: awskms://alias/x", "encryptedkey: abc", "encryptionsalt: v1:x"])
def test_the_key_of_a_stack_is_never_lost(tmp_path: Path, key: str) -> None:
    file = copy_project(tmp_path) / "Pulumi.qa.yaml"
    file.write_text(f"{key}\n{file.read_text()}")
    with pytest.raises(Refused, match=r"Pulumi\.qa\.yaml holds the key"):
        written(tmp_path, force=True)
    assert file.read_text().startswith(key)


def test_the_same_answers_again_change_nothing(empty: Path) -> None:
    written(empty)
    assert written(empty)["written"] == []


def test_answers_come_from_a_file_and_options_go_before_it(empty: Path) -> None:
    (empty / "answers.json").write_text(json.dumps(ANSWERS))
    done = called(empty, "--answers", str(empty / "answers.json"), "--owner", "shop", "--environment", "dev", "--json")
    assert json.loads(done.stdout)["environments"] == ["dev"]
    assert Project(empty).load("dev").owner == "shop"


def test_answers_come_from_stdin(empty: Path) -> None:
    assert called(empty, "--answers", "-", typed=json.dumps(ANSWERS)).exit_code == 0
    assert Project(empty).name == "acme"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("{", "the answers are no JSON", id="cut"),
        pytest.param("[]", "no JSON object", id="list"),
        pytest.param('{"name": "a", "name": "b"}', "stands twice", id="twice"),
        pytest.param(json.dumps({"name": "x" * 70000}), "no JSON object", id="too long"),
    ],
)
def test_a_file_that_holds_no_answers_is_refused(empty: Path, text: str, why: str) -> None:
    assert why in str(called(empty, "--answers", "-", typed=text).exception)


def test_a_person_is_asked_what_was_not_said() -> None:
    typed = {"networks": "203.0.113.0/24, 198.51.100.0/24", "emails": ""}
    questions: list[str] = []

    def ask(question: str, default: str | None) -> str:
        questions.append(question)
        return default or typed.get("networks" if "Networks" in question else "emails", "")

    answers = asked({key: ANSWERS[key] for key in ("name", "account", "region", "owner", "image")}, ask)
    assert len(questions) == 3
    assert answers["networks"] == ["203.0.113.0/24", "198.51.100.0/24"]
    assert (answers["emails"], answers["environments"]) == ([], ["dev", "qa", "staging", "prod"])


def test_a_folder_without_a_project_is_told_where_to_go(tmp_path: Path) -> None:
    assert "there is no Pulumi.yaml in" in str(called(tmp_path).exception)
