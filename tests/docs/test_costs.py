"""The page of costs says what the stack files of the tests' project ask for, at the prices that it names."""

from decimal import Decimal

from settings import prices
from settings.stackfile import environments, load
from tests.docs import costs
from tests.docs.pages import rows, section
from tests.project import PROJECT

PAGE = costs.PAGE.read_text()


def test_each_environment_has_what_it_declares_at_the_prices_of_the_page() -> None:
    shown = [line for line in section(PAGE, "A month").splitlines() if line.startswith("|")]
    assert shown[2:] == costs.monthly(PROJECT), "the table has to be:\n" + "\n".join(costs.monthly(PROJECT))


def test_the_page_has_the_prices_that_are_reckoned_with() -> None:
    shown = [line for line in section(PAGE, "Prices").splitlines() if line.startswith("|")]
    assert shown[2:] == costs.listed(), "the table has to be:\n" + "\n".join(costs.listed())


def test_the_table_has_a_column_for_each_environment() -> None:
    head, *_ = [line for line in section(PAGE, "A month").splitlines() if line.startswith("|")]
    assert tuple(cell.strip() for cell in head.strip("|").split("|"))[1:] == environments(PROJECT)


def test_the_sums_add_up() -> None:
    *lines, (_, *sums) = rows(section(PAGE, "A month"))
    columns = zip(*(line[1:] for line in lines), strict=True)
    assert [sum(map(amount, column)) for column in columns] == [Decimal(total.strip("*")) for total in sums]


def test_everything_that_is_charged_by_the_hour_or_by_its_number_has_a_price() -> None:
    priced = prices.prices(costs.REGION).keys()
    for name in environments(PROJECT):
        assert costs.amounts(load(PROJECT, name), costs.declared(PROJECT, name)).keys() <= priced


def test_endpoints_are_of_the_kind_that_costs_nothing() -> None:
    endpoints = [
        one for name in environments(PROJECT) for one in costs.declared(PROJECT, name) if "vpcEndpoint:" in one["type"]
    ]
    assert {one["inputs"].get("vpcEndpointType", "Gateway") for one in endpoints} == {"Gateway"}


def test_the_prices_are_of_the_region_of_the_stack_files() -> None:
    regions = {load(PROJECT, name).region for name in environments(PROJECT)}
    assert regions == {costs.REGION} and costs.REGION in section(PAGE, "Prices")


def amount(cell: str) -> Decimal:
    """The USD of a cell like `2: 35.04`; nothing for what is to be checked."""
    _, _, usd = cell.partition(": ")
    return Decimal(usd) if usd and usd != costs.TO_CHECK else Decimal(0)
