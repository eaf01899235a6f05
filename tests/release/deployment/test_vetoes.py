"""Vetoes of every environment's ledger: all of them count, and one that cannot be read might say no."""

import pytest

from release.deployment.vetoes import head_of, standing_vetoes
from release.errors import Broken, Inconclusive
from release.ledger.head import Head
from release.verbs.veto import veto
from tests.aws_clients import aws_resource
from tests.release.world import ROOT, World


def test_the_vetoes_of_every_environment_are_found_and_those_without_a_ledger_have_none(world: World) -> None:
    world.publish("1.0.0")
    veto(ROOT, "1.0.0", reason="loses rows", ci="")
    assert [(one.environment, one.veto.release) for one in standing_vetoes(ROOT)] == [("dev", "1.0.0")]


def test_a_damaged_ledger_is_broken_and_not_silently_without_vetoes(world: World) -> None:
    aws_resource("dynamodb").Table(world.qa.ledger.table.name).delete_item(Key={"kind": "HEAD", "seq": 0})
    with pytest.raises(Broken, match="has no HEAD"):
        standing_vetoes(ROOT)


class Unreadable:
    """A ledger that AWS refuses to show."""

    def head(self) -> Head:
        raise Broken("cannot read HEAD") from ConnectionError("no route")


def test_a_ledger_that_may_not_be_read_is_inconclusive_because_it_could_say_no() -> None:
    with pytest.raises(Inconclusive, match="could not be told whether prod vetoes this release: cannot read HEAD"):
        head_of(Unreadable(), "prod")
