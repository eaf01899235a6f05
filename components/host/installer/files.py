"""Files that are there as a whole, also after a power cut, and folders that go away whatever is in them."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path


def move(source: Path, target: Path) -> None:
    """Rename, and see that it is on the disk: the steps must be there in their order."""
    os.rename(source, target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_durably(path: Path, text: str) -> None:
    """Replace a file as a whole: also after a power cut it is the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(text, "utf-8")
    os.sync()
    move(draft, path)


def remove(folder: Path) -> None:
    if not folder.exists():
        return
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        # A release may have taken away its own right to change its folders, or have nested them without end.
        flatten(folder)
        shutil.rmtree(folder)


def flatten(folder: Path) -> None:
    """Leave nothing but files in it, however deep it is: what lies in each of its folders is moved up before that goes.

    So no path gets long, and nothing calls itself.
    """
    os.chmod(folder, stat.S_IRWXU)
    while folders := folders_in(folder):
        for one in folders:
            for below in folders_in(one):
                os.rename(below, folder / f".{os.urandom(16).hex()}")
            for file in one.iterdir():
                file.unlink()
            one.rmdir()


def folders_in(folder: Path) -> list[Path]:
    """Its folders, no links among them, each with the rights that it takes to look into it, empty it and move it."""
    folders = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    for one in folders:
        os.chmod(one, stat.S_IRWXU)
    return folders
