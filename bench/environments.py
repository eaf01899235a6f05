"""What an environment is made of, and how long it takes to test all of them without a cloud."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.figure import Figure, NotMeasured
from local.paths import CODE
from release.doors.recordings import Recordings
from settings.stackfile import Project
from tests.project import PROJECT

TESTS = ("test_environment.py", "test_identities.py")
UNIT = ("-q", "-m", "not e2e", "-p", "no:cacheprovider", "--disable-socket", "--allow-unix-socket")
NOT_AWS = ("pulumi:", "stageline:", "command:")


def resources() -> Iterator[Figure]:
    """The resources of each environment with a release in both slots: what the program declares."""
    project = Project(PROJECT)
    with Recordings(project) as recordings:
        for name in project.environments:
            yield _counted(name, recordings.resources(name))


def unit_tests() -> Iterator[Figure]:
    """The tests that declare every environment and judge it by every policy, in one process, from start to end."""
    files = [*(f"tests/components/{name}" for name in TESTS), "tests/policy/test_environments.py"]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *files, *UNIT], cwd=CODE, capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise NotMeasured(f"the unit tests ended with {done.returncode}: {done.stdout.strip().splitlines()[-1:]}")
    yield Figure(what="unit tests of all environments", value=seconds, unit="s", bound=10)


def _counted(name: str, declared: Sequence[Mapping[str, Any]]) -> Figure:
    services = Counter(one["type"].split(":")[1].split("/")[0] for one in declared if _is_of_aws(one))
    detail = f"    of AWS {services.total()}: " + ", ".join(
        f"{count} {service}" for service, count in services.most_common()
    )
    return Figure(what=f"resources of {name}", value=len(declared), unit="", detail=detail)


def _is_of_aws(one: Mapping[str, Any]) -> bool:
    return not one["type"].startswith(NOT_AWS)
