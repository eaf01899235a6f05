"""dev with a small application whose releases behave as a file says, and what must agree once a deployment has ended.

A release asks no database and needs nothing to be fetched, so what breaks in these tests is what they break.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from examples.build import pack
from local.demo import Cloud, version_at
from tests.e2e.clone import Done, client, head, live_url
from tests.e2e.ready import Ready

DIALS = 5  # a server that does not answer is given up after seconds: nothing boots here any more
SERVERS = ("stageline-dev-1", "stageline-dev-2")  # as EC2 calls them
UP = ("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")

APPLICATION = '''\
#!/usr/bin/env python3
"""Answers with its version; its mood is in a file: it dies as it starts, or its health is told in 900 KB."""
import http.server, json, os, pathlib

VERSION = os.environ["RELEASE_VERSION"]
MOOD = pathlib.Path({moods!r}) / VERSION

def mood():
    return MOOD.read_text() if MOOD.exists() else ""

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        version = "x" * 900_000 if mood() == "huge" else VERSION
        body = json.dumps({{"version": version}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

if mood() == "dies":
    raise SystemExit(1)
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
'''


@dataclass(frozen=True, kw_only=True)
class Dev:
    """A user's shell, dev's live URL, and the folder with the moods of releases."""

    cloud: Cloud
    url: str
    moods: Path

    @property
    def state(self) -> dict[str, Any]:
        """What HEAD says."""
        found: dict[str, Any] = head(self.cloud, "dev")["state"]
        return found

    @property
    def step(self) -> str:
        """The step that a deployment is in; empty where none is open."""
        return str((self.state["open"] or {}).get("step", ""))

    @property
    def live(self) -> str:
        """The release that is live by the ledger."""
        return str(self.state["live"]["release"])

    @property
    def idle(self) -> tuple[str, str | None]:
        """The slot that users are not on, and the release in it."""
        state = self.state
        slot = "green" if state["declared"] == "blue" else "blue"
        return slot, state[slot] and state[slot]["release"]

    def publish(self, version: str) -> None:
        """Publish a release; its mood is a good one until a test says otherwise."""
        smoke = {"checks": [{"name": "page", "path": "/", "contains": "version", "max_ms": 2000}]}
        content = {
            "bin/start": APPLICATION.format(moods=str(self.moods)).encode(),
            "smoke.json": json.dumps(smoke).encode(),
            "VERSION": version.encode(),
        }
        artifact = self.moods.with_name(f"app-{version}.tar.gz")
        artifact.write_bytes(pack(content))
        self.cloud.must("release", "publish", str(artifact), "--version", version)

    def feels(self, version: str, mood: str) -> None:
        """Give a release a mood from now on; a good one when it is empty."""
        (self.moods / version).write_text(mood)

    def promote(self, version: str, *options: str) -> Done:
        """Try to promote a release to dev."""
        return self.cloud.run("release", "promote", version, "--to", "dev", *options)

    def call(self, verb: str, *options: str) -> Done:
        """A verb of `release` for dev."""
        return self.cloud.run("release", verb, "dev", *options)

    def change(self, section: str, **values: Any) -> None:
        """Other settings, in this clone's copy of the stack file."""
        stack = yaml.safe_load(self.stack_file.read_text())
        stack["config"][f"stageline:{section}"] |= values
        self.stack_file.write_text(yaml.safe_dump(stack, sort_keys=False))

    @property
    def stack_file(self) -> Path:
        """This clone's copy of dev's stack file."""
        return self.cloud.paths.work / "Pulumi.dev.yaml"

    @contextmanager
    def fault(self, *words: str) -> Iterator[None]:
        """Something is broken on purpose, and mended at the end."""
        self.cloud.must("local-cloud", "fault", *words)
        try:
            yield
        finally:
            self.cloud.must("local-cloud", "fault", "clear")

    def healthy(self, slot: str) -> int:
        """How many servers the balancer calls healthy in a slot."""
        balancers = client(self.cloud, "elbv2")
        group = self.outputs["target_groups"][slot]
        states = balancers.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [one["TargetHealth"]["State"] for one in states].count("healthy")

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """The outputs of the stack that no deployment changes: ids, ARNs and addresses."""
        found: dict[str, Any] = json.loads(self.cloud.must("pulumi", "stack", "output", "--json", "--stack", "dev"))
        return found

    def listener(self) -> tuple[str, str | None]:
        """The live listener's ARN, and the slot that it leads to, as AWS says."""
        balancers, port = client(self.cloud, "elbv2"), int(self.url.rsplit(":", 1)[1])
        every = balancers.describe_listeners(LoadBalancerArn=self.outputs["load_balancer"])["Listeners"]
        (live,) = [one for one in every if one["Port"] == port]
        groups = {arn: slot for slot, arn in self.outputs["target_groups"].items()}
        return live["ListenerArn"], groups.get(live["DefaultActions"][0].get("TargetGroupArn"))


@contextmanager
def moody_dev(ready: Ready, *versions: str) -> Iterator[Dev]:
    """A cloud with dev up, these releases published, and the first two promoted, one after the other."""
    with ready.dev() as cloud:
        moods = cloud.paths.project / "dist" / "moods"
        moods.mkdir(parents=True)
        dev = Dev(cloud=cloud, url=live_url(cloud, "dev"), moods=moods)
        dev.change("servers", dial_error_limit=DIALS)
        cloud.must(*UP)
        for version in versions:
            dev.publish(version)
        for version in versions[:2]:
            cloud.must("release", "promote", version, "--to", "dev")
        yield dev


def assert_in_agreement(dev: Dev, version: str) -> None:
    """Users, HEAD, the listener, Pulumi's state and the servers say the same: what HEAD says is left, one `up` does."""
    if dev.state["behind"]:
        up = dev.cloud.run(*UP)
        assert up.returncode == 0, up.stdout + up.stderr
    drift = dev.call("drift")
    assert drift.returncode == 0, drift.stdout + drift.stderr
    state = dev.state
    assert (version_at(dev.url), dev.live, state["open"]) == (version, version, None)
    assert (dev.listener()[1], state["live"]["slot"], state["behind"]) == (state["declared"], state["declared"], "")
