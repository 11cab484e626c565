"""Access tokens: JSON Web Tokens signed by the stand-in, checked on every call."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import jwt

from local_azure.arm.errors import ArmError

ISSUER = "https://sts.local-azure.invalid/"
"""Signs for the stand-in; `.invalid` resolves nowhere."""

LIFETIME = 3600
"""Seconds, as Microsoft Entra's default of about an hour."""


@dataclass(frozen=True)
class Identity:
    """The one service principal of a state folder.

    Attributes:
        client_id: The application's id.
        client_secret: Its password.
        object_id: The id that role assignments name.
        tenant: The directory's id, the `tid` of every token.
    """

    client_id: str
    client_secret: str
    object_id: str
    tenant: str

    def accepts(self, client_id: str, client_secret: str) -> bool:
        """Whether these are the credentials, compared in constant time."""
        right_id = secrets.compare_digest(client_id.lower().encode(), self.client_id.encode())
        right = secrets.compare_digest(client_secret.encode(), self.client_secret.encode())
        return right_id and right


@dataclass(frozen=True)
class Tokens:
    """Issues and checks tokens.

    Attributes:
        key: The signing key of the state folder.
        identity: Whom they are for.
        audiences: ARM's names: tokens for them are issued, and accepted by ARM.
        others: Further services that tokens are issued for; ARM refuses these.
    """

    key: str
    identity: Identity
    audiences: Collection[str]
    others: Collection[str] = ()

    def issue(self, audience: str) -> str:
        """A signed token for one audience, with or without a slash at its end."""
        now = int(time.time())
        return jwt.encode(
            {
                "iss": f"{ISSUER}{self.identity.tenant}/",
                "aud": audience,
                "iat": now,
                "nbf": now,
                "exp": now + LIFETIME,
                "tid": self.identity.tenant,
                "appid": self.identity.client_id,
                "oid": self.identity.object_id,
                "sub": self.identity.object_id,
                "idtyp": "app",
                "ver": "1.0",
                "jti": secrets.token_urlsafe(12),
            },
            self.key,
            algorithm="HS256",
        )

    def audience(self, resource: str) -> str | None:
        """The known audience that a client means, with or without a slash at its end."""
        known = (*self.audiences, *self.others)
        return next((each for each in known if _bare(each) == _bare(resource)), None)

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a good token.

        Raises:
            ArmError: 401: malformed, wrong signature, issuer, tenant or audience, expired.
        """
        try:
            claims = jwt.decode(
                token,
                self.key,
                algorithms=["HS256"],
                issuer=f"{ISSUER}{self.identity.tenant}/",
                options={"require": ["exp", "iss", "aud", "tid"], "verify_aud": False},
            )
        except jwt.ExpiredSignatureError as error:
            raise refused(
                "ExpiredAuthenticationToken", "The access token expired; log in again."
            ) from error
        except jwt.InvalidIssuerError as error:
            raise refused(
                "InvalidAuthenticationTokenIssuer",
                "The access token is from another issuer than the stand-in.",
            ) from error
        except jwt.InvalidTokenError as error:
            raise refused(
                "InvalidAuthenticationToken", f"The access token is invalid: {error}."
            ) from error
        if claims["tid"] != self.identity.tenant:
            raise refused(
                "InvalidAuthenticationTokenTenant",
                f"The access token is from the tenant '{claims['tid']}', the subscription belongs "
                f"to '{self.identity.tenant}'.",
            )
        if not isinstance(claims["aud"], str) or self.audience(claims["aud"]) is None:
            raise self._audience_refused(claims["aud"])
        return claims

    def authenticate(self, authorization: str | None) -> dict[str, Any]:
        """The claims of an `Authorization` header to ARM.

        Raises:
            ArmError: 401, with `WWW-Authenticate`.
        """
        if not authorization:
            raise refused(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
            )
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise refused(
                "AuthenticationFailedInvalidHeader",
                "Authentication failed. The 'Authorization' header must be 'Bearer TOKEN'.",
            )
        claims = self.verify(token.strip())
        if _bare(claims["aud"]) not in {_bare(each) for each in self.audiences}:
            raise self._audience_refused(claims["aud"])
        return claims

    def _audience_refused(self, audience: object) -> ArmError:
        return refused(
            "InvalidAuthenticationTokenAudience",
            f"The access token is for '{audience}'; accepted: {', '.join(self.audiences)}.",
        )


def refused(code: str, message: str) -> ArmError:
    """A 401 that says how to authenticate."""
    return ArmError(
        401,
        code,
        message,
        headers={
            "WWW-Authenticate": 'Bearer realm="local-azure", error="invalid_token", '
            f'error_description="{code}"'
        },
    )


def _bare(audience: str) -> str:
    return audience.rstrip("/").lower()
