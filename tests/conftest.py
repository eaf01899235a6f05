"""What all tests share: no account of whoever runs them, a garbage collector that does not look through every imported
module again and again, and a moto that does not make 1,300 images and their snapshots before and after each test that
asks EC2 for something.
"""

import gc
import os
from typing import Any

import pytest

from tests.workers import ByFile

# A profile that is not there would fail most tests, and one that is there means an account.
for variable in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[variable]
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    """With `--dist loadgroup`; without it each test goes to whoever is free."""
    return ByFile(config, log) if config.getvalue("dist") == "loadgroup" else None
