"""Stack files: what is read, and how everything that is wrong is told at once."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from settings.errors import InvalidSettings
from settings.stackfile import Project, environments, load
from tests.project import PROJECT, copy_project
from tests.settings.mistakes import REMOVED, WRONG, change


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project, to be changed."""
    return copy_project(tmp_path)


def complaints(project: Path, environment: str) -> list[str]:
    with pytest.raises(InvalidSettings) as refusal:
        load(project, environment)
    return str(refusal.value).splitlines()


@pytest.mark.parametrize("environment", ["dev", "qa", "staging", "prod"])
def test_every_environment_is_valid(environment: str) -> None:
    assert load(PROJECT, environment).environment == environment


def test_environments_come_in_the_order_of_promotion() -> None:
    assert environments(PROJECT) == ("dev", "qa", "staging", "prod")


def test_the_project_name_comes_from_the_project_file(project: Path) -> None:
    assert load(project, "dev").project == "stageline"


def test_tags_name_project_environment_and_owner() -> None:
    assert load(PROJECT, "dev").tags == {
        "project": "stageline",
        "environment": "dev",
        "owner": "platform",
        "managed-by": "stageline",
    }


def test_errors_are_counted_in_parts_of_a_percent_too(project: Path) -> None:
    change(project, "dev", watch__error_percent=0.1)
    assert load(project, "dev").watch.error_percent == 0.1


def test_lists_become_tuples_so_that_settings_cannot_change(project: Path) -> None:
    assert load(project, "dev").network.zones == ("a", "b")


def test_what_pulumi_writes_back_means_the_same(project: Path) -> None:
    change(project, "dev", protected="false", promotes_from="")
    settings = load(project, "dev")
    assert (settings.protected, settings.promotes_from) == (False, None)


def test_keys_that_pulumi_adds_for_its_secrets_are_no_settings(project: Path) -> None:
    file = project / "Pulumi.dev.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"secretsprovider: awskms://alias/x\nencryptedkey: abc\n{text}", encoding="utf-8")
    assert load(project, "dev").environment == "dev"


