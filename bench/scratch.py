"""A cloud of its own for a measurement, with as many equal environments as it needs; gone afterwards."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from bench.figure import NotMeasured
from local.control import ask
from local.demo import Cloud
from local.paths import CODE
from tests.e2e.clone import PROGRAM, changed, new_clone, shell
from tests.project import PROJECT

NAMES = ("one", "two", "three", "four")


@contextmanager
def scratch_cloud(environments: Sequence[str]) -> Iterator[Cloud]:
    """A running cloud whose clone knows the environments, each as small as dev, initialised and without releases."""
    with tempfile.TemporaryDirectory(prefix="stageline-bench-") as folder:
        clone = new_clone(Path(folder) / "clone")
        write_stack_files(clone.folder, environments)
        for name in PROGRAM:
            (clone.folder / name).symlink_to(CODE / name)
        try:
            _must_end_well(clone.run("up"))
            cloud = changed(shell(clone), STAGELINE_COLD="1")  # programs start as they do elsewhere
            for environment in environments:
                cloud.must("release", "init", environment)
            yield cloud
        finally:
            clone.run("down")


def write_stack_files(folder: Path, environments: Sequence[str]) -> None:
    """dev's stack file under other names: networks do not overlap, and none promotes from another."""
    dev = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())
    for number, environment in enumerate(environments):
        network = {**dev["config"]["stageline:network"], "cidr": f"10.{100 + number}.0.0/16"}
        config = {**dev["config"], "stageline:network": network}
        (folder / f"Pulumi.{environment}.yaml").write_text(yaml.safe_dump({**dev, "config": config}))


def change_settings(cloud: Cloud, environment: str, section: str, **values: Any) -> None:
    """Other settings of an environment, in this cloud's copy of its stack file."""
    file = cloud.paths.work / f"Pulumi.{environment}.yaml"
    stack = yaml.safe_load(file.read_text())
    stack["config"][f"stageline:{section}"] |= values
    file.write_text(yaml.safe_dump(stack, sort_keys=False))


def api_calls(cloud: Cloud) -> int:
    """How many calls the AWS API has answered since the last time this was asked."""
    found: dict[str, Any] = ask(cloud.paths.control, {"do": "calls", "reset": True}, timeout=10)
    return sum(found["calls"].values())


def timed(cloud: Cloud, *command: str) -> float:
    """Seconds that a command takes that has to end well."""
    began = time.monotonic()
    cloud.must(*command)
    return time.monotonic() - began


def _must_end_well(done: Any) -> None:
    if done.returncode != 0:
        raise NotMeasured(f"local-cloud up ended with {done.returncode}: {done.stderr.strip()}")
