"""metrics.k8s.io for the HorizontalPodAutoscaler, as an aggregated API of the cluster's own."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure.kubernetes.api import Api, Object, serve
from local_azure.kubernetes.keys import Keys
from local_azure.kubernetes.kubelet_api import USAGE
from local_azure.kubernetes.network import OWN

PORT = 4443
_GROUP = "metrics.k8s.io/v1beta1"
_SCRAPE_SECONDS = 5.0
_FRESH_SECONDS = 30.0


@dataclass
class Usage:
    """What a container used last.

    Attributes:
        cores: Over the last two looks; None before the second.
        memory: Bytes.
        seen: Seconds since 1970.
        seconds: CPU seconds at that time.
    """

    cores: float | None = None
    memory: int = 0
    seen: float = 0.0
    seconds: float = 0.0


@dataclass
class Metrics:
    """Scrapes the nodes and answers the API server.

    Attributes:
        api: A client that may list pods.
        keys: The cluster's.
        kubelets: The ports of the nodes' own APIs.
    """

    api: Api
    keys: Keys
    kubelets: Sequence[int]
    _usage: dict[tuple[str, str], dict[str, Usage]] = field(default_factory=dict, init=False)

    async def register(self) -> None:
        """Tell the API server where the group is served."""
        system = "/api/v1/namespaces/kube-system/services"
        slices = "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices"
        await self.api.create(
            system,
            {
                "metadata": {"name": "metrics-server"},
                "spec": {"ports": [{"name": "https", "port": 443, "targetPort": PORT}]},
            },
        )
        await self.api.create(
            slices,
            {
                "metadata": {
                    "name": "metrics-server-1",
                    "labels": {"kubernetes.io/service-name": "metrics-server"},
                },
                "addressType": "IPv4",
                "endpoints": [{"addresses": [OWN], "conditions": {"ready": True}}],
                "ports": [{"name": "https", "port": PORT}],
            },
        )
        await self.api.create(
            "/apis/apiregistration.k8s.io/v1/apiservices",
            {
                "metadata": {"name": "v1beta1.metrics.k8s.io"},
                "spec": {
                    "group": "metrics.k8s.io",
                    "version": "v1beta1",
                    "groupPriorityMinimum": 100,
                    "versionPriority": 100,
                    "insecureSkipTLSVerify": True,
                    "service": {"name": "metrics-server", "namespace": "kube-system"},
                },
            },
        )

    async def scrape(self) -> None:
        """Look at every node, for ever."""
        context = ssl.create_default_context(cafile=str(self.keys.authority))
        context.load_cert_chain(
            self.keys.certificate("kubelet-client"), self.keys.key("kubelet-client")
        )
        async with httpx.AsyncClient(verify=context, trust_env=False, timeout=5) as client:
            while True:
                for port in self.kubelets:
                    try:
                        answer = await client.get(f"https://127.0.0.1:{port}{USAGE}")
                    except httpx.HTTPError:
                        continue
                    self._take(answer.json())
                await asyncio.sleep(_SCRAPE_SECONDS)

    def _take(self, told: Sequence[Object]) -> None:
        """Take in what a node told."""
        for each in told:
            containers = self._usage.setdefault((each["namespace"], each["pod"]), {})
            usage = containers.setdefault(each["container"], Usage())
            seen, seconds = each["seen"], each["seconds"]
            if usage.seen and seen > usage.seen and seconds >= usage.seconds:
                usage.cores = (seconds - usage.seconds) / (seen - usage.seen)
            usage.memory, usage.seen, usage.seconds = each["memory"], seen, seconds

    async def answer(self) -> None:
        """Answer until cancelled."""

        async def discovery(_: Request) -> Response:
            resource = {
                "name": "pods",
                "singularName": "",
                "namespaced": True,
                "kind": "PodMetrics",
                "verbs": ["get", "list"],
            }
            return JSONResponse(
                {
                    "kind": "APIResourceList",
                    "apiVersion": "v1",
                    "groupVersion": _GROUP,
                    "resources": [resource],
                }
            )

        async def pods(request: Request) -> Response:
            namespace = request.path_params["namespace"]
            listed = await self.api.get(
                f"/api/v1/namespaces/{namespace}/pods", **dict(request.query_params)
            )
            items = [
                found
                for pod in (listed or {"items": []})["items"]
                if (found := self._of(namespace, pod)) is not None
            ]
            return JSONResponse(
                {
                    "kind": "PodMetricsList",
                    "apiVersion": _GROUP,
                    "metadata": {},
                    "items": items,
                }
            )

        app = Starlette(
            routes=[
                Route(f"/apis/{_GROUP}", discovery),
                Route(f"/apis/{_GROUP}/namespaces/{{namespace}}/pods", pods),
            ]
        )
        await serve(app, self.keys, "metrics", OWN, PORT)

    def _of(self, namespace: str, pod: Object) -> Object | None:
        name = pod["metadata"]["name"]
        fresh = {
            container: usage
            for container, usage in self._usage.get((namespace, name), {}).items()
            if usage.cores is not None and time.time() - usage.seen < _FRESH_SECONDS
        }
        if not fresh:
            return None
        seen = max(usage.seen for usage in fresh.values())
        return {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": pod["metadata"].get("labels") or {},
            },
            "timestamp": datetime.fromtimestamp(seen, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "window": f"{_SCRAPE_SECONDS:g}s",
            "containers": [
                {
                    "name": container,
                    "usage": {
                        "cpu": f"{int((usage.cores or 0) * 1e9)}n",
                        "memory": str(usage.memory),
                    },
                }
                for container, usage in fresh.items()
            ],
        }
