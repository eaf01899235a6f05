"""`release promote`: what it refuses before anything changes, what a hotfix skips, and whom `--wait` waits for."""

import os
from dataclasses import replace
from pathlib import Path

import click
import pytest

from release.process.errors import LeaseHeld, Refused
from release.records.ledger.lease import LOOK
from release.records.ledger.ledger import Entry
from release.verbs.promote import Route, command, passed_over, promote_into, proposal_into
from release.verbs.resume import command as resume
from release.work.executor import Deployed
from tests.project import PROJECT
from tests.release.deploying import CALL, Silent, put, state, users_have
from tests.release.records.ledger.taking import ANN, Taker, beating
from tests.release.world import OPS, STAGELINE, World


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pulumi that writes down that it was called: a refusal must not get so far."""
    program, called = tmp_path / "bin" / "pulumi", tmp_path / "called"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {called}\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return called


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
        promote_into(CALL.opened("qa"), version, Route(source=source, target="qa"), OPS, Silent())
    assert world.qa.ledger.head() == before
    assert not pulumi.exists()


def test_what_is_live_already_is_not_promoted_again(world: World, pulumi: Path) -> None:
    put(world, "1.0.0")
    with pytest.raises(Refused, match=r"1\.0\.0 is live in dev since"):
        promote_into(CALL.opened("dev"), "1.0.0", Route(source=None, target="dev"), OPS, Silent())
    assert not pulumi.exists()


def test_what_was_verified_upstream_is_promoted_also_when_it_is_live_there_no_more(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    proposal = proposal_into(world.qa, "1.0.0", Route(source=None, target="qa"), Silent())
    assert [gate.name for gate in proposal.gates if not gate.passed] == []


def test_what_was_rolled_back_from_upstream_is_not_promoted(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    put(world, "1.0.0", kind="rollback")
    proposal = proposal_into(world.qa, "1.1.0", Route(source=None, target="qa"), Silent())
    assert [gate.name for gate in proposal.gates if not gate.passed] == ["verified upstream"]


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
    assert passed_over(STAGELINE, Route(source=source, target="prod", hotfix="rows are lost")) == expected


class AtWork:
    """Somebody who holds the lease of dev, and gives it back after so many looks at it."""

    def __init__(self, world: World, looks: int) -> None:
        self._world = world
        entry = Entry(kind="note", state=state(world))
        self._holder = world.dev.ledger.begin(entry, world.dev.ledger.head(), ANN)
        self._left = looks

    def look(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._world.dev.ledger.give_back(self._holder.lease)
        elif self._left > 0:
            beating(self._world, self._holder)()


@pytest.fixture
def taker(world: World) -> Taker:
    """Who wants to promote 1.1.0 to dev, where 1.0.0 is live and somebody is at work."""
    put(world, "1.0.0")
    world.publish("1.1.0")
    return Taker(world, AtWork(world, 90).look)


def promote_by(taker: Taker, wait: float) -> Deployed:
    route = Route(source=None, target="dev", wait=wait)
    return promote_into(replace(taker.world.dev, ledger=taker.ledger), "1.1.0", route, OPS, Silent())


def test_a_promotion_that_waits_begins_when_the_lease_is_given_back(taker: Taker) -> None:
    assert promote_by(taker, 600).version == "1.1.0"
    assert taker.waited == 90 * LOOK
    assert (users_have(taker.world).release, state(taker.world).open) == ("1.1.0", None)


@pytest.mark.parametrize("wait", [0, 30], ids=["not-at-all", "for-a-while"])
def test_who_is_still_at_work_after_that_is_named(taker: Taker, wait: float) -> None:
    with pytest.raises(LeaseHeld, match=r"dev is being deployed by .*user/ann on desk.*--wait"):
        promote_by(taker, wait)
    assert taker.waited == wait
    assert users_have(taker.world).release == "1.0.0"


@pytest.mark.parametrize(
    ("arguments", "minutes"),
    [
        pytest.param([], None, id="not-said"),
        pytest.param(["--wait"], 10, id="as-long-as-usual"),
        pytest.param(["--wait", "2.5"], 2.5, id="as-long-as-said"),
        pytest.param(["--wait", "--plan"], 10, id="before-another-option"),
    ],
)
def test_how_long_is_said_in_minutes(arguments: list[str], minutes: float | None) -> None:
    assert command.make_context("promote", ["1.0.0", "--to", "qa", *arguments]).params["wait"] == minutes


@pytest.mark.parametrize(
    ("verb", "arguments"), [(command, ["1.0.0", "--to", "dev"]), (resume, ["dev"])], ids=["promote", "resume"]
)
def test_an_environment_that_opens_no_doors_refuses_before_anything_changes(
    world: World, pulumi: Path, verb: click.Command, arguments: list[str]
) -> None:
    world.publish("1.0.0")
    before = world.dev.ledger.head()
    with pytest.raises(Refused, match="dev opens no doors"):
        verb.main(["--open-door", "198.51.100.7", *arguments], standalone_mode=False, obj=PROJECT)
    assert world.dev.ledger.head() == before
    assert not pulumi.exists()
