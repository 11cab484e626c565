"""Azure Container Registry's tokens: an Entra token for a refresh token for a scoped access token.

Source: "Azure Container Registry, OAuth2 and token exchange" of the registry's documentation.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from local_azure.arm.errors import ArmError

REFRESH_SECONDS = 3 * 3600
ACCESS_SECONDS = 75 * 60


class DeniedError(Exception):
    """A request without the right to what it asks for."""


@dataclass(frozen=True)
class Access:
    """Who may do what in one registry.

    Attributes:
        login_server: The registry's host and port: issuer and audience of its tokens.
        verify: Checks an Entra token, raises ArmError.
        key: Signs this registry's tokens; new at every start of the stand-in.
    """

    login_server: str
    verify: Callable[[str], Mapping[str, Any]]
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def exchange(self, form: Mapping[str, str]) -> str:
        """A refresh token for an Entra token.

        Raises:
            DeniedError: The Entra token is missing or refused.
        """
        try:
            claims = self.verify(form.get("access_token", ""))
        except ArmError as error:
            raise DeniedError(error.message) from error
        return self._token("refresh", REFRESH_SECONDS, sub=claims.get("oid"))

    def access(self, form: Mapping[str, str]) -> str:
        """An access token for a refresh token and a scope such as `repository:name:pull,push`.

        Raises:
            DeniedError: No valid refresh token.
        """
        self._claims(form.get("refresh_token", ""), "refresh")
        return self._token("access", ACCESS_SECONDS, scope=form.get("scope", ""))

    def check(self, authorization: str | None, resource: str, action: str) -> None:
        """Whether a request may do `action` on `resource`, such as `repository:name`.

        Raises:
            DeniedError: No token, a wrong one, or one for something else.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise DeniedError("a Bearer token is needed")
        for scope in self._claims(token, "access")["scope"].split():
            granted, _, actions = scope.rpartition(":")
            if granted == resource and {action, "*"} & set(actions.split(",")):
                return
        raise DeniedError(f"the token does not allow {action} on {resource}")

    def _token(self, use: str, seconds: int, **claims: Any) -> str:
        body = {"aud": self.login_server, "exp": int(time.time()) + seconds, "use": use, **claims}
        return jwt.encode(body, self.key, "HS256")

    def _claims(self, token: str, use: str) -> dict[str, Any]:
        try:
            claims = jwt.decode(
                token, self.key, ["HS256"], audience=self.login_server, options={"require": ["exp"]}
            )
        except jwt.InvalidTokenError as error:
            raise DeniedError(f"the token is not valid: {error}") from error
        if claims.get("use") != use:
            raise DeniedError(f"this is no {use} token")
        return claims
