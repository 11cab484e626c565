"""The stand-in's own certificate authority, trusted by the commands it runs and nobody else."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from local_azure import whole_file

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
        authority = trustme.CA(organization_name="Local Azure stand-in")
        leaf = authority.issue_cert("127.0.0.1", "localhost", not_after=_now() + _LIFE)
        whole_file.write(self.key, leaf.private_key_pem.bytes())
        whole_file.write(self.certificate, leaf.cert_chain_pems[0].bytes())
        whole_file.write(self.authority, authority.cert_pem.bytes())


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
