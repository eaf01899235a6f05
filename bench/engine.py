"""How long the engine takes for an environment on the local cloud, and how many AWS calls that costs."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from bench.figure import Figure
from bench.memory import cloud_memory, program_memory
from bench.scratch import NAMES, api_calls, scratch_cloud, timed
from local.demo import Cloud
from tests.e2e.clone import change_body, head, publish

RUNS = 3
UP = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack")
PREVIEW = ("pulumi", "preview", "--non-interactive", "--stack")
DESTROY = ("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive", "--stack")
MEGABYTE = 1_000_000


def engine_seconds() -> Iterator[Figure]:
    """One environment: preview, first `up`, no change, switch of the live slot, destroy."""
    with scratch_cloud(["dev"]) as cloud:
        api_calls(cloud)
        yield _seconds("preview of one new environment", timed(cloud, *PREVIEW, "dev"), api_calls(cloud))
        yield _seconds("first up of one environment", timed(cloud, *UP, "dev"), api_calls(cloud))
        yield _repeated("up without a change", cloud, lambda: None)
        yield _seconds("preview without a change", timed(cloud, *PREVIEW, "dev"), api_calls(cloud))
        yield Figure(what="memory of the program", value=_program_memory(cloud) / MEGABYTE, unit="MB")
        fill_both_slots(cloud)
        yield _repeated("up that switches the live slot", cloud, lambda: _switch(cloud))
        yield _seconds("destroy of one environment", timed(cloud, *DESTROY, "dev"), api_calls(cloud))


def four_environments() -> Iterator[Figure]:
    """Four environments at once, and what the cloud with 8 servers and 4 databases takes in memory."""
    with scratch_cloud(NAMES) as cloud:
        yield Figure(what="preview of four new environments in parallel", value=_in_parallel(cloud, PREVIEW), unit="s")
        yield Figure(what="first up of four environments in parallel", value=_in_parallel(cloud, UP), unit="s")
        yield Figure(
            what="memory of the cloud with 8 servers and 4 databases",
            value=cloud_memory(cloud.paths) / MEGABYTE,
            unit="MB",
            bound=400,
        )
        yield Figure(what="up without a change of four in parallel", value=_in_parallel(cloud, UP), unit="s")
        yield Figure(what="destroy of four environments in parallel", value=_in_parallel(cloud, DESTROY), unit="s")


def _program_memory(cloud: Cloud) -> int:
    """Bytes that the Python program of an `up` without a change takes at most."""
    with program_memory(cloud.paths.work) as seen:
        cloud.must(*UP, "dev")
    return seen.most


def _repeated(what: str, cloud: Cloud, before: Callable[[], None]) -> Figure:
    seconds = []
    for _ in range(RUNS):
        before()
        api_calls(cloud)
        seconds.append(timed(cloud, *UP, "dev"))
    return _seconds(what, median(seconds), api_calls(cloud))


def _seconds(what: str, seconds: float, calls: int) -> Figure:
    return Figure(what=what, value=seconds, unit="s", detail=f"    {calls} AWS calls")


def fill_both_slots(cloud: Cloud) -> None:
    publish(cloud, "1.0.0", "1.1.0")
    for version in ("1.0.0", "1.1.0"):
        cloud.must("release", "promote", version, "--to", "dev")


def _switch(cloud: Cloud) -> None:
    """Let HEAD declare the other slot live, as a deployment does before its second `up`."""
    state = head(cloud, "dev")["state"]
    other = "green" if state["declared"] == "blue" else "blue"
    change_body(cloud, "dev", "HEAD", state={**state, "declared": other})


def _in_parallel(cloud: Cloud, command: Sequence[str]) -> float:
    """Seconds until the last of the four has ended."""
    with ThreadPoolExecutor(len(NAMES)) as pool:
        return max(pool.map(lambda name: timed(cloud, *command, name), NAMES))
