"""Signed documents: who says what, about which environment.

A document of any size is bound by a small statement (its kind, the environment that says it, the document's SHA-256),
and the statement travels in a DSSE envelope. KMS signs at most 4,096 bytes with ``MessageType=RAW``, and a statement
always fits. Verifying needs the public key only.

DSSE: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
"""

import base64
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from release.process.canonical import canonical_json, sha256_hex
from release.process.errors import Refused
from release.process.text import read_json

PAYLOAD_TYPE = "application/vnd.stageline.statement+json"


def sign_document(
    document: dict[str, Any], *, kind: str, environment: str, key_name: str, sign: Callable[[bytes], bytes]
) -> bytes:
    """``document`` with an envelope in which ``environment`` says that it is a ``kind``."""
    statement = canonical_json(_statement(document, kind, environment))
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": _encode(statement),
        "signatures": [{"keyid": key_name, "sig": _encode(sign(_pre_authentication(statement)))}],
    }
    return canonical_json({"document": document, "envelope": envelope})


def verify_document(data: bytes, *, kind: str, environment: str, public_key: bytes, name: str = "") -> dict[str, Any]:
    """The document, when ``environment`` signed it as a ``kind`` with the key whose public half (DER) is given.

    ``name`` is where it was found. Refused when the signature, the document, the kind or the environment is another,
    and when it is no document at all, whatever else it is.
    """
    what = " ".join(filter(None, ("the", kind, name, f"signed by {environment}")))
    try:
        signed = read_json(data)
        document, envelope = dict(signed["document"]), signed["envelope"]
        statement, expected = _decode(envelope["payload"]), canonical_json(_statement(document, kind, environment))
        signature = _decode(envelope["signatures"][0]["sig"])
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise Refused(f"{what} is not a signed document", hint="it was changed in the bucket; publish again") from None
    _check_signature(public_key, signature, statement, what)
    if statement != expected:
        raise Refused(f"{what} does not match its signature", hint="it was changed or moved; publish again")
    return document


def _statement(document: dict[str, Any], kind: str, environment: str) -> dict[str, str]:
    return {"kind": kind, "environment": environment, "sha256": sha256_hex(canonical_json(document))}


def _check_signature(public_key: bytes, signature: bytes, statement: bytes, what: str) -> None:
    try:
        key = serialization.load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm):
        raise Refused(f"{what} cannot be checked: the signing key is not readable") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Refused(f"{what} cannot be checked: the signing key is not an elliptic curve key")
    try:
        key.verify(signature, _pre_authentication(statement), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Refused(f"{what} has a signature of another key", hint="it was changed; publish again") from None


def _pre_authentication(statement: bytes) -> bytes:
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(statement), statement)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
