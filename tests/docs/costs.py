"""The tables of docs/costs.md: what an environment costs a month by what the program declares, and at which prices.

Only what costs the same whatever an environment is used for: hours of machines, sizes of disks, numbers of keys.

    .venv/bin/python -m tests.docs.costs

prints both for the stack files of this checkout.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from components.graph import answer
from release.doors.recordings import BOTH_FILLED
from settings import prices
from settings.model import Settings
from settings.stackfile import environments, load
from tests.docs.pages import ROOT
from tests.project import CHECKOUT

PAGE = ROOT / "docs" / "costs.md"
REGION = "eu-central-1"
TO_CHECK = "check"
SUM = "**sum without what is to be checked**"
HEADINGS = ("of", "USD", "per", "as of", "source")

SECRETS_OF_INIT = ("deploy key", "authorized keys", "host key", "database login")
KEYS_OF_INIT = ("state key",)

Resource = Mapping[str, Any]


def amounts(settings: Settings, resources: Iterable[Resource]) -> Counter[str]:
    """How many units of which price an environment has, with what `release init` made for it."""
    counted = prices.amounts(resources)
    counted.update({"KMS key": len(KEYS_OF_INIT), "secret": len(SECRETS_OF_INIT)})
    counted["secret"] += settings.servers.bastion is not None
    counted["secret"] += settings.demo is not None and settings.demo.database == "shared"
    return counted


@cache
def declared(project: Path, environment: str) -> list[Resource]:
    """The resources of an environment with a release in each slot."""
    said = answer(project, {"environment": environment, "changes": {}, "slots": BOTH_FILLED})
    return list(said["resources"])


def monthly(project: Path) -> list[str]:
    """The lines of a project's table: an amount and what it costs for each price and environment."""
    names = environments(project)
    counted = {name: amounts(load(project, name), declared(project, name)) for name in names}
    known = {thing: price.a_month for thing, price in prices.prices(REGION).items()}
    unpriced = {thing for amount in counted.values() for thing in amount} - known.keys()
    priced = {**known, **dict.fromkeys(sorted(unpriced))}
    lines = [[thing, *(cell(counted[name][thing], usd) for name in names)] for thing, usd in priced.items()]
    sums = [f"**{total(counted[name], priced):.2f}**" for name in names]
    return [line(cells) for cells in [*lines, [SUM, *sums]]]


def listed() -> list[str]:
    """The lines of the table of prices."""
    rows = prices.prices(REGION).items()
    return [line([f"`{thing}`", shown(one.usd), one.per, one.as_of, one.source]) for thing, one in rows]


def line(cells: Iterable[str]) -> str:
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def shown(usd: Decimal | None) -> str:
    return TO_CHECK if usd is None else str(usd)


def cell(amount: int, usd: Decimal | None) -> str:
    if not amount:
        return "0"
    return f"{amount}: {TO_CHECK if usd is None else f'{amount * usd:.2f}'}"


def total(counted: Counter[str], priced: Mapping[str, Decimal | None]) -> Decimal:
    """Of rounded amounts, so that who adds up the table comes to the same."""
    known = {thing: usd for thing, usd in priced.items() if usd is not None}
    return sum((round(counted[thing] * usd, 2) for thing, usd in known.items()), Decimal(0))


def main() -> None:
    """Print the tables of this checkout."""
    head = [line(["", *environments(CHECKOUT)]), *monthly(CHECKOUT), "", line(HEADINGS), *listed()]
    sys.stdout.write("\n".join(head) + "\n")


if __name__ == "__main__":
    main()
