"""What all tests share: no account of whoever runs them, a garbage collector that does not look through every imported
module again and again, and a moto that does not make 1,300 images and their snapshots before and after each test that
asks EC2 for something.
"""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.project import CHECKOUT
from tests.workers import ByFile

# A profile that is not there would fail most tests, and one that is there means an account.
for variable in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[variable]
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)  # a worker is measured, the thousands that it starts are not
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
TRACKED = Path(__file__).parent / "tracked"
gc.disable()  # While tests are collected nearly everything that is made stays.


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes half a minute starts first, or the other workers would wait for it at the end."""
    items.sort(key=lambda item: item.path.stem != "test_parity")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From here on new things alone are looked through, and not at every thousandth of them."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


class TrackedFiles:
    """Sees to it that no test depends on what a team says in its stack files, unless it is meant to."""

    def __init__(self) -> None:
        self.meant = False

    def opened(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Hears of every file that this process opens."""
        if event == "open" and not self.meant and is_tracked(arguments[0]):
            pytest.fail(f"{arguments[0]} is its team's: read tests.project.PROJECT instead")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.meant = item.path.is_relative_to(TRACKED) or item.get_closest_marker("e2e") is not None
        try:
            return (yield)
        finally:
            self.meant = False


def is_tracked(file: Any) -> bool:
    """Whether it is a stack file of this checkout, or its Pulumi.yaml."""
    if not isinstance(file, str | os.PathLike) or not str(file).endswith(".yaml"):
        return False
    path = Path(file).resolve()
    return path.parent == CHECKOUT and path.name.startswith("Pulumi.")


def pytest_configure(config: pytest.Config) -> None:
    tracked = TrackedFiles()
    config.pluginmanager.register(tracked)
    sys.addaudithook(tracked.opened)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    """With `--dist loadgroup`; without it each test goes to whoever is free."""
    return ByFile(config, log) if config.getvalue("dist") == "loadgroup" else None
