"""Build fieldmap's artifacts: `python -m examples.build OUT_DIR [VERSION...]`, by default all versions.

An artifact is made of the source, the changes of its version and the vendored wheels; the same input
gives the same bytes. Wheels are downloaded once, checked against the hashes in `fieldmap/requirements.txt`,
and kept in the ignored `build/`, so that later builds need no network.
"""

import gzip
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from examples.versions import VERSIONS, Version

SOURCE = Path(__file__).parent / "fieldmap"
CHANGES = Path(__file__).parent / "changes"
REQUIREMENTS = SOURCE / "requirements.txt"
WHEELS = Path(__file__).parent.parent / "build" / "wheels"

AT_THE_ROOT = ("bin/", "smoke.json")
NOT_SHIPPED = ("requirements.txt",)

Content = dict[str, bytes]


class BuildFailed(Exception):
    """The artifacts could not be built; one line says why and what to do."""


def main(arguments: list[str]) -> int:
    """The command: prints the path of each artifact. Exit 0 done, 1 failed, 2 usage."""
    unknown = [number for number in arguments[1:] if number not in VERSIONS]
    if not arguments or unknown:
        known = ", ".join(VERSIONS)
        print(f"usage: python -m examples.build OUT_DIR [VERSION...] (of {known})", file=sys.stderr)
        return 2
    try:
        for file in build(Path(arguments[0]), arguments[1:] or list(VERSIONS)):
            print(file)
    except BuildFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def build(folder: Path, numbers: Iterable[str] = tuple(VERSIONS)) -> list[Path]:
    """Write `fieldmap-<version>.tar.gz` of each version into the folder and return the paths."""
    vendored = vendor(wheels(WHEELS))
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder, VERSIONS[number], vendored) for number in numbers]


def _write(folder: Path, version: Version, vendored: Mapping[str, bytes]) -> Path:
    file = folder / f"fieldmap-{version.number}.tar.gz"
    file.write_bytes(pack({**source(version), **vendored}))
    return file


def source(version: Version) -> Content:
    """Path in the artifact -> bytes, of the application itself."""
    content = _tree(SOURCE)
    for change in version.changes:
        content |= _tree(CHANGES / change)
    placed = {_place(path): text for path, text in content.items() if path not in NOT_SHIPPED}
    return {**placed, "fieldmap/VERSION": version.number.encode() + b"\n"}


def _tree(folder: Path) -> Content:
    files = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def _place(path: str) -> str:
    return path if path.startswith(AT_THE_ROOT) else f"fieldmap/{path}"


def vendor(files: Iterable[Path]) -> Content:
    """Path in the artifact -> bytes, of the wheels: modules and licences, without what installers write."""
    content: Content = {}
    for file in files:
        with zipfile.ZipFile(file) as wheel:
            names = [name for name in wheel.namelist() if not name.endswith(("/", "/RECORD", ".pyc"))]
            content |= {f"vendor/{name}": wheel.read(name) for name in names}
    return content


def pack(content: Mapping[str, bytes]) -> bytes:
    """A .tar.gz of the content: entries sorted, no times, no owners, only what is in `bin/` executable."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=6, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path in sorted(content):
            archive.addfile(_entry(path, len(content[path])), io.BytesIO(content[path]))
    return packed.getvalue()


def _entry(path: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.size = size
    entry.mode = 0o755 if path.startswith("bin/") else 0o644
    return entry


def wheels(cache: Path) -> list[Path]:
    """The wheels that the requirements name, from the cache or downloaded into it.

    Raises BuildFailed when they cannot be had.
    """
    digests = re.findall(r"--hash=sha256:([0-9a-f]{64})", REQUIREMENTS.read_text(encoding="ascii"))
    found = cached(cache, digests)
    if found is None:
        _download(cache)
        found = cached(cache, digests)
    if found is None:
        raise BuildFailed(f"{cache} lacks wheels of {REQUIREMENTS.name}: delete the folder, try again")
    return found


def cached(cache: Path, digests: Sequence[str]) -> list[Path] | None:
    """One wheel per sha256, in that order; None if any is missing, so that a half download counts for nothing."""
    here = {hashlib.sha256(file.read_bytes()).hexdigest(): file for file in sorted(cache.glob("*.whl"))}
    return [here[digest] for digest in digests] if set(digests) <= set(here) else None


def _download(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
    command += ["--no-deps", "--only-binary", ":all:", "--require-hashes"]
    command += ["--requirement", str(REQUIREMENTS), "--dest", str(cache)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise BuildFailed(f"the wheels cannot be downloaded ({reason}): check the network, try again")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
