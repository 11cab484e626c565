"""What is behind `Microsoft.ContainerService/managedClusters`: a control plane, and its nodes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import copy
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from local_azure import whole_file
from local_azure.arm.availability import CLUSTERS
from local_azure.arm.errors import ArmError
from local_azure.arm.ids import not_found
from local_azure.arm.requests import api_version, known_type
from local_azure.arm.service import Body, Resource, Surroundings
from local_azure.containers import address
from local_azure.containers.image import ImageError
from local_azure.containers.pull import Puller
from local_azure.kubernetes import network, tunnel
from local_azure.kubernetes.cluster import READY, ClusterSettings
from local_azure.kubernetes.control_plane import PORT
from local_azure.kubernetes.keys import Keys, kubeconfig, merged
from local_azure.kubernetes.programs import VERSION, Programs, ProgramsError
from local_azure.listener import bound
from local_azure.types.shape import merge

LOG = logging.getLogger(__name__)

_START_SECONDS = 180.0
_END_SECONDS = 30.0
_LOOK_SECONDS = 0.1
_MOST_NODES = 8
_MINOR = VERSION.rpartition(".")[0]
_CLUSTER = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.ContainerService/managedClusters/{name}"
)

_VERSIONS = (
    "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}"
    "/kubernetesVersions"
)


@dataclass
class Running:
    """A cluster that was started.

    Attributes:
        kubeconfig: Of who uses it.
        process: The one that all others end with.
        servers: One answers what the cluster needs of the stand-in, one carries the API server's
            connections.
        balancers: By the service's uid: where the host listens for it, and with what.
    """

    kubeconfig: str
    process: subprocess.Popen[bytes]
    servers: list[asyncio.Server]
    balancers: dict[str, tuple[str, list[asyncio.Server]]] = field(default_factory=dict)


@dataclass
class ManagedClusters:
    """All clusters of the stand-in.

    Attributes:
        surroundings: The service's folder and the other resources.
        puller: Gets images.
        programs: Kubernetes' own.
    """

    surroundings: Surroundings
    puller: Puller
    programs: Programs
    type: str = field(default=CLUSTERS, init=False)
    _running: dict[str, Running] = field(default_factory=dict, init=False)

    async def put(self, resource: Resource, previous: Resource | None) -> Body:
        """Start the cluster, or take over settings that need no other nodes.

        Raises:
            ArmError: 400 for what cannot be had here, 409 when it does not start.
        """
        nodes = _nodes(resource)
        running = self._running.get(resource.id.lower())
        if running is None or running.process.poll() is not None:
            await self._start(resource, nodes)
        elif previous is not None and _nodes(previous) != nodes:
            await self._stop(resource)
            await self._start(resource, nodes)
        return self._described(resource)

    async def resume(self, resource: Resource) -> Body:
        """Start it again after the stand-in was restarted, with what etcd has kept."""
        try:
            await self._start(resource, _nodes(resource))
        except ArmError as error:
            LOG.warning("cluster %s: %s", resource.name, error)
        return resource.body

    async def show(self, resource: Resource) -> Body:
        """The stored body with the live power state."""
        body = copy.deepcopy(resource.body)
        running = self._running.get(resource.id.lower())
        alive = running is not None and running.process.poll() is None
        body["properties"]["powerState"] = {"code": "Running" if alive else "Stopped"}
        return body

    async def delete(self, resource: Resource) -> None:
        """End all of it and forget what etcd kept."""
        await self._stop(resource)
        await asyncio.to_thread(shutil.rmtree, self._folder(resource), ignore_errors=True)

    def actions(self) -> Sequence[BaseRoute]:
        """The credentials of a user; those of an administrator while local accounts are on."""
        return [
            Route(f"{_CLUSTER}/listClusterUserCredential", self._credential, methods=["POST"]),
            Route(f"{_CLUSTER}/listClusterAdminCredential", self._admin, methods=["POST"]),
            Route(_VERSIONS, self._versions),
        ]

    async def close(self) -> None:
        """End all clusters; what is stored starts again with the stand-in."""
        await asyncio.gather(*(self._end(each) for each in self._running.values()))
        self._running.clear()

    async def _versions(self, request: Request) -> Response:
        """The one version, as every region offers it."""
        known_type(CLUSTERS, api_version(request))
        patches = {VERSION: {"upgrades": []}}
        one = {"version": _MINOR, "isDefault": True, "patchVersions": patches}
        return JSONResponse({"values": [one]})

    async def _start(self, resource: Resource, nodes: int) -> None:
        try:
            kube = self.programs.kube()
            environment = self.programs.iptables()
            network.check()
        except (ProgramsError, network.NetworkError) as error:
            raise ArmError(409, "KubernetesNotAvailable", str(error)) from error
        folder = self._folder(resource)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ready = folder / READY
        ready.unlink(missing_ok=True)
        settings = asdict(ClusterSettings(str(kube), nodes, environment, os.getpid()))
        module = "local_azure.kubernetes.cluster"

        async def answer(question: dict[str, Any]) -> dict[str, Any]:
            return await self._answer(resource, question)

        outwards = await tunnel.answer_inside(folder, answer)
        with (folder / "cluster.log").open("ab") as log:
            process = subprocess.Popen(
                network.entering([sys.executable, "-m", module, str(folder), json.dumps(settings)]),
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        port = self._port(folder)
        inwards = network.reached(folder, tunnel.INWARDS)
        server = await _carry(inwards, "127.0.0.1", PORT, "127.0.0.1", port)
        self._running[resource.id.lower()] = Running("", process, [outwards, server])
        reason = await _ready(process, ready, folder / "cluster.log")
        if reason:
            await self._stop(resource)
            raise ArmError(
                409, "KubernetesNotAvailable", f"The cluster '{resource.name}': {reason}"
            )
        self._running[resource.id.lower()].kubeconfig = self._kubeconfig(resource)
        self._publish()

    async def _stop(self, resource: Resource) -> None:
        running = self._running.pop(resource.id.lower(), None)
        if running is not None:
            await self._end(running)
            self._publish()

    async def _end(self, running: Running) -> None:
        running.process.terminate()
        try:
            await asyncio.to_thread(running.process.wait, _END_SECONDS)
        except subprocess.TimeoutExpired:
            running.process.kill()
            await asyncio.to_thread(running.process.wait)
        for servers in (running.servers, *(each for _, each in running.balancers.values())):
            for server in servers:
                server.close()

    async def _answer(self, resource: Resource, question: dict[str, Any]) -> dict[str, Any]:
        """What the cluster asks for: an image, an address on the host, or its withdrawal."""
        if question.get("ask") == "image":
            try:
                image = await self.puller.pull_as(_kubelet(resource), str(question["name"]))
            except ImageError as error:
                return {"error": str(error)}
            return {"digest": image.digest, "root": str(image.root), "config": image.config}
        running = self._running.get(resource.id.lower())
        if running is None:
            return {"error": "the cluster ends"}
        service = str(question["service"])
        if question["ask"] == "withdraw":
            _, servers = running.balancers.pop(service, ("", []))
            for server in servers:
                server.close()
            return {}
        return await self._expose(resource, running, service, question)

    async def _expose(
        self, resource: Resource, running: Running, service: str, question: dict[str, Any]
    ) -> dict[str, Any]:
        if service in running.balancers:
            return {"address": running.balancers[service][0]}
        ports = [int(port) for port in question["ports"]]
        folder = self._folder(resource)
        note = folder / f"address-{service}"
        kept = address.noted(note)
        try:
            taken = {each for each, _ in running.balancers.values()}
            seed = f"{folder}\n{service}"
            here = kept if kept and address.free(kept, ports) else ""
            here = here or address.choose(seed, ports, taken)
            inwards = network.reached(folder, tunnel.INWARDS)
            servers = [
                await _carry(inwards, question["address"], port, here, port) for port in ports
            ]
        except (address.NoAddressError, OSError) as error:
            return {"error": str(error)}
        note.write_text(here)
        running.balancers[service] = (here, servers)
        return {"address": here}

    def _described(self, resource: Resource) -> Body:
        more = {
            "currentKubernetesVersion": VERSION,
            "fqdn": f"127.0.0.1:{self._port(self._folder(resource))}",
            "nodeResourceGroup": resource.body["properties"].get("nodeResourceGroup")
            or f"MC_{resource.id.split('/')[4]}_{resource.name}_{resource.body['location']}",
        }
        return merge(resource.body, {"properties": more})

    def _kubeconfig(self, resource: Resource) -> str:
        folder = self._folder(resource)
        server = f"https://127.0.0.1:{self._port(folder)}"
        return kubeconfig(Keys(folder / "keys"), "user", server, resource.name)

    def _publish(self) -> None:
        """Keep the file that kubectl reads, as `az aks get-credentials` would."""
        found = [each.kubeconfig for each in self._running.values() if each.kubeconfig]
        whole_file.write(self.surroundings.folder / "kubeconfig", merged(found).encode())

    async def _credential(self, request: Request) -> Response:
        text = self._kubeconfig(self._resource(request))
        value = base64.b64encode(text.encode()).decode()
        return JSONResponse({"kubeconfigs": [{"name": "clusterUser", "value": value}]})

    async def _admin(self, request: Request) -> Response:
        if self._resource(request).body["properties"].get("disableLocalAccounts"):
            raise ArmError(
                400,
                "BadRequest",
                "Getting static credential is not allowed because this cluster is set to disable "
                "local accounts.",
            )
        return await self._credential(request)

    def _resource(self, request: Request) -> Resource:
        resource_id = request.url.path.rsplit("/", 1)[0]
        resource = self.surroundings.lookup.get(resource_id)
        if resource is None:
            raise not_found(resource_id)
        return resource

    def _port(self, folder: Path) -> int:
        """The API server's port on the host: another one would be another cluster to clients."""
        note = folder / "port"
        with contextlib.suppress(OSError, ValueError):
            return int(note.read_text())
        with bound(0) as free:
            port = free.getsockname()[1]
        note.write_text(str(port))
        return port

    def _folder(self, resource: Resource) -> Path:
        name = hashlib.sha256(resource.id.lower().encode()).hexdigest()[:16]
        return self.surroundings.folder / name


