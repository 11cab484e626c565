"""Reads Azure Resource Manager, signed in as Pulumi's azure-native provider is; it never writes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
)
from azure.core.pipeline.policies import RetryPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from infra.arm import login
from infra.arm.errors import ArmError

LISTING = "2021-04-01"
"""API version of `Microsoft.Resources` that lists the resources of a group."""

ASSIGNMENTS = "2022-04-01"
"""API version of `Microsoft.Authorization` that reads role assignments."""

ABSENT = frozenset(
    {
        "NotFound",
        "ResourceNotFound",
        "ResourceGroupNotFound",
        "ParentResourceNotFound",
        "EntityNotFound",
        "RoleAssignmentNotFound",
    }
)
"""Codes of a 404 that say that a resource is not there.

They are those that azure-native believes, but for SubscriptionNotFound: a login of another tenant
is told that, too. Any other 404 comes from a wrong path or from something in between.
"""

CREDENTIALS = "2023-01-31"
"""API version of `Microsoft.ManagedIdentity` that lists federated credentials."""


class Arm:
    """A client that only reads; use it as a context manager.

    ARM_ENVIRONMENT names the cloud, ARM_RESOURCE_MANAGER_ENDPOINT one of your own.
    """

    def __init__(self) -> None:
        """Find the endpoint and the login; nothing is asked yet.

        Raises:
            ArmError: ARM_ENVIRONMENT names no cloud.
        """
        self._endpoint, self._scopes = login.endpoint()
        self._credential = login.credential()
        self._client = ARMPipelineClient(
            base_url=self._endpoint,
            policies=[
                UserAgentPolicy(base_user_agent="sklearn-mnist-svc"),
                RetryPolicy(retry_total=3, retry_backoff_factor=0.5, retry_backoff_max=10),
                ARMChallengeAuthenticationPolicy(self._credential, *self._scopes),
            ],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._credential.close()

    def get(self, resource_id: str, api_version: str) -> dict[str, Any] | None:
        """A resource as Azure has it; None if it is not there.

        Raises:
            ArmError: Azure was not reached, or refused.
        """
        return self._read(f"{self._endpoint}{resource_id}?api-version={api_version}")

    def listed(self, path: str, api_version: str, query: str = "") -> Iterator[dict[str, Any]]:
        """Yield what a list has, page by page; none if its scope is not there.

        Raises:
            ArmError: Azure was not reached, or refused.
        """
        page = self._read(f"{self._endpoint}{path}?api-version={api_version}{query}")
        while page:
            yield from page.get("value") or ()
            url = page.get("nextLink")
            if not url:
                return
            if urlsplit(url)[:2] != urlsplit(self._endpoint)[:2]:
                raise ArmError("Azure named a next page on another host; it was not followed")
            page = self._read(url, absent=frozenset())

    def ask(self, path: str, api_version: str, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a question that Azure wants in a body; nothing is changed by it.

        Raises:
            ArmError: Azure was not reached, or refused.
        """
        url = f"{self._endpoint}{path}?api-version={api_version}"
        return self._read(url, absent=frozenset(), question=question) or {}

    def caller(self) -> str:
        """The object id of who is signed in, as the token has it; empty where it has none.

        Raises:
            ArmError: The login was refused.
        """
        try:
            token = self._credential.get_token(*self._scopes).token
        except AzureError as error:
            raise ArmError(f"Azure refused the login: {_first(error)}") from error
        try:
            claims = token.split(".")[1]
            return str(json.loads(base64.urlsafe_b64decode(claims + "=="))["oid"])
        except (ValueError, LookupError, TypeError):
            return ""

    def resources(self, group_id: str) -> Iterator[dict[str, Any]]:
        """Yield the resources of a resource group, page by page; none if it is not there.

        Raises:
            ArmError: Azure was not reached, or refused.
        """
        yield from self.listed(f"{group_id}/resources", LISTING)

    def role_assignments(self, scope: str) -> Iterator[dict[str, Any]]:
        """Yield the role assignments at a scope, below it, and inherited by it, page by page.

        Raises:
            ArmError: Azure was not reached, or refused.
        """
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments"
        yield from self.listed(path, ASSIGNMENTS)

    def federated_credentials(self, identity_id: str) -> Iterator[dict[str, Any]]:
        """Yield whose tokens an identity takes, page by page; none if it is not there.

        Raises:
            ArmError: Azure was not reached, or refused.
        """
        yield from self.listed(f"{identity_id}/federatedIdentityCredentials", CREDENTIALS)

    def _read(
        self,
        url: str,
        absent: frozenset[str] = ABSENT,
        question: Mapping[str, Any] | None = None,
    ) -> dict[str, Any] | None:
        """An answer; None for a 404 with one of these codes."""
        method = "GET" if question is None else "POST"
        try:
            answer = self._client.send_request(HttpRequest(method, url, json=question))
            if answer.status_code == 404 and _code(answer) in absent:
                return None
            answer.raise_for_status()
            found = answer.json()
            if not isinstance(found, dict):
                raise ValueError("the answer is no JSON object")
            return found
        except ClientAuthenticationError as error:
            if _unreachable(error):
                raise ArmError(f"Azure was not reached for a login: {_first(error)}") from error
            raise ArmError(
                f"Azure refused the login: {_first(error)}; have the credentials expired?"
            ) from error
        except HttpResponseError as error:
            code = _code(error.response)
            raise ArmError(
                f"Azure answered HTTP {error.status_code}{code and f' {code}'}"
                f" to {method} {urlsplit(url).path}"
                + ("; the identity needs Reader on it" if error.status_code == 403 else ""),
                code,
            ) from error
        except (AzureError, ValueError) as error:
            raise ArmError(f"Azure was not reached: {_first(error)}") from error


def _code(answer: Any) -> str:
    """Azure's own code of an error; empty where the body has none."""
    try:
        code = answer.json()["error"]["code"]
    except (AttributeError, ValueError, LookupError, TypeError):
        return ""
    return code if isinstance(code, str) and code.isalnum() else ""


def _unreachable(error: BaseException | None) -> bool:
    """Whether a login failed because nobody answered: azure-identity calls both a refusal."""
    while error is not None:
        if isinstance(error, ServiceRequestError | OSError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _first(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