@pytest.mark.parametrize(("changes", "fault", "allowed"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_key_is_told_with_file_key_value_and_what_is_allowed(
    project: Path, changes: dict[str, Any], fault: str, allowed: str
) -> None:
    change(project, "dev", **changes)
    [line] = complaints(project, "dev")
    told, _, right = line.partition(" allowed: ")
    assert told.startswith(f"Pulumi.dev.yaml: stageline:{fault}")
    assert allowed in right


@pytest.mark.parametrize("repository", ["Octo-Org/shop.js", "octo-org@123456/octo-repo@456789"])
def test_a_repository_is_taken_with_or_without_githubs_ids(project: Path, repository: str) -> None:
    change(project, "dev", access__repository=repository)
    assert load(project, "dev").access.repository == repository


CERTIFIED = {
    "load_balancer__certificate": "arn:aws:acm:eu-central-1:123456789012:certificate/12345678",
    "load_balancer__domain": "app.example.com",
    "load_balancer__redirect_port": 81,
}

UNSAFE = {
    "no object lock": ({"storage__object_lock": "none"}, "storage.object_lock is 'none'"),
    "buckets deleted with content": ({"storage__force_destroy": True}, "storage.force_destroy is True"),
    "database deletable": ({"database__deletion_protection": False}, "database.deletion_protection is False"),
    "no final snapshot": ({"database__final_snapshot": False}, "database.final_snapshot is False"),
    "one zone for the database": ({"database__multi_az": False}, "database.multi_az is False"),
    "plain connections to the database": (
        {"database__tls": False, **CERTIFIED},
        "database.tls is False",
    ),
    "deployments without a backup": ({"backup__before": "none"}, "backup.before is 'none'"),
    "few backup days": ({"database__backup_days": 6}, "database.backup_days is 6"),
    "balancer deletable": (
        {"load_balancer__deletion_protection": False},
        "load_balancer.deletion_protection is False",
    ),
}


@pytest.mark.parametrize(("changes", "fault"), UNSAFE.values(), ids=UNSAFE.keys())
@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_a_protected_environment_refuses_an_unsafe_setting(
    project: Path, environment: str, changes: dict[str, Any], fault: str
) -> None:
    change(project, environment, **changes)
    [line] = complaints(project, environment)
    assert line.startswith(f"Pulumi.{environment}.yaml: stageline:{fault};")
    assert "because the environment is protected" in line


@pytest.mark.parametrize(("changes", "fault"), UNSAFE.values(), ids=UNSAFE.keys())
def test_an_unprotected_environment_may_have_it(project: Path, changes: dict[str, Any], fault: str) -> None:
    change(project, "dev", **changes)
    assert load(project, "dev").protected is False


PROTECTIONS = [
    "backup__before",
    "database__deletion_protection",
    "database__final_snapshot",
    "database__backup_days",
    "load_balancer__deletion_protection",
    "storage__object_lock",
    "storage__force_destroy",
    "protected",
]


@pytest.mark.parametrize("key", PROTECTIONS)
def test_a_protection_has_no_default(project: Path, key: str) -> None:
    change(project, "prod", **{key: REMOVED})
    [line] = complaints(project, "prod")
    assert line.startswith(f"Pulumi.prod.yaml: stageline:{key.replace('__', '.')} is missing;")


def test_all_wrong_keys_are_told_at_once(project: Path) -> None:
    change(
        project,
        "prod",
        account=1,
        network__cidr="10.0.0.0/33",
        network__mtu=1,
        servers__ami=REMOVED,
        database__deletion_protection=False,
        load_balancer__health__timeout=30,
        promotes_from="nowhere",
    )
    keys = {line.split(" ")[1] for line in complaints(project, "prod")}
    assert keys == {
        "stageline:account",
        "stageline:network.cidr",
        "stageline:network.mtu",
        "stageline:servers.ami",
        "stageline:database.deletion_protection",
        "stageline:load_balancer.health.timeout",
        "stageline:promotes_from",
    }


def test_the_value_of_an_unknown_key_is_not_shown_because_it_may_be_a_secret(project: Path) -> None:
    change(project, "dev", database__password="hunter2")
    [line] = complaints(project, "dev")
    assert "database.password is not a setting" in line
    assert "hunter2" not in line


def test_a_problem_is_one_line_whatever_the_value_holds(project: Path) -> None:
    change(project, "dev", owner="a\nb" * 100, **{"x\ny": 1})
    assert len(complaints(project, "dev")) == 2


def test_a_key_that_stands_twice_is_refused_with_its_line(project: Path) -> None:
    file = project / "Pulumi.dev.yaml"
    text = file.read_text(encoding="utf-8").replace("    nat: false", "    nat: true\n    nat: false")
    file.write_text(text, encoding="utf-8")
    [line] = complaints(project, "dev")
    number = text.splitlines().index("    nat: true") + 2
    assert line == f"Pulumi.dev.yaml: nat stands twice (again in line {number}); allowed: each key once"


NOT_READABLE = {
    "not yaml": b"config: [",
    "not a mapping": b"- a\n",
    "not utf-8": b"config: \xff\xfe",
    "empty": b"",
    "object tag": b"config: !!python/object/apply:os.system [id]",
}


@pytest.mark.parametrize("content", NOT_READABLE.values(), ids=NOT_READABLE.keys())
def test_a_file_that_is_no_yaml_mapping_is_refused_in_one_line(project: Path, content: bytes) -> None:
    (project / "Pulumi.dev.yaml").write_bytes(content)
    [line] = complaints(project, "dev")
    assert line.startswith("Pulumi.dev.yaml: the file ")


def test_an_error_in_a_file_does_not_repeat_its_text(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text("config:\n  password: hunter2: [\n", encoding="utf-8")
    [line] = complaints(project, "dev")
    assert "line 2" in line
    assert "hunter2" not in line


def test_a_missing_project_file_is_told_by_name(project: Path) -> None:
    (project / "Pulumi.yaml").unlink()
    [line] = complaints(project, "dev")
    assert line.startswith("Pulumi.yaml: the file cannot be read (No such file or directory)")


def test_keys_of_another_project_are_refused(project: Path) -> None:
    file = project / "Pulumi.dev.yaml"
    file.write_text(f"{file.read_text(encoding='utf-8')}\n  aws:region: eu-west-1\n", encoding="utf-8")
    [line] = complaints(project, "dev")
    assert line.startswith("Pulumi.dev.yaml: aws:region is not a setting;")


def test_an_unknown_environment_is_refused_with_the_known_ones(project: Path) -> None:
    [line] = complaints(project, "lab")
    assert "'lab'" in line
    assert line.endswith("allowed: dev, prod, qa, staging")


HOSTILE = ["", "Prod", "../dev", "dev/../prod", "dev\0", "-dev", "dev\n", "a" * 32, "\uff44ev", "d ev", "$(id)"]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_name_that_is_not_allowed_never_touches_a_path(project: Path, name: str) -> None:
    [line] = complaints(project, name)
    assert "cannot name one" in line


def test_an_environment_name_that_makes_bucket_names_too_long_is_refused(project: Path) -> None:
    for number, name in enumerate(("a" * 17, "a" * 18)):
        shutil.copy(project / "Pulumi.dev.yaml", project / f"Pulumi.{name}.yaml")
        change(project, name, network__cidr=f"10.{100 + number}.0.0/16")
    assert len(load(project, "a" * 17).names.artifact_bucket) == 63
    [line] = complaints(project, "a" * 18)
    assert "at most 17 characters" in line


def test_a_circle_of_promotions_is_refused(project: Path) -> None:
    change(project, "dev", promotes_from="prod")
    with pytest.raises(InvalidSettings, match="goes in a circle"):
        environments(project)


def test_an_environment_off_the_chain_comes_with_the_first_ones(project: Path) -> None:
    text = (project / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    (project / "Pulumi.demo.yaml").write_text(text, encoding="utf-8")
    assert environments(project) == ("demo", "dev", "qa", "staging", "prod")


def test_releases_enter_where_nothing_is_promoted_from(project: Path) -> None:
    assert Project(project).first == "dev"


def test_two_environments_where_releases_could_enter_are_refused_and_named(project: Path) -> None:
    text = (project / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    (project / "Pulumi.demo.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSettings, match="stageline:promotes_from is missing in demo and in dev"):
        _ = Project(project).first


def test_the_first_environment_is_found_by_the_chain_and_not_by_its_name(project: Path) -> None:
    change(project, "dev", promotes_from="prod")
    change(project, "qa", promotes_from=REMOVED)
    assert Project(project).environments == ("qa", "staging", "prod", "dev")
    assert Project(project).first == "qa"


def test_each_file_is_read_once(project: Path) -> None:
    opened = Project(project)
    before = [opened.load(name) for name in opened.environments]
    for file in project.glob("Pulumi*.yaml"):
        file.write_text("nothing: of use\n", encoding="utf-8")
    assert [opened.load(name) for name in opened.environments] == before
