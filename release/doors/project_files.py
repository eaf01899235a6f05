"""The files of a project on this machine: Pulumi.yaml, the stack files, and the schema for their editors."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from release.process.errors import Broken
from settings.schema import SCHEMA_FILE, schema_text
from settings.stackfile import PROJECT_FILE


class ProjectFiles:
    """The files in a project's folder. Broken where the disk does not give or take one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self) -> dict[str, str]:
        """What Pulumi.yaml and the stack files say, by name."""
        with _file_call("read the project's files"):
            return {file.name: file.read_text("utf-8") for file in self._all()}

    def write(self, texts: Mapping[str, str]) -> None:
        """Write files, each in one step."""
        with _file_call("write the project's files"):
            for name, text in texts.items():
                fresh = self.folder / f".{name.replace('/', '-')}.new"
                fresh.write_text(text, "utf-8")
                fresh.replace(self.folder / name)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files."""
        with _file_call("remove stack files"):
            for name in names:
                (self.folder / name).unlink()

    def write_schema(self) -> None:
        """Write the schema for editors anew, where the project is a checkout: it names the project before each key."""
        if (self.folder / SCHEMA_FILE).parent.is_dir():
            self.write({SCHEMA_FILE: schema_text(self.folder)})

    def _all(self) -> list[Path]:
        return [file for file in (self.folder / PROJECT_FILE, *self.folder.glob("Pulumi.*.yaml")) if file.is_file()]


@contextmanager
def passing() -> Iterator[ProjectFiles]:
    """A folder for files that nobody keeps."""
    with tempfile.TemporaryDirectory() as folder:
        yield ProjectFiles(Path(folder))


@contextmanager
def _file_call(doing: str) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        raise Broken(f"cannot {doing}: {error}", hint="check --project, and who owns the folder") from None
