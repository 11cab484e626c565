"""Tiny images, a registry that holds them, and groups of them: all through Azure's own clients."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest
from azure.containerregistry import ContainerRegistryClient
from azure.mgmt.containerinstance import ContainerInstanceManagementClient

ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
PORT = 5001

APP = """
import http.server, json, os, subprocess, sys, time

print("starting", flush=True)
if os.environ.get("MODE") == "crash":
    print("the reason why it fails", file=sys.stderr, flush=True)
    sys.exit(3)
if os.environ.get("MODE") == "job":
    print("the work is done", flush=True)
    sys.exit(0)
sick = False
eaten = []

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global sick
        status, answer = 200, {"path": self.path}
        if self.path == "/environment":
            answer = dict(os.environ)
        elif self.path == "/process":
            answer = {"pid": os.getpid(), "session": os.getsid(0), "folder": os.getcwd(),
                      "cpus": sorted(os.sched_getaffinity(0))}
        elif self.path == "/exit":
            os._exit(3)
        elif self.path == "/sicken":
            sick = True
        elif self.path == "/child":
            child = subprocess.Popen(["sleep", "600"])
            answer = {"pid": child.pid}
        elif self.path == "/eat":
            eaten.append(bytearray(os.urandom(1) * 400_000_000))
        elif self.path == "/health" and sick:
            status = 500
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        print("asked for", self.path, flush=True)

address = os.environ["BIND"], int(os.environ.get("PORT", "5001"))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""


def layer(files: dict[str, bytes | tarfile.TarInfo]) -> bytes:
    """A gzipped tar archive; a `TarInfo` in place of content is stored as it is."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, value in files.items():
            if isinstance(value, tarfile.TarInfo):
                archive.addfile(value)
                continue
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(value), 0o644
            archive.addfile(info, io.BytesIO(value))
    return gzip.compress(content.getvalue(), mtime=0)


@dataclass
class Image:
    """An image in the making."""

    files: dict[str, bytes | tarfile.TarInfo] = field(
        default_factory=lambda: {"app/app.py": APP.encode()}
    )
    config: dict[str, Any] = field(default_factory=dict)

    def push(self, client: ContainerRegistryClient, repository: str, tag: str = "latest") -> str:
        """Push it. Returns `REPOSITORY@DIGEST`."""
        archive = layer(self.files)
        config = {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(gzip.decompress(archive)).hexdigest()}"],
            },
            "config": {
                "WorkingDir": "/app",
                "Entrypoint": ["python"],
                "Cmd": ["app.py"],
                "Env": ["FROM_IMAGE=yes", "PATH=/image/bin", "BIND=0.0.0.0"],
                **self.config,
            },
        }

        def upload(content: bytes, media_type: str) -> dict[str, Any]:
            digest, size = client.upload_blob(repository, io.BytesIO(content))
            return {"mediaType": media_type, "digest": digest, "size": size}

        kind = "application/vnd.oci.image"
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{kind}.manifest.v1+json",
            "config": upload(json.dumps(config).encode(), f"{kind}.config.v1+json"),
            "layers": [upload(archive, f"{kind}.layer.v1.tar+gzip")],
        }
        return f"{repository}@{client.set_manifest(repository, manifest, tag=tag)}"


@dataclass(frozen=True)
class World:
    """A resource group with a registry, an identity that may pull, and one that may not."""

    http: httpx.Client
    group: str
    registry: str
    server: str
    images: ContainerRegistryClient
    identity: str
    stranger: str

    def put(self, path: str, version: str, body: dict[str, Any]) -> dict[str, Any]:
        """PUT and wait. Returns the resource; a failed operation is an assertion."""
        answer = self.http.put(path, params={"api-version": version}, json=body)
        assert answer.status_code < 300, answer.text
        where = answer.headers.get("azure-asyncoperation")
        while where:
            state = self.http.get(where).json()
            if state["status"] not in ("InProgress", "Pending", "Creating"):
                assert state["status"] == "Succeeded", state["error"]
                break
            time.sleep(0.05)
        return self.http.get(path, params={"api-version": version}).json()


@pytest.fixture(scope="module")
def world(stand_in: Any) -> Iterator[World]:
    with stand_in.http() as http:
        suffix = uuid4().hex[:8]
        group = f"{stand_in.scope}/resourceGroups/rg-{suffix}"
        provider = f"{group}/providers"
        location = {"location": "westeurope"}
        world = World(http, group, "", "", None, "", "")  # pyright: ignore[reportArgumentType]
        world.put(group, "2024-03-01", location)
        registry = f"{provider}/Microsoft.ContainerRegistry/registries/reg{suffix}"
        made = world.put(registry, "2023-07-01", {**location, "sku": {"name": "Basic"}})
        identities = [
            world.put(
                f"{provider}/Microsoft.ManagedIdentity/userAssignedIdentities/{name}",
                "2023-01-31",
                location,
            )
            for name in ("puller", "stranger")
        ]
        role = f"{stand_in.scope}/providers/Microsoft.Authorization/roleDefinitions/{ACR_PULL}"
        world.put(
            f"{registry}/providers/Microsoft.Authorization/roleAssignments/{uuid4()}",
            "2022-04-01",
            {
                "properties": {
                    "principalId": identities[0]["properties"]["principalId"],
                    "principalType": "ServicePrincipal",
                    "roleDefinitionId": role,
                }
            },
        )
        server = made["properties"]["loginServer"]
        images = ContainerRegistryClient(
            server, stand_in.credential(), connection_verify=str(stand_in.authority)
        )
        with images:
            yield World(
                http, group, registry, server, images, identities[0]["id"], identities[1]["id"]
            )


@pytest.fixture(scope="module")
def image(world: World) -> str:
    """The web server's image, by digest."""
    return f"{world.server}/{Image().push(world.images, 'web')}"


