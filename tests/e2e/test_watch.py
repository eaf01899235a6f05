"""Releases that pass every check and turn bad where users are, on the real engine: the watch finds them.

One cloud: dev is up, and 1.0.0 is live in it. Each release here waits for a file that the test
writes once users get it, and then answers errors, answers late, or dies. Afterwards users have 1.0.0 again.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.build import pack
from local.demo import Cloud, version_at
from release.doors.aws.metrics import Metrics
from release.doors.aws.session import AwsSession
from release.rules.figures import figures_of
from settings.model import Watch as WatchBounds
from tests.e2e.clone import (
    begin,
    client,
    ended,
    eventually,
    head,
    ledger_item,
    live_url,
    one_line,
)
from tests.e2e.ready import Ready

WATCH = {"seconds": 12, "error_percent": 100, "p95_ms": 10000}  # but for what a release here does wrong

APPLICATION = '''\
#!/usr/bin/env python3
"""Answers well until a file says otherwise, and then to a few more requests: smoke checks come before the watch."""
import http.server, json, os, pathlib, time

SIGN = pathlib.Path({sign!r})
seen = []

def mood_for(path):
    if path != "/" or not SIGN.exists():
        return "good"
    seen.append(path)
    return SIGN.read_text() if len(seen) > 2 else "good"

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        mood = mood_for(self.path)
        if mood == "dies":
            SIGN.unlink()
            os._exit(1)
        if mood == "late":
            time.sleep(0.5)
        body = json.dumps({{"version": os.environ["RELEASE_VERSION"]}}).encode()
        self.send_response(500 if mood == "errors" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

address = (os.environ["HOST"], int(os.environ["PORT"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
'''

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@dataclass(frozen=True, kw_only=True)
class Dev:
    """A user's shell, dev's live URL, and the file by which releases turn bad."""

    cloud: Cloud
    url: str
    sign: Path

    @property
    def state(self) -> dict[str, Any]:
        """What HEAD says."""
        found: dict[str, Any] = head(self.cloud, "dev")["state"]
        return found

    @property
    def stops(self) -> dict[str, Any]:
        """What keeps releases out."""
        item = ledger_item(self.cloud, "dev", "STOPS")
        assert item is not None
        found: dict[str, Any] = json.loads(item["body"]["S"])
        return found

    def publish(self, version: str) -> None:
        smoke = {"checks": [{"name": "page", "path": "/", "contains": "version", "max_ms": 2000}]}
        content = {
            "bin/start": APPLICATION.format(sign=str(self.sign)).encode(),
            "smoke.json": json.dumps(smoke).encode(),
            "VERSION": version.encode(),
        }
        artifact = self.sign.with_name(f"app-{version}.tar.gz")
        artifact.write_bytes(pack(content))
        self.cloud.must("release", "publish", str(artifact), "--version", version)

    def watched_by(self, **bounds: float) -> None:
        """Other settings of the watch, in this clone's copy of the stack file."""
        file = self.cloud.paths.work / "Pulumi.dev.yaml"
        stack = yaml.safe_load(file.read_text())
        stack["config"]["stageline:watch"] |= {**WATCH, **bounds}
        file.write_text(yaml.safe_dump(stack, sort_keys=False))


@pytest.fixture(scope="module")
def dev(ready: Ready) -> Iterator[Dev]:
    with ready.live_dev() as cloud:
        yield Dev(cloud=cloud, url=live_url(cloud, "dev"), sign=cloud.paths.project / "dist" / "sign")


def test_a_good_release_is_watched_with_the_servers_word_and_evidence_in_the_ledger(dev: Dev) -> None:
    history = json.loads(dev.cloud.must("release", "history", "dev", "--json"))["events"]
    (watched,) = [one["details"] for one in history if (one["kind"], one["step"]) == ("step done", "watched")]
    assert watched["requests"] >= 4
    assert (watched["wrong"], watched["not_reached"]) == (0, 0)
    assert watched["restarts"] == {"env-servers-1": 0, "env-servers-2": 0}
    assert watched["not_told"]["the CPU of env-servers-1"] == "told every 300 s"


@pytest.mark.parametrize(
    ("version", "mood", "bounds", "why"),
    [
        pytest.param("2.0.0", "errors", {"error_percent": 0.5}, "requests were answered wrongly", id="errors"),
        pytest.param("2.1.0", "late", {"p95_ms": 400}, "95 % of answers took up to", id="slow"),
        pytest.param(
            "2.2.0",
            "dies",
            {},
            "restarts of the release on env-servers-",
            id="restarts",
        ),
    ],
)
def test_a_release_that_turns_bad_behind_the_switch_is_found_and_put_back(
    dev: Dev, version: str, mood: str, bounds: dict[str, float], why: str
) -> None:
    dev.watched_by(**bounds)
    dev.publish(version)
    promotion = begin(dev.cloud, "release", "promote", version, "--to", "dev")
    eventually(lambda: version_at(dev.url) == version, limit=300)
    dev.sign.write_text(mood)
    done = ended(promotion, limit=300)
    dev.sign.unlink(missing_ok=True)
    assert (done.returncode, why in one_line(done)) == (1, True), done.stderr
    assert (dev.state["live"]["release"], dev.state["open"]) == ("1.0.0", None)
    assert version_at(dev.url) == "1.0.0"
    assert why in dev.stops["hold"]["reason"]
    assert version in [veto["release"] for veto in dev.stops["vetoes"]]
    dev.cloud.must("release", "hold", "dev", "--lift", "--reason", "the next one")


def test_cloudwatch_tells_a_servers_figures_under_the_names_that_the_watch_asks_for(dev: Dev) -> None:
    outputs = json.loads(dev.cloud.must("pulumi", "stack", "output", "--json", "--stack", "dev"))
    bounds = WatchBounds(seconds=600, error_percent=1, p95_ms=200, cpu_percent=80, memory_percent=70)
    metrics = [figure.metric for figure in figures_of(outputs, dev.state["declared"], bounds)]
    now = datetime.now(UTC)
    found = Metrics(Clients(dev.cloud)).read(metrics, now - timedelta(minutes=10), now)
    silent = {metric.name for metric, points in found.items() if not points}
    assert {name for name in silent if "5XX" not in name and "HTTPCode_ELB_50" not in name} == set()


class Clients(AwsSession):
    """The session of a shell."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def client(self, service: str) -> Any:
        return client(self.cloud, service)
