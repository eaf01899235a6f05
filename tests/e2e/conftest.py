"""The engine for the end-to-end tests: the one that `make setup` found or built, first on PATH."""

import os

import pytest

from engine.build import find_engine


@pytest.fixture(scope="session", autouse=True)
def engine_on_path() -> None:
    engine = find_engine()
    assert engine is not None, "there is no Pulumi engine: run make setup"
    os.environ["PATH"] = f"{engine}{os.pathsep}{os.environ['PATH']}"
