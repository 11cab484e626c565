"""A virtual kubelet: a real Node with its own certificate, whose pods are processes of the host.

A process of its own, so that a node can be lost: `python -m local_azure.kubernetes.node FOLDER N`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import signal
import sys
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from local_azure import clock
from local_azure.containers.image import ARCHITECTURE
from local_azure.kubernetes import kubelet_api, network, tunnel
from local_azure.kubernetes.api import Api, Object, serve
from local_azure.kubernetes.control_plane import SERVER
from local_azure.kubernetes.keys import Keys
from local_azure.kubernetes.pod import Pod
from local_azure.kubernetes.programs import VERSION

LOG = logging.getLogger(__name__)

_LEASE_SECONDS = 40
_BEAT_SECONDS = 10.0
_MOST_PODS = 110
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_ZONES = 3


@dataclass
class Node:
    """One node.

    Attributes:
        folder: The cluster's.
        number: From 1: gives name, zone, ports and the addresses of its pods.
    """

    folder: Path
    number: int
    pods: dict[str, Pod] = field(default_factory=dict, init=False)
    _free: list[str] = field(default_factory=list, init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._free = [f"10.244.{self.number}.{last}" for last in range(250, 1, -1)]
        self.keys = Keys(self.folder / "keys")
        self.api = Api(SERVER, self.keys, self.name)
        self._outside = network.reached(self.folder, tunnel.OUTWARDS)

    @property
    def name(self) -> str:
        """Its name."""
        return f"node-{self.number}"

    @property
    def port(self) -> int:
        """Of the kubelet's own API."""
        return kubelet_port(self.number)

    async def run(self) -> None:
        """Be a node until cancelled; then its pods are gone, too."""
        try:
            await self._register()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._beat())
                group.create_task(self._follow())
                app = kubelet_api.application(self.pods)
                group.create_task(serve(app, self.keys, self.name, "127.0.0.1", self.port))
        finally:
            await asyncio.gather(
                *(each.stop(1.0) for pod in self.pods.values() for each in pod.containers),
                return_exceptions=True,
            )

    async def _register(self) -> None:
        zone = f"local-{1 + (self.number - 1) % _ZONES}"
        await self.api.create(
            "/api/v1/nodes",
            {
                "metadata": {
                    "name": self.name,
                    "labels": {
                        "kubernetes.io/hostname": self.name,
                        "kubernetes.io/os": "linux",
                        "kubernetes.io/arch": ARCHITECTURE,
                        "topology.kubernetes.io/zone": zone,
                        "type": "virtual-kubelet",
                    },
                },
                "spec": {"podCIDR": f"10.244.{self.number}.0/24"},
            },
        )
        await self._tell()

    async def _beat(self) -> None:
        while True:
            renewed = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            spec = {
                "holderIdentity": self.name,
                "leaseDurationSeconds": _LEASE_SECONDS,
                "renewTime": renewed,
            }
            try:
                if not await self.api.patch(f"{_LEASES}/{self.name}", {"spec": spec}):
                    lease = {
                        "metadata": {"name": self.name, "namespace": "kube-node-lease"},
                        "spec": spec,
                    }
                    await self.api.create(_LEASES, lease)
                await self._tell()
            except httpx.HTTPError as error:
                LOG.warning("lease: %r", error)
            await asyncio.sleep(_BEAT_SECONDS)

    async def _tell(self) -> None:
        cores = len(os.sched_getaffinity(0))
        memory = psutil.virtual_memory().total
        # A pod's limit is kept by its processes; the node promises what a small cloud node has.
        resources = {
            "cpu": str(max(cores, 4)),
            "memory": f"{min(memory, 16 * 2**30) // 2**20}Mi",
            "pods": str(_MOST_PODS),
        }
        conditions = [
            {
                "type": kind,
                "status": value,
                "reason": "VirtualKubelet",
                "message": "pods are processes of the host",
                "lastHeartbeatTime": clock.now(),
            }
            for kind, value in (
                ("Ready", "True"),
                ("MemoryPressure", "False"),
                ("DiskPressure", "False"),
                ("PIDPressure", "False"),
            )
        ]
        await self.api.patch(
            f"/api/v1/nodes/{self.name}/status",
            {
                "status": {
                    "capacity": resources,
                    "allocatable": resources,
                    "addresses": [
                        {"type": "InternalIP", "address": "127.0.0.1"},
                        {"type": "Hostname", "address": self.name},
                    ],
                    "daemonEndpoints": {"kubeletEndpoint": {"Port": self.port}},
                    "nodeInfo": {
                        "kubeletVersion": f"v{VERSION}-virtual",
                        "operatingSystem": "linux",
                        "architecture": ARCHITECTURE,
                        "containerRuntimeVersion": "process://1",
                        "kernelVersion": platform.release(),
                        "osImage": "processes of the host",
                        "machineID": self.name,
                        "systemUUID": self.name,
                        "bootID": self.name,
                        "kubeProxyVersion": "",
                    },
                    "conditions": conditions,
                }
            },
        )

    async def _follow(self) -> None:
        selector = f"spec.nodeName={self.name}"
        async for change in self.api.changes("/api/v1/pods", fieldSelector=selector):
            for body in change.objects:
                self._see(body, gone=change.kind == "DELETED")
            if change.kind == "LISTED":
                alive = {body["metadata"]["uid"] for body in change.objects}
                for uid, pod in list(self.pods.items()):
                    if uid not in alive and not pod.ending:
                        self._spawn(self._end(pod))

    def _see(self, body: Object, *, gone: bool) -> None:
        uid = body["metadata"]["uid"]
        pod = self.pods.get(uid)
        if pod is None:
            over = body.get("status", {}).get("phase") in ("Succeeded", "Failed")
            if gone or (over and not body["metadata"].get("deletionTimestamp")):
                return
            if not self._free:
                LOG.error("no address is left for pod %s", body["metadata"]["name"])
                return
            pod = Pod(body, self._free.pop(), self.api, self._outside, self.folder / "pods" / uid)
            self.pods[uid] = pod
            if not body["metadata"].get("deletionTimestamp"):
                self._spawn(pod.run())
        pod.body = body
        if (gone or body["metadata"].get("deletionTimestamp")) and not pod.ending:
            self._spawn(self._end(pod))

    async def _end(self, pod: Pod) -> None:
        with contextlib.suppress(httpx.HTTPError):
            await pod.end()
        self._free.insert(0, pod.ip)
        self.pods.pop(pod.uid, None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def kubelet_port(number: int) -> int:
    """Where a node's own API listens."""
    return 10300 + number


async def _main(folder: Path, number: int) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - it runs in one
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await Node(folder, number).run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2])))
