"""Services of type LoadBalancer: the stand-in's host gives each an address of its own."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import httpx

from local_azure.kubernetes import tunnel
from local_azure.kubernetes.api import Api, Object

LOG = logging.getLogger(__name__)


@dataclass
class LoadBalancers:
    """What a cloud's controller does for services that want to be seen from outside.

    Attributes:
        api: A client that may change the status of services.
        outside: The socket where the stand-in answers.
    """

    api: Api
    outside: str
    _given: dict[str, str] = field(default_factory=dict, init=False)

    async def run(self) -> None:
        """Follow the services, for ever."""
        async for change in self.api.changes("/api/v1/services"):
            for service in change.objects:
                try:
                    await self._see(service, gone=change.kind == "DELETED")
                except (httpx.HTTPError, OSError) as error:
                    LOG.warning("service %s: %r", service["metadata"]["name"], error)

    async def _see(self, service: Object, *, gone: bool) -> None:
        uid = service["metadata"]["uid"]
        wanted = service["spec"].get("type") == "LoadBalancer" and not gone
        if not wanted:
            if self._given.pop(uid, None):
                await tunnel.ask(self.outside, {"ask": "withdraw", "service": uid})
            return
        ports = [each["port"] for each in service["spec"]["ports"]]
        inner = service["spec"].get("clusterIP")
        if not inner or inner == "None":
            return
        found = await tunnel.ask(
            self.outside, {"ask": "expose", "service": uid, "address": inner, "ports": ports}
        )
        if "error" in found:
            LOG.error("service %s: %s", service["metadata"]["name"], found["error"])
            return
        self._given[uid] = found["address"]
        told = (service.get("status", {}).get("loadBalancer") or {}).get("ingress") or [{}]
        if told[0].get("ip") == found["address"]:
            return
        metadata = service["metadata"]
        # Proxy: the way in leads through the stand-in, so kube-proxy must not take the address.
        ingress = [{"ip": found["address"], "ipMode": "Proxy"}]
        await self.api.patch(
            f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}/status",
            {"status": {"loadBalancer": {"ingress": ingress}}},
        )
