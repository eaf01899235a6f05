"""Which engine is used: the first whole one on PATH that is new enough, and never a wrapper."""

import os
from pathlib import Path

import pytest

from engine import build, go
from engine.steps import SetupFailed

NEWER, OLDER = (3, 300, 1), (3, 258, 0)


def engine(folder: Path, parts: tuple[str, ...] = build.PARTS, content: bytes = b"\x7fELF") -> Path:
    folder.mkdir(parents=True)
    for part in parts:
        (folder / part).write_bytes(content)
        (folder / part).chmod(0o755)
    return folder


def path(*folders: Path) -> dict[str, str]:
    return {"PATH": os.pathsep.join(map(str, folders))}


def always(numbers: go.Version) -> build.VersionOf:
    return lambda pulumi: numbers


def test_a_whole_engine_on_path_is_used(tmp_path: Path) -> None:
    folder = engine(tmp_path / "bin")
    assert build.on_path(path(tmp_path, folder), always(build.PINNED)) == folder


def test_an_older_engine_is_passed_over(tmp_path: Path) -> None:
    old, new = engine(tmp_path / "old"), engine(tmp_path / "new")
    assert build.on_path(path(old, new), lambda pulumi: NEWER if pulumi.parent == new else OLDER) == new


@pytest.mark.parametrize("missing", build.PARTS)
def test_an_engine_that_lacks_a_part_is_passed_over(tmp_path: Path, missing: str) -> None:
    folder = engine(tmp_path / "bin", tuple(part for part in build.PARTS if part != missing))
    assert build.on_path(path(folder), always(NEWER)) is None


def test_a_wrapper_script_is_no_engine(tmp_path: Path) -> None:
    wrapper = engine(tmp_path / "wrapper", content=b"#!/bin/sh\n")
    assert build.on_path(path(wrapper), always(NEWER)) is None


def test_a_link_to_pulumi_leads_to_the_parts_beside_it(tmp_path: Path) -> None:
    home = engine(tmp_path / "home")
    links = tmp_path / "links"
    links.mkdir()
    (links / "pulumi").symlink_to(home / "pulumi")
    assert build.on_path(path(links), always(NEWER)) == home


def test_a_pulumi_that_says_no_version_is_passed_over(tmp_path: Path) -> None:
    assert build.on_path(path(engine(tmp_path / "bin")), always(())) is None


def test_the_engine_that_the_variable_names_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = engine(tmp_path / "bin")
    monkeypatch.setenv("STAGELINE_ENGINE", str(folder))
    assert build.find_engine() == folder
    assert build.find_pulumi() == folder / "pulumi"


def test_a_variable_that_names_no_engine_is_an_error_and_nothing_else_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STAGELINE_ENGINE", str(tmp_path))
    with pytest.raises(SetupFailed, match="correct or unset it"):
        build.find_engine()
    assert build.main() == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_flags_build_in_the_pinned_version() -> None:
    assert build.FLAGS[-1].endswith("version.Version=v3.259.0")


@pytest.mark.parametrize("binary", build.BINARIES, ids=lambda binary: binary.name)
def test_every_binary_is_a_tool_of_its_module(binary: build.Binary) -> None:
    assert f"tool {binary.package}\n" in (binary.module / "go.mod").read_text()