def _nodes(resource: Resource) -> int:
    """How many nodes the pools have.

    Raises:
        ArmError: 400: none or too many, another version, a machine without the memory.
    """
    properties = resource.body["properties"]
    version = properties.get("kubernetesVersion")
    if version and version not in (VERSION, _MINOR):
        raise ArmError(
            400,
            "K8sVersionNotSupported",
            f"Version {version} is not supported in this region. The stand-in has {VERSION}.",
            "properties.kubernetesVersion",
        )
    pools = properties["agentPoolProfiles"]
    nodes = sum(int(each.get("count") or 1) for each in pools)
    if not pools or not 1 <= nodes <= _MOST_NODES:
        raise ArmError(
            400,
            "InvalidParameter",
            f"The pools have {nodes} nodes; the stand-in runs 1 to {_MOST_NODES}.",
            "properties.agentPoolProfiles",
        )
    if not _kubelet(resource):
        raise ArmError(
            400,
            "KubeletIdentityMissing",
            "The stand-in makes no identity of its own: name one in identityProfile",
            "properties.identityProfile",
        )
    return nodes


def _kubelet(resource: Resource) -> str:
    profile = resource.body["properties"].get("identityProfile") or {}
    return str((profile.get("kubeletidentity") or {}).get("resourceId") or "")


async def _carry(
    path: str, address_inside: str, port_inside: int, host: str, port: int
) -> asyncio.Server:
    """Listen on the host and carry each connection into the cluster."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await tunnel.forward(path, address_inside, port_inside, reader, writer)

    return await asyncio.start_server(one, host, port, backlog=1024)


async def _ready(process: subprocess.Popen[bytes], ready: Path, log: Path) -> str:
    """Wait; the reason why it does not start, "" if it does."""
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not ready.exists() and process.poll() is None:
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        return f"not ready after {_START_SECONDS:g} s"
    if ready.exists():
        return ready.read_text()
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else f"ended with exit code {process.returncode}"


def _environment() -> dict[str, str]:
    root = Path(__file__).resolve().parents[2]
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(root)}
