"""The warm Python of the local cloud for stacks that have no cloud: their programs wait for no imports either."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.control import ControlServer
from local.interpreter.keeper import Keeper
from local.paths import Paths
from local.workspace import write_python

PACKAGES = (
    "pip._internal.cli.main",
    "pip._internal.commands.list",
    "pulumi",
    "pulumi_command.remote",
)


@contextmanager
def warm_virtualenv(folder: Path) -> Iterator[Path]:
    """A virtual environment for Pulumi's projects, in the folder; its interpreter is started by the first program."""
    paths = Paths(project=folder)
    write_python(paths)
    keeper = Keeper(paths.root, PACKAGES)
    control = ControlServer(paths.control, {"interpreter": keeper.handle})
    control.start()
    try:
        yield paths.python
    finally:
        control.close()
        keeper.close()
