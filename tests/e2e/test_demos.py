"""Demos on the real engine: up in one command, redeployed, gone when their time is over, and dev never touched."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.build import pack
from local.demo import Cloud
from tests.e2e.clone import client, head
from tests.e2e.ready import Ready

pytestmark = pytest.mark.e2e

BRANCH = "feature-demo/map"
PAGE = '''\
#!/usr/bin/env python3
"""Shows a text, and its version where it is asked for its health."""
import http.server, json, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        health = json.dumps({{"version": os.environ["RELEASE_VERSION"]}})
        body = (health if self.path == "/health" else {text!r}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
'''


@pytest.fixture(scope="module")
def cloud(ready: Ready) -> Iterator[Cloud]:
    with ready.dev() as cloud:
        yield cloud


def artifact(cloud: Cloud, text: str) -> str:
    file = cloud.paths.project / f"{text}.tar.gz"
    file.write_bytes(pack({"bin/start": PAGE.format(text=text).encode()}))
    return str(file)


def demo(cloud: Cloud, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cloud.must("release", "demo", *arguments, "--json"))
    return found


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def left_of(cloud: Cloud, creation: str) -> list[str]:
    """Whatever names the creation, in AWS and in the project."""
    secrets = client(cloud, "secretsmanager").list_secrets()["SecretList"]
    groups = client(cloud, "ec2").describe_security_groups(Filters=[{"Name": "tag:creation", "Values": [creation]}])
    roles = client(cloud, "iam").list_roles(PathPrefix=f"/stageline/demo-{creation}/")["Roles"]
    objects = client(cloud, "s3").list_objects_v2(
        Bucket="stageline-dev-artifacts-123456789012-eu-central-1", Prefix=f"demos/{creation}"
    )
    return [
        *(one["Name"] for one in secrets if creation in one["Name"]),
        *(one["GroupId"] for one in groups["SecurityGroups"]),
        *(one["RoleName"] for one in roles),
        *(one["Key"] for one in objects.get("Contents", [])),
    ]


def test_a_branch_is_shown_redeployed_listed_and_taken_down(cloud: Cloud) -> None:
    before = head(cloud, "dev")
    made = demo(cloud, "up", BRANCH, "--artifact", artifact(cloud, "first"), "--open-to", "world")["demo"]
    assert fetched(made["url"]) == "first"

    again = demo(cloud, "up", BRANCH, "--artifact", artifact(cloud, "second"))["demo"]
    assert (again["url"], again["creation"]) == (made["url"], made["creation"])
    assert fetched(made["url"]) == "second"

    [listed] = demo(cloud, "list")["demos"]
    assert (listed["branch"], listed["state"], listed["owner"]) == (BRANCH, "up", made["owner"])

    stack = made["stack"]
    preview = cloud.must("pulumi", "preview", "--stack", stack, "--diff", "--non-interactive")
    assert "unchanged" in preview and "to update" not in preview

    demo(cloud, "down", BRANCH)
    assert demo(cloud, "list")["demos"] == []
    assert left_of(cloud, made["creation"]) == []
    assert stack not in cloud.must("pulumi", "stack", "ls")
    assert not Path(cloud.paths.work / f"Pulumi.{stack}.yaml").exists()
    assert head(cloud, "dev") == before
