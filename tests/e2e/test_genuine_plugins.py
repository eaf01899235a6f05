"""Genuine plugins are used where they are installed, without any change in the program or in `release`.

There are none here, so executables of their names stand for them: each notes that it was started, and goes on as the
launcher of the stand-in.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from local import launcher
from local.demo import Cloud, version_at
from tests.e2e.clone import live_url, publish, running_cloud

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

COMMAND_FOLDER = f"plugins/resource-command-v{version('pulumi-command')}"


@dataclass(frozen=True, kw_only=True)
class Genuine:
    """An executable that stands for a genuine plugin, and its notes."""

    name: str
    folder: Path
    notes: Path

    def install(self, clone: Path) -> None:
        """Write the executable; it lends the control socket of the clone's cloud from a launcher there."""
        self.folder.mkdir(parents=True)
        lent = clone / ".local" / "plugins" / f"lent-{self.name}"
        program = self.folder / f"pulumi-resource-{self.name}"
        program.write_text(f"#!/bin/sh\necho started >> '{self.notes}'\nexec '{sys.executable}' -IS '{lent}'\n")
        program.chmod(0o755)

    def lend(self, clone: Path) -> None:
        """Put the launcher where the executable looks for it."""
        lent = clone / ".local" / "plugins" / f"lent-{self.name}"
        lent.write_text(Path(launcher.__file__).read_text(encoding="utf-8"), encoding="utf-8")

    def uses(self) -> int:
        """Count how often it was started."""
        return len(self.notes.read_text(encoding="utf-8").splitlines()) if self.notes.exists() else 0


@dataclass(frozen=True, kw_only=True)
class Equipped:
    """A cloud whose user has the one plugin on PATH and the other in Pulumi's plugin folder."""

    cloud: Cloud
    on_path: Genuine
    in_folder: Genuine

    def uses(self) -> tuple[int, int]:
        """Count how often each of them was started."""
        return self.on_path.uses(), self.in_folder.uses()


@pytest.fixture(scope="module")
def equipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Equipped]:
    tmp_path = tmp_path_factory.mktemp("genuine")
    clone, home = tmp_path / "clone", tmp_path / "pulumi-home"
    on_path = Genuine(name="aws", folder=tmp_path / "bin", notes=tmp_path / "aws.notes")
    in_folder = Genuine(name="command", folder=home / COMMAND_FOLDER, notes=tmp_path / "command.notes")
    for genuine in (on_path, in_folder):
        genuine.install(clone)
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("PATH", f"{on_path.folder}{os.pathsep}{os.environ['PATH']}")
        environ.setenv("PULUMI_HOME", str(home))
        with running_cloud(clone) as cloud:
            for genuine in (on_path, in_folder):
                genuine.lend(clone)
            yield Equipped(cloud=cloud, on_path=on_path, in_folder=in_folder)


def test_pulumi_and_release_use_the_genuine_plugins_that_are_installed(equipped: Equipped) -> None:
    cloud = equipped.cloud
    cloud.must("release", "init", "dev")
    cloud.must("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")
    by_pulumi = equipped.uses()
    publish(cloud, "1.0.0")
    cloud.must("release", "promote", "1.0.0", "--to", "dev")
    by_release = equipped.uses()

    assert min(by_pulumi) > 0
    assert all(after > before for before, after in zip(by_pulumi, by_release, strict=True))
    assert version_at(live_url(cloud, "dev")) == "1.0.0"


def test_no_stand_in_is_installed_beside_a_genuine_plugin(equipped: Equipped) -> None:
    plugins = equipped.cloud.paths.pulumi_home / "plugins"
    installed = {link.name: link.resolve() for link in plugins.glob("*/pulumi-resource-*")}
    assert installed == {"pulumi-resource-command": equipped.in_folder.folder / "pulumi-resource-command"}
