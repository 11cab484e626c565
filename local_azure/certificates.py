"""The stand-in's own certificate authority, trusted by the commands it runs and nobody else."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = datetime.timedelta(days=365)
_RENEW = datetime.timedelta(days=30)


@dataclass(frozen=True)
class Certificates:
    """PEM files in one folder.

    Attributes:
        authority: The CA's certificate: what a client trusts.
        certificate: The server's, for 127.0.0.1 and localhost.
        key: The server's private key, readable by its owner alone.
    """

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def at(cls, folder: Path) -> Certificates:
        """The paths, whether the files exist or not."""
        return cls(folder / "ca.pem", folder / "server.pem", folder / "server-key.pem")

    def ensure(self) -> None:
        """Make the files; again where one is missing, unreadable or about to expire.

        The CA's own key is never written: nobody can sign a second certificate with it.
        """
        if not self._good():
            self._make()

    def server_context(self) -> ssl.SSLContext:
        """TLS for a server that shows the certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client_context(self) -> ssl.SSLContext:
        """TLS for a client that trusts the authority alone."""
        return ssl.create_default_context(cafile=str(self.authority))

    def _good(self) -> bool:
        try:
            leaf = x509.load_pem_x509_certificate(self.certificate.read_bytes())
            authority = x509.load_pem_x509_certificate(self.authority.read_bytes())
            leaf.verify_directly_issued_by(authority)
            self.server_context()
        except (OSError, ValueError, TypeError, InvalidSignature):
            return False
        return leaf.not_valid_after_utc - _now() > _RENEW

    def _make(self) -> None:
        authority_key = ec.generate_private_key(ec.SECP256R1())
        leaf_key = ec.generate_private_key(ec.SECP256R1())
        authority_name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, "Local Azure stand-in CA")]
        )
        authority = (
            _builder(authority_name, authority_name, authority_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign_certificates=True), critical=True)
            .sign(authority_key, hashes.SHA256())
        )
        leaf = (
            _builder(
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]),
                authority_name,
                leaf_key,
            )
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")), x509.DNSName("localhost")]
                ),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
                critical=False,
            )
            .sign(authority_key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        _write(
            self.key,
            leaf_key.private_bytes(
                pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )
        _write(self.certificate, leaf.public_bytes(pem))
        _write(self.authority, authority.public_bytes(pem))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - datetime.timedelta(minutes=5))
        .not_valid_after(_now() + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
