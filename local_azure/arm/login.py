"""What clients ask of Microsoft Entra and of the cloud's metadata before they call ARM."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure.arm.requests import Bounded
from local_azure.arm.tokens import LIFETIME, Tokens

CLOUD = "LocalAzure"
"""The name of the cloud in the metadata."""

MAX_FORM = 16_384
"""Bytes of a request for a token."""


@dataclass(frozen=True)
class Login:
    """Open endpoints: they take no token.

    Attributes:
        url: The stand-in's base URL, without a slash at the end.
        tokens: Issues the tokens.
    """

    url: str
    tokens: Tokens

    def routes(self) -> list[Route]:
        """What clients of Microsoft's libraries ask."""
        small = [Middleware(Bounded, limit=MAX_FORM)]
        return [
            Route("/metadata/endpoints", self.clouds),
            Route("/{tenant}/.well-known/openid-configuration", self.configuration),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self.configuration),
            Route("/{tenant}/oauth2/token", self.token, methods=["POST"], middleware=small),
            Route("/{tenant}/oauth2/v2.0/token", self.token, methods=["POST"], middleware=small),
            Route("/{tenant}/discovery/keys", self.keys),
        ]

    async def clouds(self, request: Request) -> Response:
        """The one cloud; the shape depends on the API version as in Azure.

        From 2022-09-01 on it is an object, before a list. A client that names no version
        (azureml-core, `az cloud`) reads a list.
        """
        one = {
            "name": CLOUD,
            "portal": self.url,
            "resourceManager": self.url,
            "authentication": {
                "loginEndpoint": self.url,
                "audiences": list(self.tokens.audiences),
                "tenant": "adfs",
                "identityProvider": "AAD",
            },
            "graph": self.url,
            "graphAudience": self.url,
            "microsoftGraphResourceId": self.url,
            "gallery": self.url,
            "batch": self.url,
            "media": self.url,
            "sqlManagement": self.url,
            "vmImageAliasDoc": self.url,
            "activeDirectoryDataLake": self.url,
            "suffixes": {
                "storage": "storage.local-azure.invalid",
                "keyVaultDns": "vault.local-azure.invalid",
                "acrLoginServer": "127.0.0.1",
                "sqlServerHostname": "database.local-azure.invalid",
            },
        }
        version = request.query_params.get("api-version", "")
        return JSONResponse(one if version >= "2022-09-01" else [one])

    async def configuration(self, request: Request) -> Response:
        """OpenID Connect discovery of one tenant."""
        tenant = request.path_params["tenant"]
        if not self._knows(tenant):
            return _unknown_tenant(tenant)
        base = f"{self.url}/{tenant}"
        version = "oauth2/v2.0" if "/v2.0/" in request.url.path else "oauth2"
        return JSONResponse(
            {
                "issuer": f"{base}/v2.0" if "v2.0" in version else base,
                "authorization_endpoint": f"{base}/{version}/authorize",
                "token_endpoint": f"{base}/{version}/token",
                "device_authorization_endpoint": f"{base}/{version}/devicecode",
                "jwks_uri": f"{base}/discovery/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "response_types_supported": ["token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["HS256"],
            }
        )

    async def token(self, request: Request) -> Response:
        """The client-credentials grant, for `scope=AUDIENCE/.default` or `resource=AUDIENCE`."""
        tenant = request.path_params["tenant"]
        if not self._knows(tenant):
            return _unknown_tenant(tenant)
        content = await request.body()
        form = {name: values[-1] for name, values in parse_qs(content.decode("latin-1")).items()}
        if form.get("grant_type") != "client_credentials":
            return _oauth_error(
                400,
                "unsupported_grant_type",
                f"AADSTS70003: the grant '{form.get('grant_type', '')}' is not supported here; "
                "only client_credentials is.",
            )
        if not self.tokens.identity.accepts(
            form.get("client_id", ""), form.get("client_secret", "")
        ):
            return _oauth_error(
                401, "invalid_client", "AADSTS7000215: Invalid client id or client secret provided."
            )
        wanted = form.get("resource") or _resource(form.get("scope", ""))
        audience = self.tokens.audience(wanted)
        if audience is None:
            return _oauth_error(
                400,
                "invalid_resource",
                f"AADSTS500011: The resource '{wanted}' was not found; known here: "
                f"{', '.join(self.tokens.audiences)}.",
            )
        answer = {
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "ext_expires_in": LIFETIME,
            "access_token": self.tokens.issue(audience),
            "resource": audience,
        }
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    async def keys(self, _: Request) -> Response:
        """No public keys: tokens are signed with a secret that never leaves the state folder."""
        return JSONResponse({"keys": []})

    def _knows(self, tenant: str) -> bool:
        return tenant.lower() in (self.tokens.identity.tenant, "adfs")


def _resource(scope: str) -> str:
    """`AUDIENCE/.default openid ...` -> `AUDIENCE`; an audience that ends in a slash keeps it."""
    first = next((part for part in scope.split() if part.endswith("/.default")), scope)
    return first.removesuffix("/.default")


def _unknown_tenant(tenant: str) -> Response:
    return _oauth_error(
        400, "invalid_tenant", f"AADSTS90002: Tenant '{tenant}' not found. Known here: adfs."
    )


def _oauth_error(status: int, code: str, description: str) -> Response:
    """Entra's own error shape, which is not ARM's."""
    return JSONResponse(
        {"error": code, "error_description": description, "error_codes": [], "error_uri": ""},
        status,
    )
