"""The engine's tests run a `pulumi` of their own."""

import os
from pathlib import Path

import pytest

from tests.release.doors.engine.fake_pulumi import install


@pytest.fixture
def fake_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First on PATH, in the test's own folder."""
    install(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
