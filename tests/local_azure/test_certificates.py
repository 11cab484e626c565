from __future__ import annotations

import datetime
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from local_azure.certificates import Certificates


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    made = Certificates.at(tmp_path)
    made.ensure()
    return made


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_the_server_is_127_0_0_1_and_localhost(certificates: Certificates):
    names = read(certificates.certificate).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert [str(name.value) for name in names.value] == ["127.0.0.1", "localhost"]


def test_the_private_key_is_its_owners_alone(certificates: Certificates):
    assert stat.S_IMODE(certificates.key.stat().st_mode) == 0o600


def test_the_authoritys_key_is_not_kept(certificates: Certificates):
    keys = [path for path in certificates.key.parent.iterdir() if b"PRIVATE" in path.read_bytes()]
    assert keys == [certificates.key]


def test_good_certificates_are_kept(certificates: Certificates):
    before = certificates.authority.read_bytes()
    certificates.ensure()
    assert certificates.authority.read_bytes() == before


@pytest.mark.parametrize("name", ["authority", "certificate", "key"])
@pytest.mark.parametrize("content", [None, b"", b"damaged"])
def test_missing_and_damaged_files_are_made_again(
    certificates: Certificates, name: str, content: bytes | None
):
    path: Path = getattr(certificates, name)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    certificates.ensure()
    read(certificates.certificate).verify_directly_issued_by(read(certificates.authority))
    certificates.server_context()


def test_a_certificate_that_is_about_to_expire_is_renewed(certificates: Certificates):
    key = serialization.load_pem_private_key(certificates.key.read_bytes(), None)
    old = read(certificates.certificate)
    now = datetime.datetime.now(datetime.UTC)
    expiring = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.subject)
        .public_key(old.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=360))
        .not_valid_after(now + datetime.timedelta(days=5))
        .sign(key, hashes.SHA256())  # pyright: ignore[reportArgumentType]
    )
    pem = expiring.public_bytes(serialization.Encoding.PEM)
    certificates.certificate.write_bytes(pem)
    certificates.authority.write_bytes(pem)
    certificates.ensure()
    assert read(certificates.certificate).not_valid_after_utc > now + datetime.timedelta(days=300)
