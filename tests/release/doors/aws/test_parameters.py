"""What an environment publishes of itself, on moto's AWS."""

from release.doors.aws.parameters import read_parameter, write_parameter
from tests.release.world import shared_session

NAME = "/stageline/dev/migration"


def test_a_parameter_is_read_as_it_was_written_and_none_where_there_is_none(aws: None) -> None:
    session = shared_session("123456789012", "eu-central-1")
    write_parameter(session, NAME, "dev-1")
    assert (read_parameter(session, NAME), read_parameter(session, "/stageline/dev/other")) == ("dev-1", None)
