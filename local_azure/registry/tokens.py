"""A registry's own tokens: refresh tokens for a login, access tokens for a scope.

The exchange is Azure Container Registry's: an Entra token gives a refresh token, which gives access
tokens for the scopes that a 401 asks for.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from local_azure.registry.errors import RegistryError
from local_azure.registry.names import REPOSITORY

REFRESH_SECONDS = 3 * 3600
ACCESS_SECONDS = 75 * 60

_ISSUER = "Azure Container Registry"
_SCOPE = re.compile(
    rf"(?P<type>repository|registry|artifact-repository):(?P<name>{REPOSITORY}|\*):"
    r"(?P<actions>[a-z_*]+(?:,[a-z_*]+)*)"
)

EVERYTHING = frozenset({"pull", "push", "delete", "metadata_read", "metadata_write", "*"})
"""What the owner of the subscription and the admin user may do."""

PULL = frozenset({"pull", "metadata_read"})
"""What an anonymous client may do where the registry allows it."""


@dataclass(frozen=True)
class Scope:
    """What a client asks for or has: `repository:NAME:pull,push`, `registry:catalog:*`."""

    type: str
    name: str
    actions: frozenset[str]

    def __str__(self) -> str:
        return f"{self.type}:{self.name}:{','.join(sorted(self.actions))}"

    @classmethod
    def parse(cls, text: str) -> Scope:
        """One scope.

        Raises:
            RegistryError: 400.
        """
        match = _SCOPE.fullmatch(text)
        if match is None:
            raise RegistryError(
                400,
                "UNSUPPORTED",
                f"'{text[:80]}' is no scope: expected TYPE:NAME:ACTION[,ACTION], for example "
                "repository:hello-world:pull.",
            )
        kind = "repository" if match["type"] == "artifact-repository" else match["type"]
        return cls(kind, match["name"], frozenset(match["actions"].split(",")))


@dataclass(frozen=True)
class Tokens:
    """Issues and checks the tokens of one registry.

    Attributes:
        key: Signs them; a new one makes all old tokens worthless.
        service: The registry's host and port, their audience.
    """

    key: str
    service: str

    def refresh(self, subject: str) -> str:
        """A token that stands for a login."""
        return self._signed({"sub": subject, "grant_type": "refresh_token"}, REFRESH_SECONDS)

    def access(self, subject: str, granted: Iterable[Scope]) -> str:
        """A token that allows what it names."""
        access = [
            {"type": scope.type, "name": scope.name, "actions": sorted(scope.actions)}
            for scope in granted
        ]
        claims = {"sub": subject, "grant_type": "access_token", "access": access}
        return self._signed(claims, ACCESS_SECONDS)

    def subject(self, refresh_token: str) -> str:
        """Whose login a refresh token is.

        Raises:
            RegistryError: 401.
        """
        return self._claims(refresh_token, "refresh_token")["sub"]

    def allows(self, access_token: str, wanted: Scope | None) -> bool:
        """Whether an access token covers a scope; every good token covers None.

        Raises:
            RegistryError: 401: the token is malformed, forged, expired or for something else.
        """
        claims = self._claims(access_token, "access_token")
        if wanted is None:
            return True
        for each in claims.get("access", []):
            if (each["type"], each["name"]) == (wanted.type, wanted.name):
                actions = frozenset(each["actions"])
                if wanted.actions <= actions or "*" in actions:
                    return True
        return False

    def _signed(self, claims: Mapping[str, Any], seconds: int) -> str:
        now = int(time.time())
        frame = {
            "jti": secrets.token_hex(16),
            "iss": _ISSUER,
            "aud": self.service,
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "version": 1.0,
        }
        return jwt.encode({**frame, **claims}, self.key, algorithm="HS256")

    def _claims(self, token: str, grant: str) -> dict[str, Any]:
        try:
            claims = jwt.decode(
                token,
                self.key,
                algorithms=["HS256"],
                audience=self.service,
                issuer=_ISSUER,
                options={"require": ["exp", "sub"]},
            )
        except jwt.InvalidTokenError as error:
            raise unauthorized(f"The token is not valid here: {error}.") from error
        if claims.get("grant_type") != grant:
            raise unauthorized(f"This token is no {grant.replace('_', ' ')}.")
        return claims


def unauthorized(message: str) -> RegistryError:
    """A 401 in the distribution protocol's envelope."""
    return RegistryError(401, "UNAUTHORIZED", message)
