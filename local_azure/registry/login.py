"""Who a client of a registry is, and what it may do: the endpoints under `/oauth2/`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure.arm.errors import ArmError
from local_azure.arm.service import Body
from local_azure.registry import names
from local_azure.registry.errors import RegistryError
from local_azure.registry.settings import Settings
from local_azure.registry.tokens import EVERYTHING, PULL, Scope, Tokens, unauthorized

_MAX_FORM = 65_536
_OWN_AUDIENCE = "https://containerregistry.azure.net"
_ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Login:
    """The login of one registry.

    Attributes:
        settings: Gives the registry's settings as they are now.
        tokens: The registry's own.
        verify: Checks an Entra access token: its claims, or an `ArmError`.
        is_admin: Whether a name and a password are the admin user's, and it may log in.
    """

    settings: Callable[[], Settings]
    tokens: Tokens
    verify: Callable[[str], Body]
    is_admin: Callable[[str, str], bool]

    def routes(self) -> list[Route]:
        """The two endpoints."""
        return [
            Route("/oauth2/exchange", self._exchange, methods=["POST"]),
            Route("/oauth2/token", self._token, methods=["GET", "POST"]),
        ]

    def check(self, request: Request, wanted: Scope | None) -> None:
        """Let a request to the registry pass, or say how to get a token for it.

        Args:
            request: With a token, or with the admin user's password.
            wanted: What it needs; None: any login will do.

        Raises:
            RegistryError: 401 with the challenge that Azure's and Docker's clients follow.
        """
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        refusal = "authentication required, visit https://aka.ms/acr/authorization for more details"
        error = ""
        if scheme.lower() == "basic" and self.is_admin(*_basic(given)):
            return
        if scheme.lower() == "bearer":
            try:
                if self.tokens.allows(given.strip(), wanted):
                    return
                refusal, error = f"the token does not allow {wanted}", "insufficient_scope"
            except RegistryError as refused:
                refusal, error = refused.message, "invalid_token"
        raise self._challenge(refusal, wanted, error)

    def repository(self, request: Request, *actions: str) -> str:
        """The repository of a request, once the client may do these things with it.

        Raises:
            RegistryError: 400 for a name that is none, 401 as `check`.
        """
        name = names.repository(request.path_params["name"])
        self.check(request, Scope("repository", name, frozenset(actions)))
        return name

    def _challenge(self, message: str, wanted: Scope | None, error: str) -> RegistryError:
        service = self.tokens.service
        challenge = f'Bearer realm="https://{service}/oauth2/token",service="{service}"'
        challenge += f',scope="{wanted}"' if wanted else ""
        challenge += f',error="{error}"' if error else ""
        return RegistryError(401, "UNAUTHORIZED", message, {"WWW-Authenticate": challenge})

    async def _exchange(self, request: Request) -> Response:
        """An Entra token for a refresh token of this registry."""
        form = await _form(request)
        self._check_service(form)
        grant = form.get("grant_type", "")
        if grant not in ("access_token", "access_token_refresh_token"):
            raise RegistryError(
                400, "UNSUPPORTED", f"grant_type '{grant}' is not supported; send access_token."
            )
        try:
            claims = self.verify(form.get("access_token", ""))
        except ArmError as error:
            raise unauthorized(error.message) from error
        own = str(claims["aud"]).rstrip("/") == _OWN_AUDIENCE
        if not own and not self.settings().arm_tokens:
            raise unauthorized(
                f"The registry refuses tokens for '{claims['aud']}': its policy "
                f"azureADAuthenticationAsArmPolicy is disabled. Ask for one for '{_OWN_AUDIENCE}'."
            )
        return _no_store({"refresh_token": self.tokens.refresh(str(claims.get("oid", "")))})

    async def _token(self, request: Request) -> Response:
        """An access token, for a refresh token, the admin user's password, or nobody."""
        query = dict(request.query_params)
        form = query if request.method == "GET" else {**query, **await _form(request)}
        self._check_service(form)
        scopes = request.query_params.getlist("scope") or [form.get("scope", "")]
        wanted = [Scope.parse(text) for line in scopes for text in line.split()]
        subject, allowed = self._who(request, form)
        granted = [
            Scope(scope.type, scope.name, frozenset(scope.actions & allowed)) for scope in wanted
        ]
        token = self.tokens.access(subject, [scope for scope in granted if scope.actions])
        return _no_store({"access_token": token, "token": token})

    def _who(self, request: Request, form: Mapping[str, str]) -> tuple[str, frozenset[str]]:
        """The client and what it may do at most. All Entra tokens are the subscription's owner."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            username, password = _basic(given)
        else:
            username, password = form.get("username", ""), form.get("password", "")
        refresh = form.get("refresh_token", "")
        if not refresh and username == "00000000-0000-0000-0000-000000000000":
            refresh = password  # how `docker login` carries a refresh token
        if refresh:
            return self.tokens.subject(refresh), EVERYTHING
        if username:
            if self.is_admin(username, password):
                return username, EVERYTHING
            raise unauthorized(
                "The user name or password is wrong."
                if self.settings().admin
                else "The admin user of this registry is disabled: log in with an identity."
            )
        if self.settings().anonymous_pull:
            return _ANONYMOUS, PULL
        raise unauthorized("The registry does not allow anonymous pull: log in.")

    def _check_service(self, form: Mapping[str, str]) -> None:
        service = form.get("service", "")
        if service.lower() != self.tokens.service:
            raise RegistryError(
                400,
                "UNSUPPORTED",
                f"The service '{service[:80]}' is not this one, '{self.tokens.service}'.",
            )


async def _form(request: Request) -> dict[str, str]:
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MAX_FORM:
            raise RegistryError(413, "SIZE_INVALID", f"The form is larger than {_MAX_FORM} bytes.")
    return {name: values[-1] for name, values in parse_qs(content.decode("latin-1")).items()}


def _basic(given: str) -> tuple[str, str]:
    try:
        username, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return username, password


def _no_store(content: Mapping[str, str]) -> Response:
    return JSONResponse(dict(content), headers={"Cache-Control": "no-store"})