@dataclass
class Groups:
    """Container groups of one test."""

    client: Any
    world: World
    image: str
    made: list[str] = field(default_factory=list)

    @property
    def resource_group(self) -> str:
        return self.world.group.rsplit("/", 1)[-1]

    def body(self, **container: Any) -> dict[str, Any]:
        """A group of one web server; the arguments go into its container."""
        return {
            "location": "westeurope",
            "identity": {
                "type": "UserAssigned",
                "userAssignedIdentities": {self.world.identity: {}},
            },
            "properties": {
                "osType": "Linux",
                "restartPolicy": "Always",
                "imageRegistryCredentials": [
                    {"server": self.world.server, "identity": self.world.identity}
                ],
                "ipAddress": {
                    "type": "Public",
                    "dnsNameLabel": "web",
                    "ports": [{"port": PORT, "protocol": "TCP"}],
                },
                "containers": [
                    {
                        "name": "web",
                        "properties": {
                            "image": self.image,
                            "ports": [{"port": PORT}],
                            "resources": {"requests": {"cpu": 1, "memoryInGB": 0.3}},
                            "readinessProbe": {
                                "httpGet": {"path": "/ready", "port": PORT},
                                "periodSeconds": 1,
                                "timeoutSeconds": 3,
                            },
                            **container,
                        },
                    }
                ],
            },
        }

    def put(self, body: dict[str, Any], name: str = "") -> Any:
        """Make or change a group. Returns it as Azure's client reads it."""
        name = name or f"group-{uuid4().hex[:8]}"
        self.made.append(name)
        poller = self.client.container_groups.begin_create_or_update(
            self.resource_group, name, body
        )
        return poller.result(60)

    def get(self, name: str) -> Any:
        return self.client.container_groups.get(self.resource_group, name)

    def container(self, name: str) -> Any:
        """The `instanceView` of the only container."""
        return self.get(name).containers[0].instance_view

    def path(self, name: str) -> str:
        return f"{self.world.group}/providers/Microsoft.ContainerInstance/containerGroups/{name}"

    def logs(self, name: str, **options: Any) -> str:
        return self.client.containers.list_logs(self.resource_group, name, "web", **options).content

    def delete(self, name: str) -> None:
        self.client.container_groups.begin_delete(self.resource_group, name).result(60)


@pytest.fixture
def groups(stand_in: Any, world: World, image: str) -> Iterator[Groups]:
    client = stand_in.client(ContainerInstanceManagementClient, polling_interval=0.1)
    with client:
        groups = Groups(client, world, image)
        yield groups
        for name in set(groups.made):
            groups.delete(name)


@pytest.fixture
def asked() -> Callable[..., Any]:
    """GET a path of a group: its JSON."""

    def ask(group: Any, path: str) -> Any:
        with httpx.Client(trust_env=False, timeout=10) as client:
            return client.get(f"http://{group.ip_address.ip}:{PORT}{path}").json()

    return ask


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait, with a limit, until something is true."""

    def wait(condition: Callable[[], Any], seconds: float = 20) -> Any:
        end = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.05)
        return value

    return wait


@pytest.fixture
def image_type() -> type[Image]:
    """Makes images; its arguments are `files` and `config`."""
    return Image
