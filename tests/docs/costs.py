"""What an environment costs a month: the prices of docs/costs.md times what the program declares.

Only what costs the same whatever an environment is used for: hours of machines, sizes of disks, numbers of keys.

    .venv/bin/python -m tests.docs.costs

prints the table of that page for the stack files of this checkout.
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
from settings.model import Settings
from settings.stackfile import environments, load
from tests.docs.pages import ROOT, rows, section
from tests.project import CHECKOUT

PAGE = ROOT / "docs" / "costs.md"
HOURS = 730  # in a month, as AWS counts
TO_CHECK = "check"
SUM = "**sum without what is to be checked**"

SECRETS_OF_INIT = ("deploy key", "authorized keys", "host key", "database login")
KEYS_OF_INIT = ("state key",)

# Free, or charged by use. A kind of resource that is new here has to be put somewhere.
NO_FIXED_PRICE = (
    *("aws:iam/", "aws:s3/", "aws:sns/", "aws:ssm/", "aws:vpc/", "command:", "pulumi:", "stageline:"),
    *("aws:cloudwatch/log", "aws:ec2/defaultSecurityGroup", "aws:ec2/flowLog", "aws:ec2/internetGateway"),
    *("aws:ec2/route", "aws:ec2/securityGroup", "aws:ec2/subnet", "aws:ec2/vpc", "aws:kms/alias", "aws:lb/listener"),
    *("aws:lb/targetGroup", "aws:rds/parameterGroup", "aws:rds/subnetGroup"),
)

Resource = Mapping[str, Any]


def prices(page: str) -> dict[str, Decimal | None]:
    """USD a month of one unit of each thing; None where nobody could look the price up."""
    table = rows(section(page, "Prices"))
    return {what.strip("`"): a_month(usd, per) for what, usd, per, *_ in table}


def a_month(usd: str, per: str) -> Decimal | None:
    return None if usd == TO_CHECK else Decimal(usd) * (HOURS if per == "hour" else 1)


def amounts(settings: Settings, resources: Iterable[Resource]) -> Counter[str]:
    """How many units of which price an environment has."""
    counted: Counter[str] = Counter({"KMS key": len(KEYS_OF_INIT), "secret": len(SECRETS_OF_INIT)})
    counted["secret"] += settings.servers.bastion is not None
    for one in resources:
        counted.update({what: int(amount) for what, amount in units(one["type"], one["inputs"]).items()})
    return counted


def units(type: str, inputs: Mapping[str, Any]) -> dict[str, int]:
    """What one resource is charged for. Numbers come as floats from the program."""
    match type:
        case "aws:ec2/instance:Instance":
            disk = inputs["rootBlockDevice"]["volumeSize"]
            return {inputs["instanceType"]: 1, "GB of disk": disk, "public IPv4": inputs["associatePublicIpAddress"]}
        case "aws:rds/instance:Instance":
            return database(inputs)
        case "aws:lb/loadBalancer:LoadBalancer":
            return {"load balancer": 1, "public IPv4": len(inputs["subnets"])}
        case "aws:ec2/natGateway:NatGateway":
            return {"NAT gateway": 1}
        case "aws:ec2/eip:Eip":
            return {"public IPv4": 1}
        case "aws:kms/key:Key":
            return {"KMS key": 1}
        case "aws:secretsmanager/secret:Secret":
            return {"secret": 1}
        case "aws:cloudwatch/metricAlarm:MetricAlarm":
            return {"alarm": 1}
        case "aws:cloudwatch/dashboard:Dashboard":
            return {"dashboard": 1}
    return {}


def database(inputs: Mapping[str, Any]) -> dict[str, int]:
    """A standby costs as much as the instance itself, with its disk. RDS keeps the master password in a secret."""
    machines = 2 if inputs["multiAz"] else 1
    return {inputs["instanceClass"]: machines, "GB of database": machines * inputs["allocatedStorage"], "secret": 1}


@cache
def declared(project: Path, environment: str) -> list[Resource]:
    """The resources of an environment with a release in each slot."""
    said = answer(project, {"environment": environment, "changes": {}, "slots": BOTH_FILLED})
    return list(said["resources"])


def monthly(page: str, project: Path) -> list[str]:
    """The lines of a project's table: an amount and what it costs for each price and environment."""
    names = environments(project)
    counted = {name: amounts(load(project, name), declared(project, name)) for name in names}
    unpriced = {what for amount in counted.values() for what in amount} - prices(page).keys()
    priced = {**prices(page), **dict.fromkeys(sorted(unpriced))}
    lines = [[what, *(cell(counted[name][what], usd) for name in names)] for what, usd in priced.items()]
    sums = [f"**{total(counted[name], priced):.2f}**" for name in names]
    return [f"| {' | '.join(line)} |" for line in [*lines, [SUM, *sums]]]


def cell(amount: int, usd: Decimal | None) -> str:
    if not amount:
        return "0"
    return f"{amount}: {TO_CHECK if usd is None else f'{amount * usd:.2f}'}"


def total(counted: Counter[str], priced: Mapping[str, Decimal | None]) -> Decimal:
    """Of rounded amounts, so that who adds up the table comes to the same."""
    known = {what: usd for what, usd in priced.items() if usd is not None}
    return sum((round(counted[what] * usd, 2) for what, usd in known.items()), Decimal(0))


def main() -> None:
    """Print the table of this checkout."""
    head = f"| | {' | '.join(environments(CHECKOUT))} |"
    sys.stdout.write("\n".join([head, *monthly(PAGE.read_text(), CHECKOUT)]) + "\n")


if __name__ == "__main__":
    main()
