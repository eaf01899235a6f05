"""An AWS of its own for each test: moto in this process, mended where the local cloud mends it, and no socket."""

from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest
from moto import mock_aws

from local.hooks.bucket_policies import install_bucket_policies
from local.hooks.copies import install_copies
from local.hooks.multiparts import install_multiparts
from local.hooks.transactions import install_transactions
from tests.release.clients import answering
from tests.release.crash.memory import Cloud
from tests.release.world import World


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS as moto gives it, with credentials of its account."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with ExitStack() as installed, mock_aws():
        for install in (install_transactions, install_copies, install_multiparts, install_bucket_policies):
            install(installed)
        yield


@pytest.fixture
def world(request: pytest.FixtureRequest, aws: None, tmp_path: Path) -> Iterator[World]:
    """Two initialised environments, dev and qa, with fake servers; AWS answers from memory, unless marked ``moto``."""
    is_moto = request.node.get_closest_marker("moto") is not None
    with nullcontext() if is_moto else answering(Cloud()):
        yield World(tmp_path)
