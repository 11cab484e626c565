"""The kubelet's own API: the logs of pods, and what they use, for the autoscaler's metrics."""

from __future__ import annotations

import time
from collections.abc import Mapping

import psutil
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local_azure.containers.container import Container
from local_azure.kubernetes.api import Object
from local_azure.kubernetes.pod import Pod

USAGE = "/usage"
"""Where the metrics API asks; a real kubelet has it as Prometheus' text."""


def application(pods: Mapping[str, Pod]) -> Starlette:
    """What answers for the pods of a node, as they are when it is asked."""

    async def logs(request: Request) -> Response:
        wanted = (request.path_params["namespace"], request.path_params["pod"])
        for pod in pods.values():
            if (pod.namespace, pod.name) == wanted:
                for container in pod.containers:
                    if container.plan.name == request.path_params["container"]:
                        return PlainTextResponse(_tail(container, request.query_params))
        return PlainTextResponse("the node has no such container", 404)

    async def usage(_: Request) -> Response:
        found = [_usage(pod, each) for pod in pods.values() for each in pod.containers]
        return JSONResponse(found)

    async def refused(_: Request) -> Response:
        return PlainTextResponse("the virtual kubelet does not support this", 501)

    return Starlette(
        routes=[
            Route("/containerLogs/{namespace}/{pod}/{container}", logs),
            Route(USAGE, usage),
            Route("/{rest:path}", refused, methods=["GET", "POST"]),
        ]
    )


def _tail(container: Container, query: Mapping[str, str]) -> str:
    lines = query.get("tailLines")
    stamps = query.get("timestamps") == "true"
    container.log.flush()
    return container.log.tail(int(lines) if lines and lines.isdigit() else None, timestamps=stamps)


def _usage(pod: Pod, container: Container) -> Object:
    """CPU seconds and resident bytes of a container's processes."""
    seconds, resident = 0.0, 0
    for process in container.processes():
        try:
            times = process.cpu_times()
            seconds += times.user + times.system
            resident += process.memory_info().rss
        except psutil.Error:
            continue
    return {
        "namespace": pod.namespace,
        "pod": pod.name,
        "container": container.plan.name,
        "seen": time.time(),
        "seconds": seconds,
        "memory": resident,
    }
