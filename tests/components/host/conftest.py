"""A server of its own for each test."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.host.fake_server import FAKE_BIN, FakeServer, faster, free_port, make_aws
from tests.components.host.warm_run import WarmPython, warm_python


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmPython]:
    with warm_python(tmp_path_factory.mktemp("warm")) as warm:
        yield warm


@pytest.fixture
def server(tmp_path: Path, python: WarmPython) -> Iterator[FakeServer]:
    program = tmp_path / "home" / "stageline"
    program.mkdir(parents=True)
    make_aws(tmp_path / "aws")
    (tmp_path / "systemd").mkdir()
    facts = {"project": "shop", "environment": "dev", "region": "eu-central-1", "address": "127.0.0.1"}
    parameters = {"database_parameter": "/shop/dev/database", "migration_parameter": "/shop/dev/migration"}
    names = {"artifact_bucket": "artifacts-bucket", **parameters}
    (program / "server.json").write_text(json.dumps({**facts, **names}))
    environment = {
        "PATH": f"{FAKE_BIN}:{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "FAKE_AWS": str(tmp_path / "aws"),
        "FAKE_SYSTEMD": str(tmp_path / "systemd"),
    }
    ports = {"blue": free_port(), "green": free_port()}
    server = FakeServer(root=tmp_path, environment=environment, ports=ports, python=python)
    server.installer.write_bytes(faster())
    yield server
    for slot in ports:
        command = [str(FAKE_BIN / "systemctl"), "--user", "stop", f"stageline-{slot}.service"]
        done = subprocess.run(command, env={**environment, "XDG_RUNTIME_DIR": "x"}, check=False, timeout=20)
        assert done.returncode in (0, 5)  # 5: never installed
