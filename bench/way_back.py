"""How fast users are back on the earlier release, and on a new one, against Ansible; and how fast a dead process is.

Each time is from the start of a command's process to the first answer of the release at the live URL. Stageline and
Ansible take turns on the same servers, under the same requests, so that both meet the same machine.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from bench.ansible import Ansible, ansible_for
from bench.application import publish_application
from bench.deployment import STEP
from bench.engine import UP
from bench.figure import Figure, NotMeasured
from bench.prober import Prober
from bench.scratch import change_settings, scratch_cloud
from local.demo import Cloud
from tests.e2e.clone import begin, client, ended, head, live_url, table

RUNS = 5
EARLIER, LATER = "1.0.0", "2.0.0"
BACK_AND_FORTH = (EARLIER, LATER) * 3  # each is a rollback from the other one
NEXT = tuple(f"1.{number}.0" for number in range(1, RUNS + 1))
FOUR = 4
WATCH = 60  # seconds: long enough to be killed in
LOOK = 0.02  # seconds between two looks at the ledger
LIMIT = 180.0  # seconds for what is waited for


@dataclass(frozen=True, kw_only=True)
class Times:
    """Seconds of Stageline and of Ansible, run by run."""

    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def ratio(self) -> float:
        return median(self.ours) / median(self.theirs)

    @property
    def told(self) -> str:
        return (
            f"    release {_seconds(self.ours)}, until the live URL answers with it;\n"
            f"    ansible-playbook {_seconds(self.theirs)}, until its end, when each server has it healthy"
        )


def way_back() -> Iterator[Figure]:
    """A rollback in place, healthy and with database and snapshots broken, against a playbook that switches back."""
    with scratch_cloud(["dev"]) as cloud:
        cloud.must(*UP, "dev")
        archives = publish_application(cloud, EARLIER, LATER)
        for version in archives:
            cloud.must("release", "promote", version, "--to", "dev")
        with ansible_for(cloud, "dev", archives) as ansible, Prober(live_url(cloud, "dev")) as prober:
            for version in archives:
                ansible.serve(version)
            healthy = _turns(ansible, BACK_AND_FORTH, lambda version: _rolled_back(cloud, prober, version))
            with _database_and_snapshots_broken(cloud):
                broken = _turns(ansible, BACK_AND_FORTH, lambda version: _rolled_back(cloud, prober, version))
    yield from _rollback_figures("all healthy", healthy)
    yield from _rollback_figures("database and snapshots broken", broken)
    yield prober.dropped("all of these rollbacks")


def four_servers() -> Iterator[Figure]:
    """A deployment to four servers until users are on the new release, against a playbook that deploys it."""
    with scratch_cloud(["dev"]) as cloud:
        change_settings(cloud, "dev", "servers", count=FOUR)
        cloud.must(*UP, "dev")
        archives = publish_application(cloud, EARLIER, *NEXT)
        cloud.must("release", "promote", EARLIER, "--to", "dev")
        with ansible_for(cloud, "dev", archives) as ansible, Prober(live_url(cloud, "dev")) as prober:
            ansible.serve(EARLIER)
            steps: list[str] = []
            times = _turns(ansible, NEXT, lambda version: _promoted(cloud, prober, version, steps))
    yield Figure(
        what=f"deployment to {FOUR} servers, to users, against Ansible",
        value=times.ratio,
        unit="x",
        bound=0.7,
        detail=f"{times.told}\n    steps of the last deployment: {steps[-1]}",
    )
    yield prober.dropped("all of these deployments")


def killed() -> Iterator[Figure]:
    """From the start of `release abort` to its first event, after a deployment was killed in its watch."""
    with scratch_cloud(["dev"]) as cloud:
        cloud.must(*UP, "dev")
        publish_application(cloud, EARLIER, LATER)
        cloud.must("release", "promote", EARLIER, "--to", "dev")
        change_settings(cloud, "dev", "watch", seconds=WATCH)
        times = [_aborted(cloud) for _ in range(RUNS)]
    yield Figure(
        what="after kill -9, abort at work",
        value=median(times),
        unit="s",
        bound=1,
        detail=f"    {_seconds(times)}, until the ledger has its event 'abort requested' and its lease",
    )


def _turns(ansible: Ansible, versions: Sequence[str], ours: Callable[[str], float]) -> Times:
    """Each release first by Stageline, then by Ansible."""
    pairs = [(ours(version), ansible.serve(version)) for version in versions]
    return Times(ours=[one for one, _ in pairs], theirs=[other for _, other in pairs])


def _rolled_back(cloud: Cloud, prober: Prober, version: str) -> float:
    """Seconds from the start of a rollback until users are on the earlier release; it has to end well."""
    began = time.monotonic()
    cloud.must("release", "rollback", "dev", "--to", version)
    return prober.moment(version) - began


def _promoted(cloud: Cloud, prober: Prober, version: str, steps: list[str]) -> float:
    """Seconds from the start of a promotion until users are on its release; what it tells of its steps is added."""
    began = time.monotonic()
    done = cloud.run("release", "promote", version, "--to", "dev")
    if done.returncode != 0:
        raise NotMeasured(f"release promote {version} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    steps.append(", ".join(f"{one['step']} {one['seconds']} s" for one in STEP.finditer(done.stderr)))
    return prober.moment(version) - began


@contextmanager
def _database_and_snapshots_broken(cloud: Cloud) -> Iterator[None]:
    database = cloud.must("pulumi", "stack", "output", "database_id", "--stack", "dev").strip()
    cloud.must("local-cloud", "fault", "break", database)
    cloud.must("local-cloud", "fault", "throttle", "rds:CreateDBSnapshot")
    try:
        yield
    finally:
        cloud.must("local-cloud", "fault", "clear")


def _rollback_figures(how: str, times: Times) -> Iterator[Figure]:
    yield Figure(what=f"rollback in place, {how}", value=median(times.ours), unit="s", bound=3)
    yield Figure(what=f"rollback against Ansible, {how}", value=times.ratio, unit="x", bound=0.5, detail=times.told)


def _aborted(cloud: Cloud) -> float:
    """Kill a deployment in its watch; seconds from the start of `release abort` to its first event."""
    _killed_in_its_watch(cloud)
    first = head(cloud, "dev")["seq"] + 1
    began = time.monotonic()
    abort = begin(cloud, "release", "abort", "dev")
    _wait(lambda: _event(cloud, first) == "abort requested", "the ledger shows no 'abort requested'")
    took = time.monotonic() - began
    _must_have_ended_well(abort)
    return took


def _killed_in_its_watch(cloud: Cloud) -> None:
    promotion = begin(cloud, "release", "promote", LATER, "--to", "dev")
    try:
        _wait(lambda: _step(cloud) == "watched", "the deployment does not come to its watch")
    finally:
        promotion.kill()
        promotion.communicate()


def _step(cloud: Cloud) -> str:
    opened = head(cloud, "dev")["state"]["open"]
    return str(opened["step"]) if opened else ""


def _event(cloud: Cloud, seq: int) -> str:
    """The kind of an event; empty while there is none of this number."""
    key = {"kind": {"S": "EVENT"}, "seq": {"N": str(seq)}}
    found = client(cloud, "dynamodb").get_item(TableName=table("dev"), Key=key, ConsistentRead=True).get("Item")
    return str(json.loads(found["body"]["S"])["kind"]) if found else ""


def _must_have_ended_well(process: "subprocess.Popen[str]") -> None:
    done = ended(process, LIMIT)
    if done.returncode != 0:
        raise NotMeasured(f"release abort ended with {done.returncode}: {done.stderr.strip()[-300:]}")


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            raise NotMeasured(f"{otherwise} within {LIMIT:g} s")
        time.sleep(LOOK)


def _seconds(times: Sequence[float]) -> str:
    return f"{median(times):.2f} s (median of {', '.join(f'{one:.2f}' for one in times)})"
