"""How a release is run, as the ledger and the registry of demos keep it."""

from typing import Self

from contract.commands import Commands
from release.process.form import Form


class KeptCommands(Form):
    """Commands as `contract.commands` has them; empty where the release runs its own bin/start and bin/migrate.

    They are a value of the ledger, so what a later version says more of them is kept by one that passes by.
    """

    start: tuple[str, ...] = ()
    migrate: tuple[str, ...] = ()

    @classmethod
    def of(cls, commands: Commands) -> Self:
        """Commands as they are kept."""
        return cls(start=commands.start, migrate=commands.migrate)

    @property
    def plain(self) -> Commands:
        """Commands as servers and components take them."""
        return Commands(start=self.start, migrate=self.migrate)


BY_NAME = KeptCommands()
"""Of a release that states none."""
