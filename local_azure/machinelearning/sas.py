"""Shared access signatures: links that name one blob, allow some verbs and expire."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from local_azure.machinelearning.errors import StorageError

VERSION = "2021-12-02"
READ = "r"
WRITE = "cw"
LIST = "l"
LIFETIME = datetime.timedelta(hours=1)

_EXPIRY = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Signer:
    """Signs links and checks them.

    Attributes:
        key: The secret of the state folder.
    """

    key: bytes

    def link(
        self, url: str, blob: str, permissions: str, lifetime: datetime.timedelta = LIFETIME
    ) -> str:
        """A link to one blob.

        azureml-core makes the account's address again from the first labels of the host, as
        `LABEL.blob.REST`; as user information of the URL they need no name service.

        Args:
            url: The stand-in's base URL.
            blob: The blob's container and name, `azureml/...`.
            permissions: `READ` or `WRITE`.
            lifetime: How long it is good for.
        """
        query = self._query("b", blob, permissions, lifetime)
        return f"https://dev.blob.az@{urlsplit(url).netloc}/{quote(blob)}?{query}"

    def container(self, name: str) -> str:
        """A signature for all of a container, as the query of an address."""
        return self._query("c", name, f"{READ}{WRITE}{LIST}", LIFETIME)

    def check(self, blob: str, permission: str, query: Mapping[str, str]) -> None:
        """Let a request with a good link pass.

        Args:
            blob: The blob, or the container, that it is for.
            permission: One letter of `READ`, `WRITE` or `LIST`.
            query: The request's query.

        Raises:
            StorageError: 401 without a signature; 403 for a wrong or expired one, or another verb.
        """
        if "sig" not in query:
            raise StorageError(
                401, "NoAuthenticationInformation", "The request has no shared access signature."
            )
        permissions, expiry = query.get("sp", ""), query.get("se", "")
        right = self._signature(blob, permissions, expiry)
        if not hmac.compare_digest(right.encode(), query["sig"].encode()):
            raise _denied("Signature did not match: it is for another blob, or it was changed.")
        try:
            until = datetime.datetime.strptime(expiry, _EXPIRY).replace(tzinfo=datetime.UTC)
        except ValueError as error:
            raise _denied(f"The expiry time '{expiry}' is malformed.") from error
        if until <= datetime.datetime.now(datetime.UTC):
            raise _denied(f"The signature expired at {expiry}.")
        if permission not in permissions:
            raise StorageError(
                403,
                "AuthorizationPermissionMismatch",
                f"The signature allows '{permissions}', this request needs '{permission}'.",
            )

    def _query(self, kind: str, name: str, permissions: str, lifetime: datetime.timedelta) -> str:
        expiry = (datetime.datetime.now(datetime.UTC) + lifetime).strftime(_EXPIRY)
        signature = self._signature(name, permissions, expiry)
        return urlencode(
            {"sv": VERSION, "sr": kind, "sp": permissions, "se": expiry, "sig": signature}
        )

    def _signature(self, blob: str, permissions: str, expiry: str) -> str:
        text = "\n".join((VERSION, "b", permissions, expiry, blob))
        return base64.b64encode(hmac.digest(self.key, text.encode(), hashlib.sha256)).decode()


def _denied(why: str) -> StorageError:
    return StorageError(
        403, "AuthenticationFailed", f"Server failed to authenticate the request. {why}"
    )
