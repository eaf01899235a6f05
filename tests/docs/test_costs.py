"""The page of costs says what the stack files of the tests' project ask for, at the prices that it names."""

import re
from decimal import Decimal

from settings.stackfile import environments, load
from tests.docs import costs
from tests.docs.pages import rows, section
from tests.project import PROJECT

PAGE = costs.PAGE.read_text()
A_DAY = re.compile(r"20\d\d-\d\d-\d\d")


def test_each_environment_has_what_it_declares_at_the_prices_of_the_page() -> None:
    shown = [line for line in section(PAGE, "A month").splitlines() if line.startswith("|")]
    assert shown[2:] == costs.monthly(PAGE, PROJECT), "the table has to be:\n" + "\n".join(costs.monthly(PAGE, PROJECT))


def test_the_table_has_a_column_for_each_environment() -> None:
    head, *_ = [line for line in section(PAGE, "A month").splitlines() if line.startswith("|")]
    assert tuple(cell.strip() for cell in head.strip("|").split("|"))[1:] == environments(PROJECT)


def test_the_sums_add_up() -> None:
    *lines, (_, *sums) = rows(section(PAGE, "A month"))
    columns = zip(*(line[1:] for line in lines), strict=True)
    assert [sum(map(amount, column)) for column in columns] == [Decimal(total.strip("*")) for total in sums]


def test_everything_that_is_charged_by_the_hour_or_by_its_number_has_a_price() -> None:
    priced = costs.prices(PAGE)
    for name in environments(PROJECT):
        assert costs.amounts(load(PROJECT, name), costs.declared(PROJECT, name)).keys() <= priced.keys()


def test_every_kind_of_resource_has_a_price_or_is_known_to_have_none() -> None:
    resources = [one for name in environments(PROJECT) for one in costs.declared(PROJECT, name)]
    fixed = [one for one in resources if not one["type"].startswith(costs.NO_FIXED_PRICE)]
    assert {one["type"] for one in fixed if not costs.units(one["type"], one["inputs"])} == set()


def test_endpoints_are_of_the_kind_that_costs_nothing() -> None:
    endpoints = [
        one for name in environments(PROJECT) for one in costs.declared(PROJECT, name) if "vpcEndpoint:" in one["type"]
    ]
    assert {one["inputs"].get("vpcEndpointType", "Gateway") for one in endpoints} == {"Gateway"}


def test_every_price_says_where_it_is_from_and_when_it_was_found() -> None:
    table = rows(section(PAGE, "Prices"))
    assert [what for what, _, _, _, source in table if "](https://" not in source] == []
    assert [what for what, usd, _, day, _ in table if usd != costs.TO_CHECK and not A_DAY.search(day)] == []


def test_the_prices_are_of_the_region_of_the_stack_files() -> None:
    regions = {load(PROJECT, name).region for name in environments(PROJECT)}
    assert regions == {"eu-central-1"} and "eu-central-1" in section(PAGE, "Prices")


def test_a_standby_is_counted_with_its_disk() -> None:
    inputs = {"instanceClass": "db.m7g.large", "allocatedStorage": 100, "multiAz": True}
    assert costs.database(inputs) == {"db.m7g.large": 2, "GB of database": 200, "secret": 1}


def amount(cell: str) -> Decimal:
    """The USD of a cell like `2: 35.04`; nothing for what is to be checked."""
    _, _, usd = cell.partition(": ")
    return Decimal(usd) if usd and usd != costs.TO_CHECK else Decimal(0)
