"""How long an engineer waits for a feature demo, for another content and for its end, and what a further one costs."""

from collections.abc import Iterator
from pathlib import Path

from bench.engine import UP
from bench.figure import Figure
from bench.scratch import api_calls, change_settings, scratch_cloud, timed
from examples.build import pack
from local.demo import Cloud
from local.paths import CODE

MANY = 6  # demos that are there at once: more servers than the smallest machine runs would measure the machine
PAGE = CODE / "examples" / "page"


def feature_demo_seconds() -> Iterator[Figure]:
    """One demo from nothing to its end, and the last of several against the first."""
    with scratch_cloud(["dev"]) as cloud:
        change_settings(cloud, "dev", "demo", most_per_owner=MANY)
        cloud.must(*UP, "dev")
        cloud.must("release", "database-login", "dev")
        first, second = (_artifact(cloud.paths.project, text) for text in ("first", "second"))
        api_calls(cloud)
        yield Figure(what="release demo up to a URL that answers", value=_up(cloud, 1, first), unit="s", bound=15)
        of_first = api_calls(cloud)
        yield Figure(what="release demo up of another content", value=_up(cloud, 1, second), unit="s", bound=8)
        for number in range(2, MANY):
            _up(cloud, number, first)
        api_calls(cloud)
        _up(cloud, MANY, first)
        ratio = api_calls(cloud) / of_first
        yield Figure(what=f"requests of demo {MANY} against those of the first", value=ratio, unit="x", bound=1.1)
        down = timed(cloud, "release", "demo", "down", _branch(1))
        yield Figure(what="release demo down until nothing is left", value=down, unit="s", bound=8)


def _up(cloud: Cloud, number: int, artifact: Path) -> float:
    return timed(cloud, "release", "demo", "up", _branch(number), "--artifact", str(artifact))


def _branch(number: int) -> str:
    return f"feature-demo/{number}"


def _artifact(folder: Path, text: str) -> Path:
    """The example's page with another text."""
    file = folder / f"{text}.tar.gz"
    file.write_bytes(pack({"bin/start": (PAGE / "bin" / "start").read_bytes(), "index.html": text.encode()}))
    return file
