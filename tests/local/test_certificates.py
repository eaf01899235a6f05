"""The cloud has an authority of its own, made once, that programs trust beside the usual ones."""

import stat
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from local.certificates import Certificates, names_in


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "certificates")


def test_a_certificate_is_signed_by_the_authority(certificates: Certificates) -> None:
    issued = x509.load_pem_x509_certificate(certificates.issue(["app.example.com"]).certificate)
    issued.verify_directly_issued_by(x509.load_pem_x509_certificate(certificates.authority))


def test_a_certificate_fits_its_key(certificates: Certificates) -> None:
    issued = certificates.issue(["app.example.com"])
    key = load_pem_private_key(issued.key, None)
    assert x509.load_pem_x509_certificate(issued.certificate).public_key() == key.public_key()


def test_a_certificate_is_for_all_the_names_and_addresses_once(certificates: Certificates) -> None:
    names = ["app.example.com", "*.example.com", "127.0.0.1", "app.example.com"]
    issued = certificates.issue(names)
    assert names_in(issued.certificate) == ("app.example.com", "*.example.com", "127.0.0.1")


def test_a_long_name_is_no_obstacle(certificates: Certificates) -> None:
    name = f"{'a' * 60}.{'b' * 60}.example.com"
    assert names_in(certificates.issue([name]).certificate) == (name,)


def test_the_authority_outlives_the_process(tmp_path: Path) -> None:
    first, second = (Certificates(tmp_path / "certificates").authority for _ in range(2))
    assert first == second


def test_the_bundle_holds_the_authority_and_everybody_else(certificates: Certificates) -> None:
    bundle = certificates.ca_bundle.read_bytes()
    assert Path(certifi.where()).read_bytes() in bundle
    assert certificates.authority in bundle


def test_nobody_else_can_read_the_key(certificates: Certificates, tmp_path: Path) -> None:
    assert certificates.authority
    assert stat.S_IMODE((tmp_path / "certificates").stat().st_mode) == 0o700
