"""Drift: what a refresh, the firewall and a server say, compared with what should be."""

import hashlib
from typing import Any

import pytest

from contract.layout import INSTALLER
from contract.unit import UNIT_FILES, unit_text
from release.doors.aws.firewall import FirewallRule
from release.records.ledger.head import Content, State
from release.rules.drift import (
    UNNAMED,
    Finding,
    of_files,
    of_keys,
    of_refresh,
    of_rules,
    of_slots,
    security_groups,
)

DECLARED = "d" * 64
SERVER = "env-servers-1"
GROUP = "aws:ec2/securityGroup:SecurityGroup"

BLUE = Content(release="1.0.0", digest="a" * 64, artifact_key="k", deployment="d-1")
EMPTIED = Content(release=None, digest=None, artifact_key=None, deployment="d-2")
STATE = State(blue=BLUE, green=EMPTIED, declared="blue")


def step(op: str, name: str = "env-lb-live", **states: Any) -> dict[str, Any]:
    return {"op": op, "urn": f"urn:pulumi:dev::stageline::stageline:Lb$aws:lb/listener:Listener::{name}", **states}


def changed(before: dict[str, Any], now: dict[str, Any], *reasons: str, part: str = "inputs") -> dict[str, Any]:
    states: dict[str, Any] = {"oldState": {part: before}, "newState": {part: now}}
    return step("update", diffReasons=list(reasons), **states)


def found(*steps: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one.what, one.expected, one.found) for one in of_refresh({"steps": list(steps)})]


def test_what_a_refresh_leaves_as_it_is_is_no_drift() -> None:
    assert of_refresh({"steps": [step("refresh"), step("same")]}) == ()
    assert of_refresh({}) == ()


def test_a_changed_input_is_found_with_what_it_was_and_is() -> None:
    before, now = ({"port": 80, "health": {"interval": seconds, "path": "/"}} for seconds in (5, 60))
    assert of_refresh({"steps": [changed(before, now, "health")]}) == (
        Finding(where="env-lb-live", what="health.interval", expected="5", found="60"),
    )


def test_tags_are_named_once_and_one_by_one() -> None:
    before = {"tags": {"Name": "x"}, "tagsAll": {"Name": "x", "owner": "platform"}}
    now = {"tags": {"Name": "x", "owner": "me"}, "tagsAll": {"Name": "x", "owner": "me"}}
    assert found(changed(before, now, "tags", "tagsAll")) == [("tags.owner", "(absent)", "me")]


def test_a_default_tag_that_was_taken_away_is_found() -> None:
    before = {"tagsAll": {"owner": "platform"}}
    assert found(changed(before, {"tagsAll": {}}, "tagsAll")) == [("tagsAll.owner", "platform", "(absent)")]


def test_an_empty_value_that_aws_does_not_tell_is_no_drift() -> None:
    assert found(changed({"prefix": "", "rules": []}, {"rules": {}}, "prefix")) == []


def test_of_outputs_only_what_is_the_reason_counts() -> None:
    before, now = {"state": "on", "arns": []}, {"state": "off", "arns": ["x"]}
    assert found(changed(before, now, "state", part="outputs")) == [("state", "on", "off")]


def test_a_change_that_is_not_shown_is_found_all_the_same() -> None:
    assert found(changed({}, {}, "policy")) == [("policy", "as it was", "changed")]


def test_the_deployment_that_may_migrate_is_no_drift_and_all_else_about_that_parameter_is() -> None:
    def migration(*reasons: str, op: str = "update") -> dict[str, Any]:
        return step(op, "env-database-migration", diffReasons=list(reasons), oldState={}, newState={})

    assert found(migration("value"), migration("value", "version")) == []
    assert [one for _, one, _ in found(migration("value", "tags"), migration(), migration(op="delete"))] == [
        *("as it was", "as it was", "(present)"),
    ]


def test_a_deleted_resource_is_found_by_its_kind() -> None:
    assert found(step("delete", oldState={"inputs": {"port": 80}})) == [
        ("aws:lb/listener:Listener", "(present)", "(absent)")
    ]


def counted(summary: object, *steps: dict[str, Any]) -> list[str]:
    """How many changes more than it names a refresh counts."""
    found = of_refresh({"steps": list(steps), "changeSummary": summary})
    return [one.found for one in found if one.what == UNNAMED]


@pytest.mark.parametrize(
    ("summary", "steps", "more"),
    [
        pytest.param({"same": 114, "update": 2}, [step("refresh"), step("refresh")], ["2"], id="none-is-named"),
        pytest.param({"update": 2}, [changed({"a": 1}, {"a": 2}), step("refresh")], ["1"], id="one-of-two-is-named"),
        pytest.param({"same": 1, "update": 1}, [changed({"a": 1}, {"a": 2})], [], id="all-are-named"),
        pytest.param({"update": 1}, [changed({"a": ""}, {"a": None})], [], id="named-and-no-drift"),
        pytest.param({"delete": 1, "replace": 1}, [step("delete")], ["1"], id="of-another-kind"),
        pytest.param({"invented": 1}, [], ["1"], id="of-a-kind-that-nobody-knows"),
        pytest.param({"same": 3, "refresh": 2, "read": 1}, [], [], id="nothing-changed"),
        pytest.param({"update": "many"}, [], [], id="no-number"),
        pytest.param(None, [step("refresh")], [], id="no-summary"),
    ],
)
def test_what_the_summary_counts_and_no_step_names_is_found(
    summary: object, steps: list[dict[str, Any]], more: list[str]
) -> None:
    assert counted(summary, *steps) == more


STACK = {
    "deployment": {
        "resources": [
            {"urn": f"u::{GROUP}::env-firewall-servers", "type": GROUP, "id": "sg-1"},
            {"urn": "u::x::env-firewall-ssh", "type": "aws:vpc/securityGroupIngressRule:x", "id": "sgr-1"},
        ]
    }
}


