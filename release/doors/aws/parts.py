"""What S3 says of an object's bytes, and what it has to say of an artifact's.

Of an object that was written by one request S3 keeps the SHA-256 of all of it. Of one that was put together from parts
it keeps no SHA-256 of the whole, but that over the SHA-256s of its parts, followed by their number (S3 User Guide,
"Checking object integrity": composite checksums). With parts of one constant size that is as good a name for the bytes
as their own SHA-256: the manifest of such an artifact holds both, from one reading of the file. S3's checksums over the
whole of such an object (CRC64NVME and the like) find accidents, not somebody who changes bytes on purpose.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict

ONE_REQUEST = 5 * 1024**3  # bytes that PutObject and CopyObject take at most (S3 API reference)
PART = 512 * 1024**2  # bytes of a part; S3 takes 10,000 parts of at most 5 GiB
CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Parts:
    """How S3 names the bytes of an artifact that is too large for one request: by the SHA-256 (hex) over the SHA-256s
    of parts of ``size`` bytes.
    """

    size: int
    digest: str
    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part's number, from 1, its first byte, and its length."""

    number: int
    start: int
    length: int


def parts(size: int, part: int) -> Iterator[Part]:
    """``size`` bytes in parts of ``part`` bytes; the last one has the rest."""
    for number, start in enumerate(range(0, size, part), start=1):
        yield Part(number=number, start=start, length=min(part, size - start))


def parts_of(path: Path, part: int) -> Parts:
    """How S3 will name a file's bytes when they are put together from parts of this size."""
    return Parts(size=part, digest=over([_digest(path, one) for one in parts(path.stat().st_size, part)]))


def over(digests: Sequence[bytes]) -> str:
    """The SHA-256 (hex) over SHA-256s."""
    return hashlib.sha256(b"".join(digests)).hexdigest()


def encoded(digest: str, count: int | None = None) -> str:
    """A SHA-256 (hex) as S3 writes it; with the number of parts where it is over those of parts."""
    text = base64.b64encode(bytes.fromhex(digest)).decode()
    return text if count is None else f"{text}-{count}"


def shown(checksum: str) -> str:
    """The beginning of what S3 says of an object's bytes, as people know it: in hex."""
    return base64.b64decode(checksum.partition("-")[0]).hex()[:12]


def _digest(path: Path, part: Part) -> bytes:
    digest, left = hashlib.sha256(), part.length
    with path.open("rb") as file:
        file.seek(part.start)
        while left and (chunk := file.read(min(CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.digest()
