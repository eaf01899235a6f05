"""SSM: what an environment publishes of itself."""

from release.doors.aws.session import AwsSession, aws_call, aws_code
from release.process.errors import Broken

NO_SUCH = "ParameterNotFound"


def read_parameter(session: AwsSession, name: str) -> str | None:
    """A parameter's value; None when there is no such parameter."""
    try:
        with aws_call(f"read the parameter {name}"):
            return str(session.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    except Broken as error:
        if aws_code(error) == NO_SUCH:
            return None
        raise


def write_parameter(session: AwsSession, name: str, value: str) -> None:
    """Give a parameter that is there another value."""
    with aws_call(f"write the parameter {name}"):
        session.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