def rule(id: str) -> FirewallRule:
    return FirewallRule(id=id, group="sg-1", direction="from", protocol="tcp", ports="22", peer="0.0.0.0/0")


def test_a_rule_that_the_stack_does_not_know_is_found() -> None:
    assert security_groups(STACK) == ("sg-1",)
    assert of_rules([rule("sgr-1"), rule("sgr-2")], STACK) == (
        Finding(where="env-firewall-servers", what="from tcp 22 0.0.0.0/0", expected="(absent)", found="sgr-2"),
    )


CONTENT = {"release": "1.0.0", "digest": "a" * 64, "configuration": None, "deployment": "d-1"}


def slot_status(release: str | None = "1.0.0", **changes: Any) -> dict[str, Any]:
    content = CONTENT | {"release": release} if release else None
    health = {"status": 200, "version": release} if release else None
    unit = "active" if release else "inactive"
    return {"content": content, "unit": unit, "health": health, "busy": False, "problem": None, **changes}


CLEAN = {"blue": slot_status(), "green": slot_status(None)}


def test_slots_that_are_as_head_says_are_no_drift() -> None:
    assert of_slots(SERVER, CLEAN, STATE) == ()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(
            {"blue": slot_status("1.1.0")},
            [("release", "1.0.0", "1.1.0"), ("health", "200 1.0.0", "200 1.1.0")],
            id="another-release",
        ),
        pytest.param(
            {"blue": slot_status(content=CONTENT | {"digest": "b" * 64})},
            [("digest", "a" * 64, "b" * 64)],
            id="other-bytes",
        ),
        pytest.param(
            {"blue": slot_status(content=CONTENT | {"configuration": "c" * 64})},
            [("configuration", "nothing", "c" * 64)],
            id="another-configuration",
        ),
        pytest.param(
            {"blue": slot_status(content=CONTENT | {"deployment": "d-0"})},
            [("deployment", "d-1", "d-0")],
            id="another-deployment",
        ),
        pytest.param({"blue": slot_status(unit="failed")}, [("unit", "active", "failed")], id="a-dead-unit"),
        pytest.param(
            {"blue": slot_status(health={"status": 500, "version": None})},
            [("health", "200 1.0.0", "500")],
            id="a-sick-release",
        ),
        pytest.param(
            {"blue": slot_status(health={"status": None, "version": None})},
            [("health", "200 1.0.0", "no answer")],
            id="a-silent-release",
        ),
        pytest.param(
            {"blue": slot_status(problem="the disk is full")}, [("problem", "none", "the disk is full")], id="a-problem"
        ),
        pytest.param(
            {"green": slot_status("1.1.0")},
            [("release", "nothing", "1.1.0"), ("unit", "inactive", "active")],
            id="an-emptied-slot-is-filled",
        ),
    ],
)
def test_what_differs_in_a_slot_is_named(status: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    name = next(iter(status))
    named = [(one.what, one.expected, one.found) for one in of_slots(SERVER, {**CLEAN, **status}, STATE)]
    assert named == [(f"slot {name}: {what}", wanted, there) for what, wanted, there in expected]


def test_an_emptied_server_lacks_all_that_head_says() -> None:
    empty = {"blue": slot_status(None), "green": slot_status(None)}
    assert [one.what for one in of_slots(SERVER, empty, STATE)] == [
        "slot blue: release",
        "slot blue: digest",
        "slot blue: deployment",
        "slot blue: unit",
        "slot blue: health",
    ]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


GOOD_FILES = {INSTALLER: DECLARED, UNIT_FILES["blue"]: sha256(unit_text("blue"))}


def test_files_that_are_as_the_stack_declared_them_are_no_drift() -> None:
    assert of_files(SERVER, GOOD_FILES, DECLARED, STATE) == ()


@pytest.mark.parametrize("path", GOOD_FILES)
@pytest.mark.parametrize("there", ["0" * 64, None], ids=["changed", "gone"])
def test_a_file_that_was_changed_or_deleted_is_found(path: str, there: str | None) -> None:
    digests = {**GOOD_FILES, path: there} if there else {one: GOOD_FILES[one] for one in GOOD_FILES if one != path}
    assert of_files(SERVER, digests, DECLARED, STATE) == (
        Finding(where=SERVER, what=path, expected=GOOD_FILES[path], found=there or "(absent)"),
    )


def test_the_unit_of_a_slot_without_a_release_is_not_asked_for() -> None:
    files = {INSTALLER: DECLARED}
    assert of_files(SERVER, files, DECLARED, State(green=EMPTIED)) == ()


OPS, CI = "ssh-ed25519 AAAAC3NzaC1l ops", "ssh-ed25519 AAAAC3NzaC1k ci"


def test_the_same_keys_in_another_order_are_no_drift() -> None:
    assert of_keys(SERVER, f"{CI}\n{OPS}\n", f"# who may log in\n{OPS}\n\n{CI}\n") == ()


def test_a_key_more_and_a_key_less_are_found_by_fingerprint() -> None:
    more, less = of_keys(SERVER, f"{CI}\n", f"{OPS}\n")
    assert (more.expected, more.found, less.expected, less.found) == ("(absent)", "(present)", "(present)", "(absent)")
    assert more.what.startswith("authorized_keys: ssh-ed25519 SHA256:")
    assert (more.what.endswith(" ci"), less.what.endswith(" ops")) == (True, True)


def test_a_line_that_is_no_key_is_found_as_it_stands() -> None:
    (finding,) = of_keys(SERVER, "ssh-rsa !!! me\n", "")
    assert finding.what == "authorized_keys: ssh-rsa !!! me"
