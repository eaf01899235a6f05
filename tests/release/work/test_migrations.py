"""Which deployment may migrate: inside the block, and nobody after it."""

from typing import Any

import pytest

from contract.migration import NO_MIGRATION
from release.doors.aws.parameters import read_parameter, write_parameter
from release.doors.aws.session import AwsSession
from release.process.errors import Broken
from release.work.migrations import Migrations
from tests.release.world import shared_session

NAME = "/stageline/dev/migration"


@pytest.fixture
def session(aws: None) -> AwsSession:
    session = shared_session("123456789012", "eu-central-1")
    write_parameter(session, NAME, NO_MIGRATION)
    return session


def test_a_deployment_may_migrate_inside_the_block_and_nobody_after_it(session: AwsSession) -> None:
    with Migrations(session=session, name=NAME).allowed("dev-1"):
        assert read_parameter(session, NAME) == "dev-1"
    assert read_parameter(session, NAME) == NO_MIGRATION


def test_what_fails_inside_takes_the_permission_back_and_stays_the_failure(session: AwsSession) -> None:
    with pytest.raises(Broken, match="server 1"), Migrations(session=session, name=NAME).allowed("dev-1"):
        raise Broken("installing failed on server 1")
    assert read_parameter(session, NAME) == NO_MIGRATION


class Throttled(AwsSession):
    """A session whose SSM takes what ``first`` lets it take, and then no more."""

    def __init__(self, session: AwsSession, first: int) -> None:
        self._ssm, self._left = session.client("ssm"), first

    def client(self, service: str) -> Any:
        return self

    def put_parameter(self, **parameter: object) -> None:
        if self._left == 0:
            raise Broken("cannot write the parameter: ThrottlingException")
        self._left -= 1
        self._ssm.put_parameter(**parameter)


def test_nothing_is_installed_where_migrations_cannot_be_allowed(session: AwsSession) -> None:
    with pytest.raises(Broken, match="Throttling"), Migrations(session=Throttled(session, 0), name=NAME).allowed("d"):
        pytest.fail("the block was entered")


def test_a_permission_that_cannot_be_taken_back_fails_no_installation_that_went_well(session: AwsSession) -> None:
    done = []
    with Migrations(session=Throttled(session, 1), name=NAME).allowed("dev-1"):
        done.append("installed")
    assert (done, read_parameter(session, NAME)) == (["installed"], "dev-1")
