"""The small cloud as a fixture."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.servers.small_cloud import Cloud, small_cloud


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with small_cloud(tmp_path) as running:
        yield running
