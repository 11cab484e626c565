"""ARM as the plugin calls it: PUT, GET, DELETE by id, each until it has ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jwt
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError
from azure.core.pipeline import policies
from azure.core.polling import LROPoller
from azure.core.rest import HttpRequest
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.exceptions import ARMErrorFormat
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from azure.mgmt.core.polling.arm_polling import ARMPolling

POLL_SECONDS = 0.1
"""Between two looks at an operation whose answer names no pause."""

WAIT_SECONDS = 2 * 60 * 60.0
"""How long an operation may take where the program sets no custom timeout, as azure-native."""


class ArmClientError(Exception):
    """ARM refused or did not answer: one line, with Azure's code."""


class HalfMadeError(ArmClientError):
    """The resource was accepted and then failed: it exists and has to be kept in the state."""


@dataclass(frozen=True)
class Login:
    """How to get a token: the names that azure-native and Terraform read from the environment.

    Attributes:
        endpoint: ARM's base URL.
        authority: The login server's base URL.
        tenant: The tenant's name or id.
        client_id: The service principal.
        client_secret: Its password.
        subscription: The subscription to work in.
    """

    endpoint: str
    authority: str
    tenant: str
    client_id: str
    client_secret: str
    subscription: str

    NAMES: ClassVar[Mapping[str, str]] = {
        "endpoint": "ARM_RESOURCE_MANAGER_ENDPOINT",
        "authority": "ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST",
        "tenant": "ARM_TENANT_ID",
        "client_id": "ARM_CLIENT_ID",
        "client_secret": "ARM_CLIENT_SECRET",
        "subscription": "ARM_SUBSCRIPTION_ID",
    }

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Login:
        """The login that `python -m local_azure exec` sets up.

        Raises:
            ArmClientError: A variable is missing.
        """
        missing = [name for name in cls.NAMES.values() if not environment.get(name)]
        if missing:
            raise ArmClientError(
                f"{missing[0]} is not set; this azure-native plugin only talks to the local "
                "stand-in: run pulumi with `python -m local_azure exec -- pulumi ...`"
            )
        return cls(**{key: environment[name] for key, name in cls.NAMES.items()})


class _Polling(ARMPolling):
    """Looks at an operation until it ends, the time is over or the user has enough."""

    def __init__(self, cancelled: threading.Event, seconds: float) -> None:
        super().__init__(timeout=POLL_SECONDS)
        self._cancelled = cancelled
        self._limit = seconds or WAIT_SECONDS
        self._end = time.monotonic() + self._limit

    def _sleep(self, delay: float) -> None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise ArmClientError(f"it did not end within {self._limit:g} s; Azure goes on with it")
        if self._cancelled.wait(min(delay, left)):
            raise ArmClientError("cancelled before it ended; Azure goes on with it")


