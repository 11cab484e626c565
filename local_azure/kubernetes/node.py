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
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from local_azure import cache
from local_azure.containers import packages, planner
from local_azure.containers.container import Plan
from local_azure.containers.image import Image, ImageError
from local_azure.containers.probe import Probe
from local_azure.containers.process import Launch
from local_azure.kubernetes import kubelet_api, network, tunnel
from local_azure.kubernetes.api import Api, Object
from local_azure.kubernetes.control_plane import SERVER
from local_azure.kubernetes.keys import Keys
from local_azure.kubernetes.pod import CannotStartError, Pod, now
from local_azure.kubernetes.pod_rules import quantity

LOG = logging.getLogger(__name__)

VERSION = "v1.36.3"
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
        self._free = network.addresses(self.number)[::-1]
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
                group.create_task(kubelet_api.serve(self.keys, self.name, self.port, self.pods))
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
                        "kubernetes.io/arch": _architecture(),
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
                "lastHeartbeatTime": now(),
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
                        "kubeletVersion": f"{VERSION}-virtual",
                        "operatingSystem": "linux",
                        "architecture": _architecture(),
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
            pod = Pod(body, self._free.pop(), self.api, self, self.folder / "pods" / uid)
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

    # What a pod asks of its node.

    async def plan(
        self,
        container: Object,
        spec: Object,
        environment: Mapping[str, str],
        ip: str,
        scratch: Path,
    ) -> tuple[Plan, str]:
        """See `pod.Planner`."""
        image = await self._image(container["image"])
        limits = (container.get("resources") or {}).get("limits") or {}
        try:
            programs = await packages.prepare(image, cache.folder() / "environments", os.environ)
            folder = image.working_directory
            cores = quantity(limits.get("cpu", "1"))
            memory = int(quantity(limits.get("memory", "1Gi")))
        except ImageError as error:
            raise CannotStartError("ErrImagePull", str(error)) from error
        except ValueError as error:
            raise CannotStartError("CreateContainerConfigError", str(error)) from error
        given = container.get("command")
        command = [*(given or image.config.get("Entrypoint") or [])]
        command += container.get("args") or ([] if given else image.config.get("Cmd") or [])
        variables = {**planner.base(image, programs, scratch, ip), **environment}
        chosen = planner.cpus(cores, sorted(os.sched_getaffinity(0)), ip)
        ports = container.get("ports") or []
        plan = Plan(
            name=container["name"],
            image=container["image"],
            launch=Launch(command, variables, folder, chosen, memory),
            policy=spec.get("restartPolicy", "Always"),
            liveness=_probe(container.get("livenessProbe"), ports, ip),
            readiness=_probe(container.get("readinessProbe"), ports, ip),
            startup=_probe(container.get("startupProbe"), ports, ip),
        )
        return plan, image.digest

    async def _image(self, name: str) -> Image:
        try:
            found = await tunnel.ask(self._outside, {"ask": "image", "name": name})
        except OSError as error:
            raise CannotStartError(
                "ErrImagePull", f"the registry is out of reach: {error}"
            ) from error
        if "error" in found:
            raise CannotStartError("ErrImagePull", found["error"])
        return Image(found["digest"], Path(found["root"]), found["config"])


def kubelet_port(number: int) -> int:
    """Where a node's own API listens."""
    return 10300 + number


def _probe(body: Object | None, ports: list[Object], ip: str) -> Probe | None:
    """A probe whose port may be called by its name.

    Raises:
        CannotStartError: No port has the name.
    """
    if not body:
        return None
    get = body.get("httpGet")
    if get and isinstance(get.get("port"), str):
        named = {each.get("name"): each["containerPort"] for each in ports}
        if get["port"] not in named:
            raise CannotStartError(
                "CreateContainerConfigError", f"a probe names the port '{get['port']}', none has it"
            )
        body = {**body, "httpGet": {**get, "port": named[get["port"]]}}
    return Probe.parse(body, ip)


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


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
