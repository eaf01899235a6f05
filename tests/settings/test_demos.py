"""Demos: names that collide with nothing, whatever a branch is called, and settings as small as they get."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.demos import derived, is_demo, is_demo_branch, span, stack_of, tags
from settings.errors import InvalidSettings
from settings.model import Demo, Settings
from settings.names import is_environment_name
from settings.stackfile import Project, load
from tests.project import PROJECT, copy_project
from tests.settings.mistakes import REMOVED, change

BASE = load(PROJECT, "dev")
CREATION = "0a1b2c3d"
ARN = "arn:aws:iam::123456789012:user/ana"

branches = st.text("abzABZ019._/-", max_size=79).map(lambda rest: f"feature-demo/x{rest}")


def demo() -> Settings:
    return derived(BASE, Demo(), creation=CREATION, open_to=("203.0.113.7/32",))


@given(branches)
def test_a_branch_becomes_a_stack_that_pulumi_takes_and_no_environment_can_have(branch: str) -> None:
    stack = stack_of(branch)
    assert is_demo_branch(branch)
    assert re.fullmatch(r"demo(-[a-z0-9]+)+-[0-9a-f]{6}", stack) and len(stack) <= 31
    assert is_demo(stack) and not is_environment_name(stack)


@given(branches, branches)
def test_two_branches_have_two_stacks(one: str, other: str) -> None:
    assert (stack_of(one) == stack_of(other)) is (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("a-b", "a.b"), ("Login", "login"), ("a" * 17, "a" * 18), ("a/b", "a-b")],
    ids=["other signs", "other case", "beyond the cut", "a slash"],
)
def test_branches_that_read_alike_have_two_stacks(one: str, other: str) -> None:
    stacks = [stack_of(f"feature-demo/{name}") for name in (one, other)]
    assert len(set(stacks)) == 2
    assert len({stack[:-7] for stack in stacks}) == 1


@pytest.mark.parametrize(
    "branch",
    [
        pytest.param("main", id="another branch"),
        pytest.param("feature-demo/", id="no name"),
        pytest.param("feature-demo/-rf", id="an option"),
        pytest.param("feature-demo/../x", id="a way up"),
        pytest.param("Feature-Demo/x", id="another case"),
        pytest.param("feature-demo/$(id)", id="a shell"),
        pytest.param("feature-demo/x\n", id="a line break"),
        pytest.param("feature-demo/naïve", id="no ASCII"),
        pytest.param("feature-demo/" + "x" * 300, id="300 characters"),
        pytest.param("demo-prod", id="a stack"),
    ],
)
def test_no_other_branch_may_have_a_demo(branch: str) -> None:
    assert not is_demo_branch(branch)


@pytest.mark.parametrize("text,time", [("12h", timedelta(hours=12)), ("3d", timedelta(days=3))])
def test_a_time_is_in_hours_or_days(text: str, time: timedelta) -> None:
    assert span(text) == time


def test_a_demo_is_one_small_server_that_nothing_protects() -> None:
    settings = demo()
    assert (settings.servers.count, settings.servers.instance_type) == (1, "t3.micro")
    assert not settings.protected and not settings.load_balancer.deletion_protection
    assert settings.load_balancer.live_sources == ("203.0.113.7/32",)


def test_what_is_made_for_a_demo_is_named_by_its_creation() -> None:
    assert demo().names.host_key == "stageline/demo-0a1b2c3d/host-key"
    assert len(demo().environment) <= 31


def test_a_demo_does_not_answer_for_its_bases_certificate() -> None:
    arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
    with_tls = {"live_port": 443, "certificate": arn, "domain": "app.example.com", "redirect_port": 80}
    base = BASE.model_copy(update={"load_balancer": BASE.load_balancer.model_copy(update=with_tls)})
    balancer = derived(base, Demo(), creation=CREATION, open_to=()).load_balancer
    assert (balancer.live_port, balancer.certificate, balancer.domain, balancer.redirect_port) == (80, None, None, None)


def test_everything_of_a_demo_says_so_and_whose_it_is() -> None:
    assert tags(demo(), creation=CREATION, owner=ARN) == {
        "project": "stageline",
        "environment": "demo-0a1b2c3d",
        "managed-by": "stageline",
        "kind": "demo",
        "creation": CREATION,
        "owner": ARN,
    }


def test_a_demos_stack_file_is_no_environments(tmp_path: Path) -> None:
    (copy_project(tmp_path) / "Pulumi.demo-login-0a1b2c.yaml").write_text("config: {}\n")
    assert Project(tmp_path).names == ("dev", "prod", "qa", "staging")
    with pytest.raises(InvalidSettings, match="kept for demos"):
        Project(tmp_path).load("demo-login-0a1b2c")


def test_demos_stand_on_the_environment_that_has_a_section_for_them() -> None:
    assert Project(PROJECT).demo_base == "dev"


@pytest.mark.parametrize(("file", "value", "fault"), [("dev", REMOVED, "no file"), ("qa", {}, "dev and in qa")])
def test_demos_stand_on_one_environment(tmp_path: Path, file: str, value: object, fault: str) -> None:
    change(copy_project(tmp_path), file, demo=value)
    with pytest.raises(InvalidSettings, match=fault):
        assert Project(tmp_path).demo_base


def test_a_protected_environment_has_demos_where_its_file_says_so(tmp_path: Path) -> None:
    change(copy_project(tmp_path), "prod", demo={})
    with pytest.raises(InvalidSettings, match=r"demo.on_protected is False; allowed: true, because"):
        load(tmp_path, "prod")
    change(tmp_path, "prod", demo={"on_protected": True})
    assert load(tmp_path, "prod").demo is not None
