"""How long an engineer waits for a feature demo, for another content and for its end, and what a further one costs."""

import json
from collections.abc import Iterator
from pathlib import Path

from bench.engine import UP
from bench.figure import Figure
from bench.scratch import api_calls, change_settings, scratch_cloud, timed
from examples.build import pack
from local.demo import Cloud
from local.paths import CODE
from settings.demos import charged, derived, stack_of
from settings.model import Demo
from settings.prices import cost_per_day, prices
from settings.stackfile import load
from tests.project import PROJECT

REAL, MANY = 5, 50  # demos with a server, as many as the smallest machine runs, and those that the registry knows
SIZES = ("t3.micro", "t3.medium")  # of a demo's server
PAGE = CODE / "examples" / "page"


def feature_demo_seconds() -> Iterator[Figure]:
    """One demo from nothing to its end, and the last of several against the first."""
    with scratch_cloud(["dev"]) as cloud:
        change_settings(cloud, "dev", "demo", most=MANY, most_per_owner=MANY)
        cloud.must(*UP, "dev")
        cloud.must("release", "database-login", "dev")
        first, second = (_artifact(cloud.paths.project, text) for text in ("first", "second"))
        api_calls(cloud)
        alone = _up(cloud, 1, first)
        yield Figure(what="release demo up to a URL that answers", value=alone, unit="s", bound=15)
        of_first = api_calls(cloud)
        yield Figure(what="release demo up of another content", value=_up(cloud, 1, second), unit="s", bound=8)
        for number in range(2, REAL):
            _up(cloud, number, first)
        _record(cloud, range(REAL, MANY))
        api_calls(cloud)
        seconds = _up(cloud, MANY, first)
        asked = api_calls(cloud) / of_first
        yield Figure(what=f"requests of demo {MANY} against those of the first", value=asked, unit="x", bound=1.1)
        yield Figure(what=f"time of demo {MANY} against the first", value=seconds / alone, unit="x", bound=1.1)
        down = timed(cloud, "release", "demo", "down", _branch(1))
        yield Figure(what="release demo down until nothing is left", value=down, unit="s", bound=8)


def demo_costs() -> Iterator[Figure]:
    """A demo a day by the table of prices, for two sizes of its server on dev as it is tracked."""
    base = load(PROJECT, "dev")
    for size in SIZES:
        settings = derived(base, Demo(instance_type=size), creation="0a1b2c3d", open_to=())
        cost = cost_per_day(charged(settings, base.demo.database if base.demo else "none"), prices(settings.region))
        unknown = ", ".join(cost.unknown)
        detail = f"    without {unknown}: nobody could look up the price" if unknown else ""
        yield Figure(what=f"a demo on {size}, a day", value=float(cost.usd), unit="USD", detail=detail)


def _record(cloud: Cloud, numbers: range) -> None:
    """Demos that only the registry knows: copies of the first one's item."""
    table = cloud.client("dynamodb")
    key = {"stack": {"S": stack_of(_branch(1))}}
    item = table.get_item(TableName="stageline-demos", Key=key, ConsistentRead=True)["Item"]
    for number in numbers:
        own = {"branch": _branch(number), "stack": stack_of(_branch(number)), "creation": f"{number:08x}"}
        body = {"S": json.dumps({**json.loads(item["body"]["S"]), **own})}
        table.put_item(TableName="stageline-demos", Item={**item, "stack": {"S": own["stack"]}, "body": body})


def _up(cloud: Cloud, number: int, artifact: Path) -> float:
    return timed(cloud, "release", "demo", "up", _branch(number), "--artifact", str(artifact))


def _branch(number: int) -> str:
    return f"feature-demo/{number}"


def _artifact(folder: Path, text: str) -> Path:
    """The example's page with another text."""
    file = folder / f"{text}.tar.gz"
    file.write_bytes(pack({"bin/start": (PAGE / "bin" / "start").read_bytes(), "index.html": text.encode()}))
    return file
