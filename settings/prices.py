"""Prices: what AWS charges for things by the hour or by their number, and what a list of resources costs by them.

The figures stand in `prices.toml`, each with its date and its source. What nobody could look up has none: it is in no
sum, and is named beside it.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

HOURS = 730  # in a month, as AWS counts
DAYS = Decimal(HOURS) / 24

# Free, or charged by use. A kind of resource that is neither here nor among `units` costs nobody knows what.
FREE = (
    *("aws:iam/", "aws:s3/", "aws:sns/", "aws:ssm/", "aws:vpc/", "command:", "pulumi:", "stageline:"),
    *("aws:cloudwatch/log", "aws:ec2/defaultSecurityGroup", "aws:ec2/flowLog", "aws:ec2/internetGateway"),
    *("aws:ec2/route", "aws:ec2/securityGroup", "aws:ec2/subnet", "aws:ec2/vpc", "aws:kms/alias", "aws:lb/listener"),
    *("aws:lb/targetGroup", "aws:rds/parameterGroup", "aws:rds/subnetGroup"),
)


@dataclass(frozen=True, kw_only=True)
class Price:
    """USD for one unit of a thing per hour or month; ``usd`` is None, and ``as_of`` empty, where nobody knows it."""

    per: Literal["hour", "month"]
    source: str
    usd: Decimal | None = None
    as_of: str = ""

    @property
    def a_month(self) -> Decimal | None:
        """USD a month."""
        return None if self.usd is None else self.usd * (HOURS if self.per == "hour" else 1)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """USD, rounded to cents, and the things that are not in it because their price is not known."""

    usd: Decimal
    unknown: tuple[str, ...]


@cache
def prices(region: str) -> Mapping[str, Price]:
    """The price of each thing in a region; none where nobody wrote them down, so that all of it is unknown."""
    told = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"), parse_float=Decimal)
    return {thing: _price(said) for thing, said in told.get(region, {}).items()}


def cost_per_day(resources: Iterable[Mapping[str, Any]], known: Mapping[str, Price]) -> Cost:
    """What resources (each with the Pulumi ``type`` and ``inputs``) cost a day, at the prices of their region."""
    counted = amounts(resources)
    monthly = {thing: known[thing].a_month if thing in known else None for thing in counted}
    priced = {thing: usd for thing, usd in monthly.items() if usd is not None}
    usd = sum((counted[thing] * usd for thing, usd in priced.items()), Decimal(0)) / DAYS
    return Cost(usd=round(usd, 2), unknown=tuple(sorted(counted.keys() - priced.keys())))


def amounts(resources: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """How many units of which price resources are charged for."""
    counted: Counter[str] = Counter()
    for one in resources:
        counted.update({thing: int(number) for thing, number in units(one["type"], one["inputs"]).items()})
    return +counted


def units(type: str, inputs: Mapping[str, Any]) -> dict[str, int]:
    """What one resource is charged for. Numbers come as floats from the program."""
    match type:
        case "aws:ec2/instance:Instance":
            disk = inputs["rootBlockDevice"]["volumeSize"]
            return {inputs["instanceType"]: 1, "GB of disk": disk, "public IPv4": inputs["associatePublicIpAddress"]}
        case "aws:rds/instance:Instance":
            return _database(inputs)
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
    return {} if type.startswith(FREE) else {type: 1}


def _database(inputs: Mapping[str, Any]) -> dict[str, int]:
    """A standby costs as much as the instance itself, with its disk. RDS keeps the master password in a secret."""
    machines = 2 if inputs["multiAz"] else 1
    return {inputs["instanceClass"]: machines, "GB of database": machines * inputs["allocatedStorage"], "secret": 1}


def _price(said: Mapping[str, Any]) -> Price:
    return Price(**{**said, "usd": Decimal(said["usd"]) if "usd" in said else None})
