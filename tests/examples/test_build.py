"""The artifacts of fieldmap: the same bytes every time, and what the artifact's contract wants inside."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from examples import build
from examples.versions import VERSIONS

ROOT = Path(__file__).parent.parent.parent
PRINT_DIGESTS = """
import hashlib
from examples import build, versions
for version in versions.VERSIONS.values():
    print(hashlib.sha256(build.pack(build.source(version))).hexdigest())
"""


def entries(packed: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return archive.getmembers()


def wheel(folder: Path, name: str, content: dict[str, str]) -> Path:
    file = folder / name
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return file


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_another_process_with_another_hash_seed_builds_the_same_bytes(seed: str) -> None:
    command = [sys.executable, "-c", PRINT_DIGESTS]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo"}
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    here = [hashlib.sha256(build.pack(build.source(version))).hexdigest() for version in VERSIONS.values()]
    assert printed.stdout.split() == here


def test_no_two_versions_are_the_same_bytes() -> None:
    packed = {build.pack(build.source(version)) for version in VERSIONS.values()}
    assert len(packed) == len(VERSIONS)


def test_entries_are_sorted_and_carry_neither_times_nor_owners() -> None:
    found = entries(build.pack({"fieldmap/b": b"2", "bin/start": b"1", "a": b"3"}))
    assert [entry.name for entry in found] == ["a", "bin/start", "fieldmap/b"]
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname) for entry in found} == {(0, 0, 0, "", "")}


def test_only_what_is_in_bin_is_executable() -> None:
    found = entries(build.pack({"bin/start": b"", "fieldmap/server.py": b""}))
    assert {entry.name: oct(entry.mode) for entry in found} == {"bin/start": "0o755", "fieldmap/server.py": "0o644"}


def test_the_compressed_stream_names_no_file_and_no_time() -> None:
    flags_and_time = build.pack({"a": b""})[3:8]
    assert flags_and_time == b"\0\0\0\0\0"


@pytest.mark.parametrize("number", VERSIONS)
def test_every_artifact_follows_the_contract(number: str) -> None:
    content = build.source(VERSIONS[number])
    assert {"bin/start", "bin/migrate", "smoke.json", "fieldmap/server.py"} <= set(content)
    assert content["fieldmap/VERSION"] == f"{number}\n".encode()
    assert {path.split("/")[0] for path in content} == {"bin", "fieldmap", "smoke.json"}


def test_the_smoke_checks_ask_for_health_the_api_and_the_page() -> None:
    checks = json.loads(build.source(VERSIONS["1.0.0"])["smoke.json"])["checks"]
    assert {check["path"]: check["status"] for check in checks} == {"/health": 200, "/api/projects": 200, "/": 200}


@pytest.mark.parametrize(("number", "has_it"), [("1.0.0", False), ("1.1.0", True), ("1.2.0", True), ("1.3.0", True)])
def test_priority_comes_with_its_migration_from_1_1_0_on(number: str, has_it: bool) -> None:
    content = build.source(VERSIONS[number])
    assert ("fieldmap/migrations/0002_task_priority.sql" in content) is has_it
    assert (b'"priority"' in content["fieldmap/schema.py"]) is has_it


@pytest.mark.parametrize("number", VERSIONS)
def test_migrations_only_ever_add(number: str) -> None:
    content = build.source(VERSIONS[number])
    statements = b"".join(text for path, text in content.items() if path.endswith(".sql")).decode()
    assert not re.search(r"\b(DROP|RENAME|TRUNCATE|DELETE|UPDATE|ALTER\s+COLUMN)\b", statements, re.IGNORECASE)


def test_a_wheel_is_vendored_without_what_installers_write(tmp_path: Path) -> None:
    names = ("driver/__init__.py", "driver/__init__.pyc", "driver-1.dist-info/RECORD", "driver-1.dist-info/LICENSE")
    file = wheel(tmp_path, "driver-1-py3-none-any.whl", dict.fromkeys(names, "text"))
    assert set(build.vendor([file])) == {"vendor/driver/__init__.py", "vendor/driver-1.dist-info/LICENSE"}


def test_wheels_in_the_cache_are_found_by_their_digest_in_the_order_asked_for(tmp_path: Path) -> None:
    files = [wheel(tmp_path, f"{name}.whl", {name: name}) for name in ("a", "b")]
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    assert build.cached(tmp_path, digests[::-1]) == files[::-1]


def test_a_wheel_with_other_bytes_counts_as_missing(tmp_path: Path) -> None:
    digest = hashlib.sha256(wheel(tmp_path, "a.whl", {"a": "a"}).read_bytes()).hexdigest()
    (tmp_path / "a.whl").write_bytes(b"half a download")
    assert build.cached(tmp_path, [digest]) is None


def test_every_vendored_requirement_is_pinned_by_version_and_hash() -> None:
    lines = [line for line in build.REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]
    assert lines
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][^ ]* --hash=sha256:[0-9a-f]{64}", line) for line in lines)


@pytest.mark.parametrize("arguments", [[], ["out", "9.9.9"], ["out", "1.0.0", "latest"]])
def test_an_unknown_version_or_no_folder_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert build.main(arguments) == 2
    assert "1.0.0, 1.1.0, 1.2.0, 1.3.0" in capsys.readouterr().err
