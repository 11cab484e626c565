"""A registry per test, with Azure's own client and with plain HTTP."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from azure.containerregistry import ContainerRegistryClient
from azure.identity import ClientSecretCredential


@dataclass
class Registry:
    """A registry resource and its clients."""

    arm: httpx.Client
    path: str
    server: str
    context: ssl.SSLContext
    credential: ClientSecretCredential
    authority: str

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    def client(self, credential: Any = "", **further: Any) -> ContainerRegistryClient:
        """Azure's client; `credential=None` is anonymous."""
        chosen = self.credential if credential == "" else credential
        return ContainerRegistryClient(
            self.server, chosen, connection_verify=self.authority, **further
        )

    def plain(self, *scopes: str, auth: tuple[str, str] | None = None) -> httpx.Client:
        """HTTP with an access token for these scopes, or none."""
        headers = {"Authorization": f"Bearer {self.token(*scopes)}"} if scopes else {}
        return httpx.Client(
            base_url=f"https://{self.server}",
            verify=self.context,
            headers=headers,
            auth=auth,
            timeout=60,
        )

    def refresh_token(self, access_token: str) -> httpx.Response:
        form = {
            "grant_type": "access_token",
            "service": self.server,
            "access_token": access_token,
        }
        with self.plain() as http:
            return http.post("/oauth2/exchange", data=form)

    def token(self, *scopes: str) -> str:
        entra = self.credential.get_token("https://containerregistry.azure.net/.default").token
        refresh = self.refresh_token(entra).json()["refresh_token"]
        form = {
            "grant_type": "refresh_token",
            "service": self.server,
            "scope": " ".join(scopes),
            "refresh_token": refresh,
        }
        with self.plain() as http:
            return http.post("/oauth2/token", data=form).json()["access_token"]

    def put(self, **properties: Any) -> dict[str, Any]:
        """Change the resource. Returns it."""
        version = {"api-version": "2023-07-01"}
        body = {
            "location": "westeurope",
            "sku": {"name": "Premium"},
            "properties": properties,
        }
        answer = self.arm.put(self.path, params=version, json=body)
        assert answer.status_code < 300, answer.text
        while answer.json()["properties"]["provisioningState"] in ("Creating", "Updating"):
            time.sleep(0.02)
            answer = self.arm.get(self.path, params=version)
        return answer.json()

    def delete(self) -> None:
        version = {"api-version": "2023-07-01"}
        self.arm.delete(self.path, params=version)
        end = time.monotonic() + 20
        while self.arm.get(self.path, params=version).status_code != 404:
            assert time.monotonic() < end, "the registry is not deleted"
            time.sleep(0.02)

    def action(self, name: str, body: Any = None) -> httpx.Response:
        return self.arm.post(
            f"{self.path}/{name}", params={"api-version": "2023-07-01"}, json=body or {}
        )


@pytest.fixture
def registry(stand_in: Any, http: httpx.Client, group: str) -> Iterator[Registry]:
    path = f"{group}/providers/Microsoft.ContainerRegistry/registries/reg{uuid4().hex[:10]}"
    context = ssl.create_default_context(cafile=str(stand_in.authority))
    made = Registry(http, path, "", context, stand_in.credential(), str(stand_in.authority))
    made.server = made.put()["properties"]["loginServer"]
    yield made
    made.delete()
