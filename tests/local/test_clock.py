"""The cloud's time is the machine's, unless it is made to be off."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from moto import mock_aws
from moto.core.utils import utcnow

from local.clock import Clock
from local.errors import CloudError
from local.faults import Fault
from tests.aws_clients import aws_client

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
LATE = Fault(id="f1", kind="clock", target="", seconds=-7200)


def noon(tz: tzinfo | None) -> datetime:
    return NOON if tz else NOON.replace(tzinfo=None)


@pytest.fixture
def clock() -> Clock:
    return Clock(noon)


@pytest.fixture
def told(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws(), ExitStack() as installed:
        clock.install(installed)
        yield clock


def test_it_is_off_while_the_fault_is_there(clock: Clock) -> None:
    clock.inject(LATE)
    off = clock.now(UTC)
    clock.lift(LATE)
    assert (off, clock.now(UTC), clock.seconds()) == (NOON - timedelta(hours=2), NOON, NOON.timestamp())


def test_it_cannot_be_off_in_two_ways(clock: Clock) -> None:
    clock.inject(LATE)
    with pytest.raises(CloudError, match="the clock is off already: `local-cloud fault clear f1` puts it right"):
        clock.inject(Fault(id="f2", kind="clock", target="", seconds=60))
    assert clock.now(UTC) == NOON - timedelta(hours=2)


def test_moto_tells_it_in_every_module_until_it_is_taken_off(clock: Clock) -> None:
    with ExitStack() as installed:
        clock.install(installed)
        inside = utcnow()
    assert (inside, utcnow() > inside) == (NOON.replace(tzinfo=None), True)


def test_what_is_made_bears_the_time_of_the_cloud(told: Clock) -> None:
    told.inject(LATE)
    secret = aws_client("secretsmanager").create_secret(Name="s", SecretString="canary")
    aws_client("s3", "us-east-1").create_bucket(Bucket="bucket")
    made = {
        "secret": aws_client("secretsmanager").describe_secret(SecretId=secret["ARN"])["CreatedDate"],
        "bucket": aws_client("s3", "us-east-1").list_buckets()["Buckets"][0]["CreationDate"],
        "user": aws_client("iam").create_user(UserName="u")["User"]["CreateDate"],
        "key": aws_client("kms").create_key()["KeyMetadata"]["CreationDate"],
    }
    assert {name: when.astimezone(UTC) for name, when in made.items()} == dict.fromkeys(made, NOON - timedelta(hours=2))