class _Secret:
    """A client secret exchanged for tokens (OAuth 2.0 client credentials, RFC 6749 section 4.4)."""

    def __init__(self, login: Login, client: ARMPipelineClient) -> None:
        self._login = login
        self._client = client

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """A fresh token for ARM."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self._login.client_id,
            "client_secret": self._login.client_secret,
            "scope": " ".join(scopes),
        }
        url = f"{self._login.authority.rstrip('/')}/{self._login.tenant}/oauth2/v2.0/token"
        response = self._client.send_request(HttpRequest("POST", url, data=form))
        response.raise_for_status()
        body = response.json()
        return AccessToken(body["access_token"], int(time.time()) + int(body["expires_in"]))


class ArmClient:
    """ARM for one subscription."""

    def __init__(self, login: Login) -> None:
        self.login = login
        self._cancelled = threading.Event()
        # The token's own requests must not ask for a token.
        bare = ARMPipelineClient(
            login.endpoint, policies=[policies.RetryPolicy(retry_total=2, retry_backoff_factor=0.1)]
        )
        self._credential = _Secret(login, bare)
        self._client = ARMPipelineClient(
            login.endpoint,
            policies=[
                policies.RequestIdPolicy(),
                policies.HeadersPolicy(),
                policies.UserAgentPolicy("local-azure-provider"),
                policies.RetryPolicy(retry_total=3, retry_backoff_factor=0.1),
                ARMChallengeAuthenticationPolicy(
                    self._credential, f"{login.endpoint.rstrip('/')}/.default"
                ),
            ],
        )

    def check(self) -> None:
        """Ask for the subscription.

        Raises:
            ArmClientError: ARM is down, or the login is refused.
        """
        try:
            self._send("GET", f"/subscriptions/{self.login.subscription}", "2022-12-01")
        except ArmClientError as error:
            if isinstance(error.__cause__, ServiceRequestError):
                raise ArmClientError(
                    f"the local stand-in does not answer at {self.login.endpoint}; "
                    "start it: python -m local_azure start"
                ) from error
            raise

    def who(self) -> dict[str, str]:
        """Client, object, subscription and tenant ids, from the token's claims."""
        try:
            token = self._credential.get_token(f"{self.login.endpoint}/.default").token
        except AzureError as error:
            raise ArmClientError(_message(error)) from error
        # ARM is who checks its signature.
        claims = jwt.decode(token, options={"verify_signature": False})
        return {
            "clientId": str(claims.get("appid", "")),
            "objectId": str(claims.get("oid", "")),
            "subscriptionId": self.login.subscription,
            "tenantId": str(claims.get("tid", "")),
        }

    def get(self, resource_id: str, api_version: str) -> dict[str, Any] | None:
        """The resource; None if there is none."""
        try:
            return self._send("GET", resource_id, api_version).http_response.json()
        except ArmClientError as error:
            cause = error.__cause__
            if isinstance(cause, HttpResponseError) and cause.status_code == 404:
                return None
            raise

    def post(self, path: str, api_version: str) -> dict[str, Any]:
        """Call an action of a resource.

        Raises:
            ArmClientError: It was refused.
        """
        return self._send("POST", path, api_version).http_response.json()

    def call(
        self, method: str, path: str, api_version: str, body: dict[str, Any] | None = None
    ) -> str:
        """What ARM answers to anything, as text; an operation goes on by itself.

        Raises:
            ArmClientError: It was refused.
        """
        return self._send(method, path, api_version, body).http_response.text()

    def cancel(self) -> None:
        """End every wait, now and later: the engine is about to stop."""
        self._cancelled.set()

    def put(
        self,
        resource_id: str,
        api_version: str,
        body: dict[str, Any],
        seconds: float = 0,
        *,
        later: bool = True,
    ) -> dict[str, Any]:
        """Create or update, wait until it has ended, answer the resource.

        Args:
            resource_id: The resource's ARM id.
            api_version: The version to speak.
            body: The whole resource.
            seconds: How long it may take; 0 is `WAIT_SECONDS`.
            later: Whether the type's PUT is finished by polling; else `Location` means nothing.

        Raises:
            HalfMadeError: It was accepted, and failed later or was not waited for.
            ArmClientError: It was refused.
        """
        response = self._send("PUT", resource_id, api_version, body)
        try:
            if later or "Azure-AsyncOperation" in response.http_response.headers:
                self._wait(response, seconds)
        except (AzureError, ArmClientError) as error:
            raise HalfMadeError(_message(error)) from error
        made = self.get(resource_id, api_version)
        if made is None:
            raise ArmClientError(f"{resource_id} is gone right after it was made")
        return made

    def delete(self, resource_id: str, api_version: str, seconds: float = 0) -> None:
        """Delete, wait until it has ended. What does not exist is deleted already."""
        try:
            self._wait(self._send("DELETE", resource_id, api_version), seconds)
        except AzureError as error:
            raise ArmClientError(_message(error)) from error

    def _wait(self, answer: Any, seconds: float) -> None:
        if answer.http_response.status_code in (200, 201, 202):
            polling = _Polling(self._cancelled, seconds)
            LROPoller(self._client, answer, lambda _: None, polling).result()

    def _send(
        self, method: str, path: str, api_version: str, body: dict[str, Any] | None = None
    ) -> Any:
        url = self.login.endpoint.rstrip("/") + path
        request = HttpRequest(method, url, params={"api-version": api_version}, json=body)
        try:
            # Polling starts from the pipeline's own answer, not from the response alone.
            answer: Any = self._client.send_request(request, _return_pipeline_response=True)
            if answer.http_response.status_code >= 400:
                raise HttpResponseError(response=answer.http_response, error_format=ARMErrorFormat)
        except AzureError as error:
            raise ArmClientError(_message(error)) from error
        return answer


def _message(error: BaseException) -> str:
    inner = getattr(error, "error", None)
    code, message = getattr(inner, "code", None), getattr(inner, "message", None)
    if code and message:
        return f"{code}: {message}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
