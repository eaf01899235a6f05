"""What a deployment costs beside Pulumi, what a rollback saves, and what users notice of either."""

import re
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.engine import UP
from bench.figure import Figure, NotMeasured
from bench.scratch import scratch_cloud
from local.demo import Cloud
from local.traffic import Traffic
from settings.stackfile import load
from tests.e2e.clone import live_url, publish

STEP = re.compile(r"dev: (?P<step>[a-z ]+?) (?:done|failed) after (?P<seconds>[\d.]+) s")
GOOD, BAD = ("1.0.0", "1.1.0"), "1.2.0"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One verb: seconds from start to end, of the ups that it ran, and of each step that it told."""

    wall: float
    ups: float
    steps: Mapping[str, float]

    @property
    def without_snapshot(self) -> float:
        """Seconds without the backup, which takes as long as the database is large."""
        return self.wall - self.steps["backed up"]


def deployment_seconds() -> Iterator[Figure]:
    """A deployment and a rollback in place under constant requests, and one that fails before users see it."""
    with scratch_cloud(["dev"]) as cloud, TemporaryDirectory() as folder:
        watched = _with_timed_pulumi(cloud, Path(folder))
        cloud.must(*UP, "dev")
        publish(cloud, *GOOD, BAD)
        _timed(watched, Path(folder), "release", "promote", GOOD[0], "--to", "dev")
        with Traffic(f"{live_url(cloud, 'dev')}/health") as traffic:
            deployment = _timed(watched, Path(folder), "release", "promote", GOOD[1], "--to", "dev")
            _timed(watched, Path(folder), "release", "promote", BAD, "--to", "dev", fails=True)
            # The failed one gave the slot back what it held: a rollback needs no installation.
            rollback = _timed(watched, Path(folder), "release", "rollback", "dev")
        watch = load(cloud.paths.work, "dev").watch.seconds
        yield Figure(
            what="release beside the installation of a deployment, its up and its watch",
            value=deployment.wall - deployment.steps["installed"] - deployment.ups - watch,
            unit="s",
            bound=2,
            detail=f"    {_told(deployment)}; the watch is set to {watch} s",
        )
        yield Figure(
            what="rollback in place against a deployment, without snapshots",
            value=rollback.without_snapshot / deployment.without_snapshot,
            unit="x",
            bound=0.5,
            detail=f"    rollback: {_told(rollback)}",
        )
        yield from _users(traffic)


def _users(traffic: Traffic) -> Iterator[Figure]:
    """What was sent to the live listener meanwhile, and who answered."""
    seen = " -> ".join(traffic.versions)
    unverified = len(set(traffic.versions) - set(GOOD))
    detail = f"    {traffic.sent} sent through a deployment, a failed one and a rollback; answered by {seen}"
    yield Figure(what="requests dropped", value=len(traffic.failed), unit="", bound=0, detail=detail)
    yield Figure(what="releases that answered without being verified", value=unverified, unit="", bound=0)


def _with_timed_pulumi(cloud: Cloud, folder: Path) -> Cloud:
    """The same shell, where every `pulumi up` writes down how long it took."""
    real = shutil.which("pulumi", path=cloud.variables["PATH"])
    if real is None:
        raise NotMeasured("the cloud's shell has no pulumi")
    program, log = folder / "bin" / "pulumi", shlex.quote(str(folder / "ups"))
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nbegan=$(date +%s%N)\n{shlex.quote(real)} "$@"\ncode=$?\n'
        f'[ "$1" = up ] && echo $(($(date +%s%N) - began)) >> {log}\nexit $code\n'
    )
    program.chmod(0o755)
    return replace(cloud, variables={**cloud.variables, "PATH": f"{program.parent}:{cloud.variables['PATH']}"})


def _timed(cloud: Cloud, folder: Path, *command: str, fails: bool = False) -> Run:
    log = folder / "ups"
    log.write_text("")
    began = time.monotonic()
    done = cloud.run(*command)
    wall = time.monotonic() - began
    if (done.returncode != 0) != fails:
        raise NotMeasured(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    ups = sum(int(line) for line in log.read_text().split()) / 1e9
    return Run(wall=wall, ups=ups, steps={one["step"]: float(one["seconds"]) for one in STEP.finditer(done.stderr)})


def _told(run: Run) -> str:
    steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in run.steps.items())
    return f"{run.wall:.1f} s, of that its ups {run.ups:.1f} s; {steps}"
