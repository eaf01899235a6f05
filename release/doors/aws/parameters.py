"""SSM: what an environment publishes of itself."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from contract.migration import NO_MIGRATION
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


@dataclass(frozen=True, kw_only=True)
class Migrations:
    """Which deployment may migrate the database: servers read it before they do. Everything else never migrates.

    So putting back, rolling back, a replaced server and a plain ``up`` meet a schema that is as new as it ever was
    with a migration that knows nothing of it: by not running it.
    """

    session: AwsSession
    name: str

    @contextmanager
    def allowed(self, deployment: str) -> Iterator[None]:
        """Let a deployment migrate until the end of the block. Killed inside, it is that deployment's to go on."""
        write_parameter(self.session, self.name, deployment)
        try:
            yield
        finally:
            with suppress(Broken):  # the next one overwrites it, and no other deployment has this name
                self.end()

    def end(self) -> None:
        """From now on nobody migrates: also not the deployment of a process that was killed."""
        write_parameter(self.session, self.name, NO_MIGRATION)
