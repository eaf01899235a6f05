"""The state that `local-cloud down --keep` leaves for the next `up`: one file, beside the disks and the rows.

Its first line says since when it is kept and what it was made by; the rest is moto's models (`local.models`). It
holds secrets, so only its owner may read it. It is written beside and renamed, so it is there as a whole or not at
all, and its checksum says so. An `up` that has brought everything back removes it: from then on the state changes.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.errors import CloudError

FORMAT = 1
FORGET = "`local-cloud reset` forgets it and starts an empty cloud"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What the first line says. `block`: the addresses that stand in all that is kept."""

    since: str
    block: int
    made_by: Mapping[str, str]
    sha256: str
    format: int = FORMAT


def write_kept(path: Path, models: bytes, *, since: str, block: int, made_by: Mapping[str, str]) -> None:
    """Keep these models there."""
    kept = Kept(since=since, block=block, made_by=made_by, sha256=hashlib.sha256(models).hexdigest())
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(json.dumps(asdict(kept)).encode() + b"\n" + models)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_kept(path: Path) -> Kept | None:
    """What is kept there, if anything. Raises `CloudError` when that cannot be told."""
    try:
        with path.open("rb") as file:
            first = json.loads(file.readline())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise _damaged(path) from error
    return _kept(path, first)


def read_models(path: Path, kept: Kept, made_by: Mapping[str, str]) -> bytes:
    """The models that are kept there. Raises `CloudError` when they are not whole, or of other versions."""
    other = [
        f"{name} {kept.made_by.get(name)}, not {own}" for name, own in made_by.items() if kept.made_by.get(name) != own
    ]
    if other:
        raise CloudError(f"the kept state is of {', '.join(other)}: go back to that version, or {FORGET}")
    models = path.read_bytes().partition(b"\n")[2]
    if hashlib.sha256(models).hexdigest() != kept.sha256:
        raise _damaged(path)
    return models


def _kept(path: Path, first: Any) -> Kept:
    if not isinstance(first, dict):
        raise _damaged(path)
    if first.get("format") != FORMAT:
        raise CloudError(
            f"the kept state has format {first.get('format')}, not {FORMAT}: another version of this"
            f" code wrote it; {FORGET}"
        )
    try:
        return Kept(**first)
    except TypeError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> CloudError:
    return CloudError(f"the kept state in {path} is damaged: {FORGET}")
