"""The engine for the end-to-end tests, what a worker shares, and their order.

The engine is the one that `make setup` found or built, first on PATH. The tests of a file share a cloud, so each file
goes to one worker; what takes longest starts first, so that no worker is still busy when all others have ended. Files
that start from a copy of dev (`ready.py`) go to two workers at most, since each worker has to make dev once. Tests
elsewhere that take long share nothing: they go last, to whoever is free.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.build import find_engine
from tests.e2e.ready import Ready
from tests.e2e.verbs import warm
from tests.e2e.virtualenv import warm_virtualenv

HERE = Path(__file__).parent
LONGEST_FIRST = (
    "test_demo",
    "test_way_back",
    "test_docs",
    "test_deployment",
    "test_identities",
    "test_installer",
    "test_permissions",
    "test_aws_provider_rules",
    "test_aws_provider",
    "test_bad_input",
    "test_drift",
    "test_workflows",
    "test_demos",
    "test_private_servers",
    "test_policy",
    "test_watch",
    "test_kept_cloud",
    "test_command_provider",
    "test_database_login",
    "test_unlock",
    "test_local_cloud",
    "test_genuine_plugins",
    "test_monitoring",
)


@pytest.fixture(scope="session", autouse=True)
def engine_on_path() -> None:
    engine = find_engine()
    assert engine is not None, "there is no Pulumi engine: run make setup"
    os.environ["PATH"] = f"{engine}{os.pathsep}{os.environ['PATH']}"
    os.environ.pop("PYTHONUNBUFFERED", None)  # few users have it, and programs that need it hang without it


@pytest.fixture(scope="session", autouse=True)
def verbs_are_warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with warm(tmp_path_factory.mktemp("verbs")):
        yield


@pytest.fixture(scope="session")
def virtualenv(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with warm_virtualenv(tmp_path_factory.mktemp("virtualenv")) as folder:
        yield folder


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    made = Ready(tmp_path_factory.mktemp("ready"))
    yield made
    made.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    name = item.path.stem
    if item.path.parent != HERE:
        return len(LONGEST_FIRST) + 1
    return LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)
