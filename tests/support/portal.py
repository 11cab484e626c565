"""Somebody with a login who works behind Pulumi's back, by ARM's REST API."""

from __future__ import annotations

import ssl
from typing import Any, Self

import httpx

from tests.support.machine import Machine


class Portal:
    """A client of the stand-in's ARM for the resource group of a machine's stack."""

    def __init__(self, machine: Machine) -> None:
        variables = machine.environment()
        endpoint = variables["ARM_RESOURCE_MANAGER_ENDPOINT"]
        tls = ssl.create_default_context(cafile=variables["SSL_CERT_FILE"])
        outputs = machine.outputs()
        self._group = (
            f"/subscriptions/{outputs['subscription_id']}"
            f"/resourceGroups/{outputs['resource_group']}"
        )
        self._http = httpx.Client(base_url=endpoint, verify=tls, timeout=60)
        login = {
            "grant_type": "client_credentials",
            "client_id": variables["ARM_CLIENT_ID"],
            "client_secret": variables["ARM_CLIENT_SECRET"],
            "scope": f"{endpoint}/.default",
        }
        answer = self._http.post(f"/{variables['ARM_TENANT_ID']}/oauth2/v2.0/token", data=login)
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, method: str, resource: str, version: str, body: Any = None) -> Any:
        """Ask about a resource of the group, `TYPE/NAME`."""
        path = f"{self._group}/providers/{resource}"
        answer = self._http.request(method, path, params={"api-version": version}, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def recover(self, vault: str, body: Any) -> None:
        """What `az keyvault recover` asks for, of a vault as it was."""
        properties = {name: body["properties"][name] for name in ("tenantId", "sku")}
        asked = {"location": body["location"], "properties": {"createMode": "recover"}}
        asked["properties"] |= properties
        self.call("PUT", vault, "2023-02-01", asked)

    def names(self, kind: str) -> list[str]:
        """The names of the group's resources of a type."""
        answer = self._http.get(f"{self._group}/resources", params={"api-version": "2021-04-01"})
        found = answer.json()["value"]
        return sorted(one["name"] for one in found if one["type"].lower() == kind.lower())

    def ids(self) -> dict[str, str]:
        """When the group's resources were made, by id; one made anew has another time."""
        answer = self._http.get(
            f"{self._group}/resources",
            params={"api-version": "2021-04-01", "$expand": "createdTime"},
        )
        return {one["id"]: str(one.get("createdTime")) for one in answer.json()["value"]}
