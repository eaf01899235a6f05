"""A small application whose releases differ by their version alone, so that what is measured is not the application."""

import json
from collections.abc import Mapping
from pathlib import Path

from examples.build import pack
from local.demo import Cloud

PROGRAM = '''\
#!/usr/bin/env python3
"""Answers with its version."""
import http.server, json, os

BODY = json.dumps({"version": os.environ["RELEASE_VERSION"]}).encode()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *arguments):
        pass

http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
'''
SMOKE = {"checks": [{"name": "page", "path": "/", "contains": "version", "max_ms": 2000}]}


def publish_application(cloud: Cloud, *versions: str) -> Mapping[str, Path]:
    """Publish it as these versions; the artifact of each."""
    return {version: _published(cloud, version) for version in versions}


def _published(cloud: Cloud, version: str) -> Path:
    content = {
        "bin/start": PROGRAM.encode(),
        "smoke.json": json.dumps(SMOKE).encode(),
        "VERSION": version.encode(),
    }
    artifact = cloud.paths.project / f"application-{version}.tar.gz"
    artifact.write_bytes(pack(content))
    cloud.must("release", "publish", str(artifact), "--version", version)
    return artifact
