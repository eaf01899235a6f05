"""The cloud's own certificate authority: what ACM issues here is signed by it.

Its key never leaves its folder (mode 0700). Programs trust it by `SSL_CERT_FILE`, set to `ca_bundle`: certifi's
authorities and this one, so that the rest of the internet is trusted as before. The authority is made when it is
needed first, and kept: certificates of a kept cloud stay valid.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Lock

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_NAME = "Stageline local cloud"
AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 395  # as long as ACM's
LONGEST_COMMON_NAME = 64


@dataclass(frozen=True, kw_only=True)
class Pem:
    """A certificate, followed by those that vouch for it, and its key."""

    certificate: bytes
    key: bytes


class Certificates:
    """The authority whose files lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._making = Lock()

    @property
    def authority(self) -> bytes:
        """The authority's own certificate, as PEM."""
        return self._own().certificate

    @property
    def ca_bundle(self) -> Path:
        """A file with everybody whom a client of this cloud trusts."""
        self._own()
        return self._folder / "ca-bundle.pem"

    def issue(self, names: Iterable[str]) -> Pem:
        """A new certificate for host names (`*.example.com` too) and addresses; the first one is its subject."""
        own = self._own()
        key, listed = ec.generate_private_key(ec.SECP256R1()), list(dict.fromkeys(names))
        authority = x509.load_pem_x509_certificate(own.certificate)
        signing_key = load_pem_private_key(own.key, None)
        assert isinstance(signing_key, ec.EllipticCurvePrivateKey), "the authority's key is made below"
        builder = _builder(listed[0][:LONGEST_COMMON_NAME], authority.subject, key, CERTIFICATE_DAYS)
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key())
        certificate = (
            builder.add_extension(x509.SubjectAlternativeName([_general_name(name) for name in listed]), False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .add_extension(issuer_key, False)
            .sign(signing_key, hashes.SHA256())
        )
        return Pem(certificate=certificate.public_bytes(Encoding.PEM), key=_pem(key))

    def _own(self) -> Pem:
        with self._making:
            if not (self._folder / "ca-bundle.pem").exists():
                self._make()
            return Pem(
                certificate=(self._folder / "ca.pem").read_bytes(), key=(self._folder / "ca-key.pem").read_bytes()
            )

    def _make(self) -> None:
        """Write the bundle last: where it is, everything is."""
        made = _make_authority()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / "ca-key.pem").write_bytes(made.key)
        (self._folder / "ca.pem").write_bytes(made.certificate)
        (self._folder / "ca-bundle.pem").write_bytes(Path(certifi.where()).read_bytes() + b"\n" + made.certificate)


def names_in(certificate: bytes) -> tuple[str, ...]:
    """The host names and addresses that a PEM certificate is for."""
    parsed = x509.load_pem_x509_certificate(certificate)
    try:
        listed = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return tuple(str(name.value) for name in parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
    return tuple(str(name.value) for name in listed)


def _make_authority() -> Pem:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(AUTHORITY_NAME, _name(AUTHORITY_NAME), key, AUTHORITY_DAYS)
    certificate = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(_signs_certificates(), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
    return Pem(certificate=certificate.public_bytes(Encoding.PEM), key=_pem(key))


def _builder(subject: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
    """Valid from an hour ago, for clocks that are a little behind."""
    start = datetime.now(UTC) - timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
