"""A deployment in which one call fails, or its reply is lost, and the process goes on living with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from release.doors.servers.ssh import NotReached
from release.process.errors import Broken
from tests.release.crash.invariants import broken_at_any_moment, broken_in_the_end
from tests.release.crash.killing import RECOVERIES, ending, later, points_of, recover
from tests.release.crash.kinds import KINDS, Deployment
from tests.release.crash.likeness import is_like_one
from tests.release.crash.memory import DynamoDb, Points
from tests.release.crash.outside import open_process
from tests.release.world import Clock
from tests.there import there

AWS = ("dynamodb:", "s3:", "kms:", "rds:")
SOME = [kind for kind in KINDS if kind.name in ("second promotion", "failed behind the switch")]


@dataclass
class FailsOnce:
    """Fails at one point: before a call, which is then not made, or after it, when only its reply is lost."""

    left: int

    def __call__(self, point: str) -> None:
        self.left -= 1
        if self.left == -1:
            raise failure_at(point)


def failure_at(point: str) -> Exception:
    """What the caller gets: from boto3 after its retries, or from a door of our own."""
    if any(service in point for service in AWS):
        return ConnectionClosedError(endpoint_url="https://aws")
    if "the installation on" in point:
        return NotReached(f"no answer {point}")  # also where it was lost on the way back
    return Broken(f"no answer {point}")


def is_a_call(point: str) -> bool:
    """Whether something can fail there; a listener that does not answer is no failure, but an answer."""
    return point.startswith(("before ", "after ")) and " GET " not in point


def one(kinds: list[Deployment]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    decorate: Callable[[Callable[..., None]], Callable[..., None]]
    decorate = pytest.mark.parametrize("deployment", [pytest.param(kind, id=kind.name) for kind in kinds])
    return decorate


@one(SOME)
def test_whatever_call_fails_or_loses_its_reply_the_deployment_ends_in_a_named_state(deployment: Deployment) -> None:
    """Rows 1 and 4."""
    fails_everywhere(deployment)


@pytest.mark.e2e
@one([kind for kind in KINDS if kind not in SOME])
def test_whatever_call_fails_in_any_other_deployment_it_ends_in_a_named_state(deployment: Deployment) -> None:
    fails_everywhere(deployment)


def fails_everywhere(deployment: Deployment) -> None:
    seen: set[str] = set()
    for number, point in enumerate(points_of(deployment)):
        if is_a_call(point):
            fails_at(deployment, number, point, seen)


def fails_at(deployment: Deployment, number: int, point: str, seen: set[str]) -> None:
    """A write to the ledger whose reply is lost changes nothing at all: what was written is read back."""
    outside, points = deployment.begin(), Points(FailsOnce(number))
    ended = ending(lambda: deployment.run(open_process(outside, "dev", Clock(), points), points))
    told = f"a failure {point}: {ended}"
    assert broken_at_any_moment(outside, "dev", Clock()) == [], told
    if point == "after dynamodb:TransactWriteItems":
        assert type(ended) is (deployment.ends or type(None)), told
    for recovery in () if is_like_one(outside, seen) else RECOVERIES:
        recovered = outside.copy()
        if open_process(recovered, "dev", later()).ledger.head().state.open is not None:
            recover(recovered, recovery, later())
        assert broken_in_the_end(recovered, "dev", later()) == [], f"{told}, {recovery}"


class RepeatingDynamoDb(DynamoDb):
    """Every reply to a write is lost: boto3 repeats it, and gets the answer to the second one."""

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        super().transact_write_items(**request)
        return super().transact_write_items(**request)


@one([kind for kind in KINDS if not kind.ends and not kind.pause])
def test_row_04_a_deployment_of_which_every_write_was_repeated_records_nothing_twice(deployment: Deployment) -> None:
    outside, clock, points = deployment.begin(), Clock(), Points()
    environment = open_process(outside, "dev", clock, points)
    environment.session._clients["dynamodb"] = RepeatingDynamoDb(outside.cloud, points)
    deployment.run(environment, points)
    assert broken_in_the_end(outside, "dev", later()) == []
    assert there(environment.ledger.head().state.live).release == deployment.version
