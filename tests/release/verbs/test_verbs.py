"""The verbs that need no deployment, on moto's AWS: what they show, and what they refuse before anything changes."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from release.environment import open_environment
from release.errors import Broken, Refused, WrongUsage
from release.ledger.head import Out, State
from release.verbs.adopt_listener import adopt
from release.verbs.mark_out import with_server, without_server
from release.verbs.plan import report_text
from release.verbs.promote import Route, passed_over, promote, promotion_order
from release.verbs.publish import Publication, publish
from release.verbs.rollback import Request, go_back
from release.verbs.show import show_release, show_text
from release.verbs.status import status, status_text
from release.verbs.veto import veto
from tests.aws_clients import aws_resource
from tests.project import PROJECT
from tests.release.deploying import Silent, put
from tests.release.world import OPS, SERVERS, World, build_artifact


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pulumi that writes down that it was called: a refusal must not get so far."""
    program, called = tmp_path / "bin" / "pulumi", tmp_path / "called"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {called}\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return called


def publication(path: Path, version: str, tag: str | None = None) -> Publication:
    return Publication(path=path, version=version, tag=tag, notes="", repository=path.parent)


def test_publishing_signs_a_manifest_with_the_artifacts_digest_and_checks(world: World, tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app-1.0.0.tar.gz", {})
    manifest, new = publish(PROJECT, publication(path, "1.0.0"), ci="", progress=Silent())
    assert new
    assert world.dev.releases.get("1.0.0") == manifest
    assert [check.name for check in manifest.checks] == ["projects"]


def test_publishing_it_again_is_nothing_to_do(world: World, tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app-1.0.0.tar.gz", {})
    first, _ = publish(PROJECT, publication(path, "1.0.0"), ci="", progress=Silent())
    again, new = publish(PROJECT, publication(path, "1.0.0"), ci="", progress=Silent())
    assert (again.digest, new) == (first.digest, False)


def test_a_tag_that_names_another_version_is_refused(world: World, tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app-1.0.0.tar.gz", {})
    with pytest.raises(Refused, match=r"tag v2\.0\.0 does not name version 1\.0\.0"):
        publish(PROJECT, publication(path, "1.0.0", tag="v2.0.0"), ci="", progress=Silent())


@pytest.mark.parametrize(
    ("version", "source", "why"),
    [
        pytest.param("9.9.9", None, r"9\.9\.9 was never published to dev", id="never-published"),
        pytest.param(
            "1.1.0", None, r"dev must have verified 1\.1\.0: it was never live there", id="not-verified-upstream"
        ),
        pytest.param("1.0.0", "qa", r"never published to qa", id="from-itself"),
    ],
)
def test_a_promotion_that_is_refused_changes_nothing(
    world: World, pulumi: Path, version: str, source: str | None, why: str
) -> None:
    put(world, "1.0.0")
    world.publish("1.1.0")
    before = world.qa.ledger.head()
    with pytest.raises(Refused, match=why):
        promote(PROJECT, version, Route(source=source, target="qa"), ci="", progress=Silent())
    assert world.qa.ledger.head() == before
    assert not pulumi.exists()


def test_what_is_live_already_is_not_promoted_again(world: World, pulumi: Path) -> None:
    put(world, "1.0.0")
    with pytest.raises(Refused, match=r"1\.0\.0 is live in dev since"):
        promote(PROJECT, "1.0.0", Route(source=None, target="dev"), ci="", progress=Silent())
    assert not pulumi.exists()


def test_row_13_the_first_release_has_nothing_to_go_back_to(world: World, pulumi: Path) -> None:
    put(world, "1.0.0")
    with pytest.raises(Refused, match="dev has no earlier verified release to go back to"):
        go_back(world.dev, Request(), OPS, Silent())


def test_a_release_that_was_never_live_here_is_no_way_back(world: World, pulumi: Path) -> None:
    put(world, "1.0.0")
    world.publish("0.9.0")
    with pytest.raises(Refused, match=r"0\.9\.0 was never deployed to dev"):
        go_back(world.dev, Request(version="0.9.0"), OPS, Silent())
    assert not pulumi.exists()


def test_a_release_that_failed_here_is_no_way_back(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke = {"1.1.0"}
    with pytest.raises(Broken):
        put(world, "1.1.0")
    with pytest.raises(Refused, match=r"1\.1\.0 must have been live and verified in dev before"):
        go_back(world.dev, Request(version="1.1.0"), OPS, Silent())


def test_what_was_verified_upstream_is_promoted_also_when_it_is_live_there_no_more(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    order = promotion_order(PROJECT, "1.0.0", Route(source=None, target="qa"), Silent())
    assert [gate.name for gate in order.gates if not gate.passed] == []


def test_what_was_rolled_back_from_upstream_is_not_promoted(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    put(world, "1.0.0", kind="rollback")
    order = promotion_order(PROJECT, "1.1.0", Route(source=None, target="qa"), Silent())
    assert [gate.name for gate in order.gates if not gate.passed] == ["verified upstream"]


def test_going_back_to_what_is_live_says_that_it_is_also_where_nothing_was_before(world: World) -> None:
    put(world, "1.0.0")
    with pytest.raises(Refused, match=r"users of dev get 1\.0\.0 \(not live already\)$"):
        go_back(world.dev, Request(version="1.0.0"), OPS, Silent())


def test_a_refusal_names_the_options_that_overrule_it(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    veto(PROJECT, "1.0.0", reason="loses rows", ci="")
    with pytest.raises(Refused, match=r"\(no veto\); overrule it with: --force --reason WHY$"):
        go_back(world.dev, Request(), OPS, Silent())
    assert go_back(world.dev, Request(force=True, reason="rows are restored"), OPS, Silent()).version == "1.0.0"


def test_whoever_overrules_a_rule_says_why() -> None:
    for request in ({"force": True}, {"despite_schema": True}, {"reason": "because"}):
        with pytest.raises(WrongUsage, match="whoever overrules a rule says why"):
            Request(**request)


@pytest.mark.parametrize(
    ("ill", "expected"),
    [
        pytest.param("another stack file", "1.0.0", id="another-stack-file-is-broken"),
        pytest.param("another ledger", "1.0.0", id="another-ledger-is-unreadable"),
    ],
)
def test_a_rollback_asks_no_other_environment(world: World, ill: str, expected: str) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    if ill == "another ledger":
        aws_resource("dynamodb").Table(world.qa.ledger.table.name).put_item(
            Item={"kind": "HEAD", "seq": 0, "body": "["}
        )
    folder = world.project_with(qa="config: [") if ill == "another stack file" else PROJECT
    assert open_environment(folder, "dev").settings.environment == "dev"
    assert go_back(replace(world.dev, project_dir=folder), Request(), OPS, Silent()).version == expected


def test_a_listener_that_was_moved_by_hand_is_adopted(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    with pytest.raises(Refused, match=r"the ledger of dev says the same: 1\.1\.0 in green"):
        adopt(world.dev, "incident 7", OPS, Silent())
    world.dev.listeners.move(world.dev.listeners.find(), "blue")
    report = adopt(world.dev, "incident 7", OPS, Silent())
    state = world.dev.ledger.head().state
    assert (report["release"], report["users"], report["behind"]) == ("1.0.0", "users are on 1.0.0", "")
    assert (state.live.release, state.declared, state.idle) == ("1.0.0", "blue", "green")
    assert put(world, "1.2.0").slot == "green"


def test_a_server_that_is_marked_out_is_in_no_way_until_it_is_in_again(world: World) -> None:
    out = Out(server="env-servers-2", reason="dead", by="ops", since="t")
    state = without_server(State(), out, SERVERS)
    assert (state.out_names, with_server(state, "env-servers-2")) == ({"env-servers-2"}, State())
    with pytest.raises(Refused, match="marked out already"):
        without_server(state, out, SERVERS)
    with pytest.raises(Refused, match="last server that is not out"):
        without_server(state, out.but(server="env-servers-1"), SERVERS)
    with pytest.raises(WrongUsage, match="there is no server web"):
        without_server(State(), out.but(server="web"), SERVERS)


def test_status_shows_every_environment_also_those_without_a_ledger(world: World) -> None:
    put(world, "1.0.0")
    report = status(PROJECT, None)
    assert [(entry["environment"], entry["initialised"]) for entry in report["environments"]] == [
        ("dev", True),
        ("qa", True),
        ("staging", False),
        ("prod", False),
    ]
    dev, qa, staging, _ = status_text(report).splitlines()[1:]
    assert dev.split()[:2] == ["dev", "1.0.0"]
    assert "nothing" in qa
    assert "not initialised" in staging


def test_show_says_where_a_release_was_verified_and_is_live(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    report = show_release(PROJECT, "1.0.0")
    assert [(word["environment"], word["live"], bool(word["verified"])) for word in report["environments"]] == [
        ("dev", False, True)
    ]
    assert "sha256" in show_text(report)


def test_what_a_release_says_of_itself_forges_no_line_and_moves_no_cursor(world: World) -> None:
    put(world, "1.0.0")
    report = show_release(PROJECT, "1.0.0")
    honest = show_text(report)
    forged = "\n  prod       verified, live\x1b[2K\u202e"
    report["release"] |= {"notes": "fine" + forged, "file_name": "a" + forged}
    report["release"]["checks"][0]["name"] += forged
    shown = show_text(report)
    assert len(shown.splitlines()) == len(honest.splitlines()) + 1
    assert all(line.isprintable() for line in shown.splitlines())


def test_the_evidence_of_a_gate_forges_no_other_gate() -> None:
    gate = {"name": "no hold", "passed": False, "evidence": "on hold: x\n  yes  nothing is wrong\x1b[2J"}
    planned = {"kind": "promotion", "release": "1.0.0", "environment": "dev", "gates": [gate], "steps": []}
    assert report_text(planned).splitlines()[2] == r"  NO   on hold: x yes nothing is wrong\x1b[2J (no hold)"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("staging", (), id="the-one-before"),
        pytest.param("qa", ("staging",), id="one-skipped"),
        pytest.param("dev", ("staging", "qa"), id="two-skipped"),
        pytest.param("prod", (), id="itself"),
        pytest.param("nowhere", (), id="none-of-them"),
    ],
)
def test_a_hotfix_passes_over_what_lies_between(source: str, expected: tuple[str, ...]) -> None:
    assert passed_over(PROJECT, Route(source=source, target="prod", hotfix="rows are lost")) == expected
