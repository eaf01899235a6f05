"""What resources cost a day by the prices of a region, and what of it nobody knows."""

import re
from decimal import Decimal
from typing import Any

import pytest

from settings.prices import Cost, Price, cost_per_day, prices, units

A_DAY = re.compile(r"20\d\d-\d\d-\d\d")
KNOWN = {
    "t3.small": Price(per="hour", usd=Decimal("0.024"), source="a bill"),
    "GB of disk": Price(per="month", usd=Decimal("0.0952"), source="a bill"),
    "secret": Price(per="month", usd=Decimal("0.40"), source="a bill"),
    "GB of database": Price(per="month", usd=Decimal("0.137"), source="a bill"),
    "db.t4g.small": Price(per="hour", source="a page"),
}
SERVER = {
    "type": "aws:ec2/instance:Instance",
    "inputs": {
        "instanceType": "t3.small",
        "rootBlockDevice": {"volumeSize": 20.0},
        "associatePublicIpAddress": False,
    },
}
DATABASE = {
    "type": "aws:rds/instance:Instance",
    "inputs": {"instanceClass": "db.t4g.small", "allocatedStorage": 20, "multiAz": False},
}
SECRET: dict[str, Any] = {"type": "aws:secretsmanager/secret:Secret", "inputs": {}}


@pytest.mark.parametrize(
    ("resources", "cost"),
    [
        pytest.param([], Cost(usd=Decimal(0), unknown=()), id="nothing"),
        pytest.param([SERVER], Cost(usd=Decimal("0.64"), unknown=()), id="24 hours and a day's share of a month"),
        pytest.param([SECRET] * 3, Cost(usd=Decimal("0.04"), unknown=()), id="rounded once"),
        pytest.param([DATABASE], Cost(usd=Decimal("0.10"), unknown=("db.t4g.small",)), id="a price nobody knows"),
        pytest.param(
            [{"type": "aws:kms/key:Key", "inputs": {}}],
            Cost(usd=Decimal(0), unknown=("KMS key",)),
            id="no price in this region",
        ),
        pytest.param(
            [{"type": "aws:elasticache/cluster:Cluster", "inputs": {}}],
            Cost(usd=Decimal(0), unknown=("aws:elasticache/cluster:Cluster",)),
            id="a kind of resource that nobody priced",
        ),
        pytest.param([{"type": "aws:iam/role:Role", "inputs": {}}], Cost(usd=Decimal(0), unknown=()), id="free"),
    ],
)
def test_a_day_costs_what_is_known_and_names_what_is_not(resources: list[dict[str, Any]], cost: Cost) -> None:
    assert cost_per_day(resources, KNOWN) == cost


def test_a_standby_is_counted_with_its_disk() -> None:
    inputs = {"instanceClass": "db.m7g.large", "allocatedStorage": 100, "multiAz": True}
    counted = units("aws:rds/instance:Instance", inputs)
    assert counted == {"db.m7g.large": 2, "GB of database": 200, "secret": 1}


def test_every_price_says_where_it_is_from_and_when_it_was_found() -> None:
    table = prices("eu-central-1")
    assert [thing for thing, one in table.items() if "](https://" not in one.source] == []
    assert [thing for thing, one in table.items() if one.usd is not None and not A_DAY.search(one.as_of)] == []


def test_a_region_without_prices_leaves_everything_unknown() -> None:
    assert cost_per_day([SERVER], prices("eu-west-1")).unknown == ("GB of disk", "t3.small")


def test_the_figures_are_exact() -> None:
    assert prices("eu-central-1")["secret"].usd == Decimal("0.40")
