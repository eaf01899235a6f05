"""Where everything of one local cloud lies: in `.local/` of its project, which git ignores."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.errors import CloudError

PROJECT_FILE = "Pulumi.yaml"
CODE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The files and folders of the cloud of one project. `cache` outlives `down`; the rest does not."""

    project: Path

    @property
    def root(self) -> Path:
        return self.project / ".local"

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def python(self) -> Path:
        """The virtual environment that programs are started in."""
        return self.root / "python"

    @property
    def plugins(self) -> Path:
        return self.root / "plugins"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def control(self) -> Path:
        return self.root / "control.sock"

    @property
    def log(self) -> Path:
        return self.root / "daemon.log"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def state(self) -> Path:
        """Pulumi's backend: it describes this cloud, so it goes when the cloud goes."""
        return self.root / "state"

    @property
    def pulumi_home(self) -> Path:
        return self.root / "pulumi"

    @property
    def servers(self) -> Path:
        return self.root / "servers"

    @property
    def databases(self) -> Path:
        return self.root / "databases"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def options(self) -> Path:
        """What the cloud was started with."""
        return self.root / "options.json"

    @property
    def kept(self) -> Path:
        """What `down --keep` leaves beside the disks and the rows."""
        return self.root / "kept"

    @property
    def doors(self) -> Path:
        """Keys, while somebody is logged in to a server."""
        return self.root / "doors"

    @property
    def certificates(self) -> Path:
        return self.root / "certificates"

    @property
    def runtime(self) -> tuple[Path, ...]:
        """What `down` removes. The log stays, so that one can read why a cloud ended."""
        return (
            self.options,
            self.kept,
            self.doors,
            self.certificates,
            self.bin,
            self.plugins,
            self.work,
            self.control,
            self.state,
            self.pulumi_home,
            self.servers,
            self.databases,
        )


def find_project(environ: Mapping[str, str], cwd: Path) -> Path:
    """The folder that holds Pulumi.yaml: `$STAGELINE_ROOT_DIR`, or the nearest one from `cwd` upwards, or that of the
    shell: `local-cloud env` has set `$STAGELINE_PROJECT` to its workspace, and people stand in their application.

    Raises `CloudError` when there is none.
    """
    named, of_shell = environ.get("STAGELINE_ROOT_DIR"), environ.get("STAGELINE_PROJECT")
    starts = [cwd, *([Path(of_shell).absolute()] if of_shell else [])]
    candidates = [Path(named)] if named else [folder for start in starts for folder in (start, *start.parents)]
    for folder in candidates:
        if (folder / PROJECT_FILE).is_file() and folder.parent.name != ".local":
            return folder.resolve()
    raise CloudError(
        f"no {PROJECT_FILE} in {candidates[0]}"
        f"{'' if named else ' or above it'}: run local-cloud inside a clone of the project"
    )
