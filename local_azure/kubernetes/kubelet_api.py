"""The kubelet's own API, as far as `kubectl logs` and the autoscaler's metrics need it."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Iterator, Mapping

import psutil
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local_azure.containers.container import Container
from local_azure.kubernetes.keys import Keys
from local_azure.kubernetes.pod import Pod

LOG = logging.getLogger(__name__)


async def serve(keys: Keys, node: str, port: int, pods: Mapping[str, Pod]) -> None:
    """Answer the API server, and nobody without a certificate of the cluster, until cancelled."""

    async def logs(request: Request) -> Response:
        wanted = (request.path_params["namespace"], request.path_params["pod"])
        for pod in pods.values():
            if (pod.namespace, pod.name) == wanted:
                for container in pod.containers:
                    if container.plan.name == request.path_params["container"]:
                        return PlainTextResponse(_tail(container, request.query_params))
        return PlainTextResponse("the node has no such container", 404)

    async def metrics(_: Request) -> Response:
        return PlainTextResponse("\n".join(_metrics(pods)) + "\n")

    async def refused(_: Request) -> Response:
        return PlainTextResponse("the virtual kubelet does not support this", 501)

    app = Starlette(
        routes=[
            Route("/containerLogs/{namespace}/{pod}/{container}", logs),
            Route("/metrics/resource", metrics),
            Route("/healthz", lambda _: PlainTextResponse("ok")),
            Route("/{rest:path}", refused, methods=["GET", "POST"]),
        ]
    )
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        ssl_certfile=str(keys.certificate(node)),
        ssl_keyfile=str(keys.key(node)),
        ssl_ca_certs=str(keys.authority),
        ssl_cert_reqs=ssl.CERT_REQUIRED,
        log_level="warning",
        access_log=False,
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # pyright: ignore[reportAttributeAccessIssue]
    await server._serve()


def _tail(container: Container, query: Mapping[str, str]) -> str:
    lines = query.get("tailLines")
    stamps = query.get("timestamps") == "true"
    container.log.flush()
    return container.log.tail(int(lines) if lines and lines.isdigit() else None, timestamps=stamps)


def _metrics(pods: Mapping[str, Pod]) -> Iterator[str]:
    stamp = int(time.time() * 1000)
    for pod in pods.values():
        for container in pod.containers:
            seconds, resident = _usage(container)
            labels = (
                f'container="{container.plan.name}",namespace="{pod.namespace}",pod="{pod.name}"'
            )
            yield f"container_cpu_usage_seconds_total{{{labels}}} {seconds} {stamp}"
            yield f"container_memory_working_set_bytes{{{labels}}} {resident} {stamp}"


def _usage(container: Container) -> tuple[float, int]:
    """CPU seconds and resident bytes of a container's processes."""
    seconds, resident = 0.0, 0
    for process in container.processes():
        try:
            times = process.cpu_times()
            seconds += times.user + times.system
            resident += process.memory_info().rss
        except psutil.Error:
            continue
    return seconds, resident
