"""What a promotion does besides: look at the credentials before it, and delete old snapshots after it."""

import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from release.doors.aws.databases import Snapshot
from release.doors.aws.session import AwsSession
from release.environment import Environment
from release.process.errors import Broken, Inconclusive, Interrupted, Refused
from release.verbs.promote import Route, promote_into
from release.verbs.redeploy import redeploy_in
from release.verbs.resume import resume_in
from release.work.executor import Deployed
from release.work.preflight import refuse_short_credentials, time_needed
from release.work.snapshot_pruning import tidied
from settings.stackfile import load
from tests.project import PROJECT
from tests.release.deploying import Silent, put, reachable_again, unreachable
from tests.release.world import OPS, FakeDatabases, World
from tests.there import there

TO_QA = Route(source=None, target="qa")


class Snapshots(FakeDatabases):
    """RDS: no snapshots, or no answer."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.asked = 0
        self._failure = failure

    def manual_snapshots(self) -> tuple[()]:
        self.asked += 1
        if self._failure:
            raise self._failure
        return ()


def after(world: World, snapshots: Snapshots, *, protected: bool = False, paused: bool = False) -> Deployed:
    """How a deployment ends in dev."""
    done = put(world, "1.0.0", pause=paused)
    settings = world.dev.settings.model_copy(update={"protected": protected})
    return tidied(replace(world.dev, databases=snapshots, settings=settings), done, OPS, Silent())


def test_a_deployment_that_is_over_looks_for_old_snapshots_and_says_nothing_of_it(world: World) -> None:
    snapshots = Snapshots()
    assert (after(world, snapshots).warnings, snapshots.asked) == ((), 1)


def test_that_they_could_not_be_deleted_is_a_warning(world: World) -> None:
    done = after(world, Snapshots(Broken("cannot list the snapshots: AccessDenied")))
    assert done.warnings == ("old snapshots stay: cannot list the snapshots: AccessDenied",)
    assert there(world.dev.ledger.head().state.live).release == "1.0.0"


@pytest.mark.parametrize("how", ["protected", "paused"])
def test_a_protected_environment_and_one_that_waits_for_people_are_left_alone(world: World, how: str) -> None:
    snapshots = Snapshots()
    assert (after(world, snapshots, **{how: True}).warnings, snapshots.asked) == ((), 0)


def test_who_interrupts_it_is_told_what_is_live(world: World) -> None:
    with pytest.raises(Interrupted, match=r"1\.0\.0 is live in dev, what follows is not done"):
        after(world, Snapshots(Interrupted(signal.SIGTERM, "it was interrupted")))


class Old(FakeDatabases):
    """RDS with snapshots of old deployments of an environment, which can be deleted."""

    def __init__(self, environment: str, many: int) -> None:
        super().__init__()
        self.deleted: list[str] = []
        self._old = tuple(_old(environment, number) for number in range(many))

    def manual_snapshots(self) -> tuple[Snapshot, ...]:
        return tuple(one for one in self._old if one.name not in self.deleted)

    def delete_snapshot(self, name: str) -> None:
        self.deleted.append(name)


def _old(environment: str, number: int) -> Snapshot:
    deployment = f"{environment}-20250101-000000-{number:04x}"
    return Snapshot(
        name=f"stageline-{deployment}",
        database=f"stageline-{environment}-postgres-0123456789abcdef0",
        created=datetime(2025, 1, 1, number, tzinfo=UTC),
        status="available",
        size_gb=1,
        tags={"project": "stageline", "environment": environment, "deployment": deployment},
    )


def promoted(world: World, databases: Old) -> None:
    put(world, "1.0.0")
    promote_into(replace(world.qa, databases=databases), "1.0.0", TO_QA, OPS, Silent())


def redeployed(world: World, databases: Old) -> None:
    put(world, "1.0.0")
    redeploy_in(replace(world.dev, databases=databases), OPS, Silent())


def resumed(world: World, databases: Old) -> None:
    put(world, "1.0.0", pause=True)
    resume_in(replace(world.dev, databases=databases), OPS, Silent())


def resumed_rollback(world: World, databases: Old) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    unreachable(world, "http://live")
    with pytest.raises(Inconclusive):
        put(world, "1.0.0", "rollback")
    reachable_again(world)
    resume_in(replace(world.dev, databases=databases), OPS, Silent())


@pytest.mark.parametrize(
    ("deploys", "environment", "tidies"),
    [
        pytest.param(promoted, "qa", True, id="promote"),
        pytest.param(redeployed, "dev", True, id="redeploy"),
        pytest.param(resumed, "dev", True, id="resume"),
        pytest.param(resumed_rollback, "dev", False, id="resume-of-a-rollback"),
    ],
)
def test_a_verb_that_carries_a_release_forward_deletes_old_snapshots(
    world: World, deploys: Callable[[World, Old], None], environment: str, tidies: bool
) -> None:
    keep = load(PROJECT, environment).backup.keep
    databases = Old(environment, keep + 2)
    deploys(world, databases)
    assert databases.deleted == ([_old(environment, number).name for number in range(2)] if tidies else [])


@pytest.mark.parametrize("verb", ["promote", "redeploy"])
def test_a_verb_that_carries_a_release_forward_begins_nothing_with_short_credentials(
    world: World, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world, "1.0.0")
    environment = with_credentials_for(world.qa if verb == "promote" else world.dev, timedelta(minutes=1), monkeypatch)
    before = environment.ledger.head()
    with pytest.raises(Refused, match=r"your credentials end in .* minutes"):
        if verb == "promote":
            promote_into(environment, "1.0.0", TO_QA, OPS, Silent())
        else:
            redeploy_in(environment, OPS, Silent())
    assert environment.ledger.head() == before


def with_credentials_for(environment: Environment, left: timedelta, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", (datetime.now(UTC) + left).isoformat())
    settings = environment.settings
    return replace(environment, session=AwsSession(account=settings.account, region=settings.region, role=None))


def test_credentials_that_end_before_a_promotion_would_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = time_needed(world.dev.settings)
    with pytest.raises(Refused, match=r"your credentials end in .* minutes, and this may take .* minutes"):
        refuse_short_credentials(with_credentials_for(world.dev, needed - timedelta(minutes=1), monkeypatch))
    refuse_short_credentials(with_credentials_for(world.dev, needed + timedelta(minutes=1), monkeypatch))


def test_what_a_promotion_needs_follows_its_settings() -> None:
    settings = load(PROJECT, "dev")
    longer = settings.watch.model_copy(update={"seconds": settings.watch.seconds + 600})
    no_snapshot = settings.backup.model_copy(update={"before": "none"})
    needed = time_needed(settings)
    assert time_needed(settings.model_copy(update={"watch": longer})) == needed + timedelta(minutes=10)
    assert time_needed(settings.model_copy(update={"backup": no_snapshot})) < needed


@pytest.mark.parametrize("name", ["dev", "qa", "staging", "prod"])
def test_the_hour_that_a_role_gives_by_default_is_enough_everywhere(name: str) -> None:
    assert time_needed(load(PROJECT, name)) < timedelta(hours=1)
