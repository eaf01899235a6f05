"""One byte sequence for one value, so that hashes and signatures mean something.

Canonical JSON here: UTF-8, keys sorted, no white space, no NaN. (The values signed and chained hold strings, whole
numbers, booleans, lists and objects only, for which this equals RFC 8785.)
"""

import hashlib
import json
from typing import Any

ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Any) -> bytes:
    """``value`` as the one JSON text that stands for it."""
    return ENCODER.encode(value).encode()


def sha256_hex(data: bytes) -> str:
    """The SHA-256 of ``data`` as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()
