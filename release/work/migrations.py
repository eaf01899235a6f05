"""Which deployment may migrate the database, as servers read it before they do."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from contract.migration import NO_MIGRATION
from release.doors.aws.parameters import write_parameter
from release.doors.aws.session import AwsSession
from release.process.errors import Broken


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
