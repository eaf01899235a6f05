"""The fingerprint of what a stack is made from: its settings, and the program that declares it.

The program exports it as the output `applied`; `release` compares it with that of its own checkout. Where they are
equal, an `up` changes nothing but releases, and nobody needs to ask Pulumi. Both give the folder that
`settings.stackfile.Project` finds. Too much in it costs a preview, too little lets a change through unseen.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from settings.model import Settings

# All that decides what is declared, beside the ledger: code, what it sends to servers, and the versions it runs with.
PROGRAM = ("__main__.py", "release/program.py", "requirements/run.in", "requirements/dev.txt")
FOLDERS = ("components", "contract")
CODE = "settings"  # its schema is for editors only
LENGTH = 32  # hexadecimal digits


def fingerprint(program_dir: Path, settings: Settings) -> str:
    """One short text that any change of the settings or of the program's files changes, and nothing else does.

    Not what the application is told: that is a part of what slots hold, and comes with a deployment only.
    """
    stated = json.dumps(settings.model_dump(mode="json", exclude={"app"}), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(_framed("settings", stated.encode()))
    for file in sorted(_files(program_dir)):
        digest.update(_framed(file.relative_to(program_dir).as_posix(), file.read_bytes()))
    return digest.hexdigest()[:LENGTH]


def _framed(name: str, content: bytes) -> bytes:
    """Name and length in front, so that nothing moves from one file into the next unseen."""
    return f"{name}\0{len(content)}\0".encode() + content


def _files(program_dir: Path) -> Iterator[Path]:
    yield from (file for name in PROGRAM if (file := program_dir / name).is_file())
    for folder in FOLDERS:
        yield from (file for file in (program_dir / folder).rglob("*") if _counts(file.relative_to(program_dir), file))
    yield from (program_dir / CODE).rglob("*.py")


def _counts(name: Path, file: Path) -> bool:
    """What Python, editors and file managers put beside the sources is none of them."""
    passing = (part == "__pycache__" or part.startswith(".") for part in name.parts)
    return file.is_file() and not any(passing)
