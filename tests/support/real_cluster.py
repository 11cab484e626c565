"""A cluster with a real kubelet, from outside: opened, reached, and gone without a trace."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from journey.stand import until
from local_azure.containers import address, launcher
from local_azure.kubernetes import network, tunnel
from local_azure.kubernetes.control_plane import PORT
from local_azure.kubernetes.keys import Keys, kubeconfig
from tests.support import real_node
from tests.support.real_node import Settings

ROOT = Path(__file__).resolve().parents[2]
CONTROLLERS = Path("/sys/fs/cgroup")
_CGROUP = "sklearn-mnist-svc"
_NAMESPACES = ("mnt", "net", "pid", "ipc", "uts")
_UNSHARE = (
    *("unshare", "--mount", "--net", "--ipc", "--uts", "--pid", "--fork"),
    *("--mount-proc", "--kill-child", "--"),
)
_START_SECONDS, _END_SECONDS = 180.0, 30.0


@dataclass(frozen=True)
class RealCluster:
    """A running cluster.

    Attributes:
        folder: All of it.
        kube: The program with kubectl in it.
        server: The API server's URL on the machine.
        cgroup: The name of its tree of cgroups.
        namespaces: Those that it has for itself.
    """

    folder: Path
    kube: Path
    server: str
    cgroup: str
    namespaces: frozenset[str]

    @property
    def kubeconfig(self) -> str:
        """Of who may do everything."""
        return kubeconfig(Keys(self.folder / "keys"), "user", self.server, "real")

    def kubectl(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run kubectl."""
        file = self.folder / "kubeconfig"
        file.write_text(self.kubeconfig)
        done = subprocess.run(
            [self.kube, "kubectl", "--kubeconfig", file, *arguments],
            env={**os.environ, "HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def get(self, *arguments: str) -> dict[str, Any]:
        """An object or a list of the API server's."""
        return json.loads(self.kubectl("get", *arguments, "--output", "json").stdout)

    def traces(self) -> list[str]:
        """What the machine has of it: cgroups, processes in its namespaces, mounts."""
        found = [f"cgroup {each}" for each in CONTROLLERS.glob(f"*/{self.cgroup}")]
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self.namespaces & _namespaces(process):
                    found.append(f"process {(process / 'comm').read_text().strip()}")
                if str(self.folder) in (process / "mountinfo").read_text():
                    found.append(f"mount of process {process.name}")
        return found


class _Outside:
    """The machine's end of the tunnels, on a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.servers: dict[str, list[asyncio.Server]] = {}
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def start(self) -> int:
        """Listen; the port of the API server."""
        self.servers["asked"] = [await tunnel.answer_inside(self.folder, self._answer)]
        server = await self._carry("127.0.0.1", PORT, "127.0.0.1", 0)
        self.servers["api"] = [server]
        return int(server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        for each in (one for servers in self.servers.values() for one in servers):
            each.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        self.call(self.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """An address on the machine for a service of the type LoadBalancer, and its withdrawal."""
        service = str(question["service"])
        if question["ask"] == "withdraw":
            for each in self.servers.pop(service, []):
                each.close()
            return {}
        if service not in self.servers:
            ports = [int(port) for port in question["ports"]]
            here = address.choose(f"{self.folder}\n{service}", ports, set())
            self.servers[service] = [
                await self._carry(question["address"], port, here, port) for port in ports
            ]
        return {"address": self.servers[service][0].sockets[0].getsockname()[0]}

    async def _carry(self, inside: str, port: int, host: str, outer: int) -> asyncio.Server:
        path = network.reached(self.folder, tunnel.INWARDS)

        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await tunnel.forward(path, inside, port, reader, writer)

        return await asyncio.start_server(one, host, outer, backlog=1024)


def _namespaces(process: Path) -> set[str]:
    return {str((process / "ns" / each).readlink()) for each in _NAMESPACES}


def reason_to_skip() -> str:
    """Why this machine can run no real kubelet; empty where it can."""
    if os.geteuid() != 0:
        return "a real kubelet needs root"
    if not os.access(CONTROLLERS / "memory" / "tasks", os.W_OK):
        return f"the real kubelet was tried with cgroup v1 alone, which is not at {CONTROLLERS}"
    done = subprocess.run([*_UNSHARE, "true"], capture_output=True, text=True, check=False)
    return f"a real kubelet needs namespaces: {done.stderr.strip()}" if done.returncode else ""


@contextlib.contextmanager
def opened(folder: Path, settings: Settings) -> Iterator[RealCluster]:
    """Start a cluster in a new folder; afterwards nothing of it is left, or it is an error."""
    folder.mkdir(parents=True, mode=0o700)
    (folder / real_node.SETTINGS).write_text(json.dumps(asdict(settings)))
    outside = _Outside(folder)
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    unshared: subprocess.Popen[bytes] | None = None
    cluster: RealCluster | None = None
    _make_cgroups(settings.cgroup)
    try:
        port = outside.call(outside.start())
        with (folder / "cluster.log").open("wb") as log:
            unshared = subprocess.Popen(
                [
                    *(sys.executable, "-IS", launcher.__file__, str(os.getpid()), cores),
                    *_UNSHARE,
                    *(sys.executable, "-m", "tests.support.real_node", str(folder)),
                ],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        ready = folder / real_node.READY
        until(lambda: ready.exists() or unshared.poll() is not None, _START_SECONDS)
        assert ready.exists(), (folder / "cluster.log").read_text()[-3000:]
        (first,) = psutil.Process(unshared.pid).children()
        own = _namespaces(Path(f"/proc/{first.pid}")) - _namespaces(Path("/proc/self"))
        cluster = RealCluster(
            folder=folder,
            kube=Path(settings.kube),
            server=f"https://127.0.0.1:{port}",
            cgroup=settings.cgroup,
            namespaces=frozenset(own),
        )
        yield cluster
    finally:
        if unshared is not None:
            # Its child is the first process of the namespaces, and all others end with that.
            unshared.kill()
            unshared.wait()
        outside.close()
        until(lambda: _remove_cgroups(settings.cgroup), _END_SECONDS)
        if cluster is not None:
            with contextlib.suppress(TimeoutError):
                until(lambda: not cluster.traces(), _END_SECONDS)
            assert not (left := cluster.traces()), left
        shutil.rmtree(folder)


def cgroup_name() -> str:
    """Of a tree that belongs to this process; those that killed ones left are removed."""
    for left in CONTROLLERS.glob(f"*/{_CGROUP}-*"):
        if not psutil.pid_exists(int(left.name.rpartition("-")[2])):
            _remove_cgroups(left.name)
    return f"{_CGROUP}-{os.getpid()}"


def _make_cgroups(name: str) -> None:
    for controller in CONTROLLERS.iterdir():
        if (controller / "tasks").exists() and not controller.is_symlink():
            made = controller / name
            made.mkdir()
            for each in ("cpuset.cpus", "cpuset.mems"):
                if (made / each).exists():
                    (made / each).write_text((controller / each).read_text())


def _remove_cgroups(name: str) -> bool:
    """Remove what is empty; whether all of it was."""
    for top in CONTROLLERS.glob(f"*/{name}"):
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
    return not list(CONTROLLERS.glob(f"*/{name}"))
