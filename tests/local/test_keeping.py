"""What was kept is read again as it was, or refused in one line that says how to go on."""

import json
from pathlib import Path

import pytest

from local.errors import CloudError
from local.keeping import read_kept, read_models, write_kept

MADE_BY = {"moto": "5.2.5", "python": "3.11"}
SINCE = "2026-11-21T10:00:00+00:00"
MODELS = b"one\ntwo\nthree"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "kept"
    write_kept(path, MODELS, since=SINCE, block=7, made_by=MADE_BY)
    return path


def test_models_come_back_with_the_block_and_the_time(path: Path) -> None:
    kept = read_kept(path)
    assert kept is not None
    assert (kept.since, kept.block, read_models(path, kept, MADE_BY)) == (SINCE, 7, MODELS)


def test_only_its_owner_reads_it(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_one_replaces_the_first_as_a_whole(path: Path) -> None:
    left = path.with_name(".kept.new")
    left.write_bytes(b"left by one that was interrupted, and longer than what comes now")
    left.chmod(0o644)
    write_kept(path, b"newer", since=SINCE, block=8, made_by=MADE_BY)
    kept = read_kept(path)
    assert kept is not None
    assert (read_models(path, kept, MADE_BY), path.stat().st_mode & 0o777, left.exists()) == (b"newer", 0o600, False)


def test_nothing_is_kept_where_there_is_no_file(tmp_path: Path) -> None:
    assert read_kept(tmp_path / "kept") is None


@pytest.mark.parametrize("other", ["moto", "python"])
def test_models_of_other_versions_are_refused(path: Path, other: str) -> None:
    kept = read_kept(path)
    assert kept is not None
    with pytest.raises(CloudError, match=rf"of {other} {MADE_BY[other]}, not 9: .*local-cloud reset"):
        read_models(path, kept, {**MADE_BY, other: "9"})


def test_models_that_were_cut_are_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    kept = read_kept(path)
    assert kept is not None
    with pytest.raises(CloudError, match="damaged"):
        read_models(path, kept, MADE_BY)


FIRST_LINES = {"no JSON": "{", "no object": "7", "empty": "", "incomplete": '{"format": 1}'}


@pytest.mark.parametrize("line", FIRST_LINES.values(), ids=FIRST_LINES)
def test_a_first_line_that_says_nothing_is_refused(path: Path, line: str) -> None:
    path.write_text(line + "\n")
    with pytest.raises(CloudError, match="damaged: `local-cloud reset`"):
        read_kept(path)


def test_another_format_is_refused_by_name(path: Path) -> None:
    path.write_text(json.dumps({"format": 2}) + "\n")
    with pytest.raises(CloudError, match="has format 2, not 1"):
        read_kept(path)
