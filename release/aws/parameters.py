"""SSM: what an environment publishes of itself."""

from release.aws.session import AwsSession, aws_call, aws_code
from release.errors import Broken

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
