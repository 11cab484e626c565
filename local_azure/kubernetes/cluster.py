"""The process that is the cluster: inside its own namespaces, it starts and ends all the parts.

`python -m local_azure.kubernetes.cluster FOLDER SETTINGS`, the settings as JSON. It ends when the
stand-in does, or at SIGTERM; nothing of it is left then.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import logging
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from local_azure.kubernetes import network, tunnel
from local_azure.kubernetes.api import Api
from local_azure.kubernetes.control_plane import SERVER, ControlPlane, ControlPlaneError
from local_azure.kubernetes.load_balancers import LoadBalancers
from local_azure.kubernetes.metrics_api import Metrics
from local_azure.kubernetes.network import NetworkError
from local_azure.kubernetes.node import kubelet_port

LOG = logging.getLogger(__name__)

READY = "ready"
"""Made when the cluster takes pods; holds the reason when it cannot be started."""

_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 1.0
_NODE_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class ClusterSettings:
    """What a cluster is started from.

    Attributes:
        kube: The program with all parts of Kubernetes in it.
        nodes: How many nodes.
        proxy_environment: What kube-proxy needs to find `iptables`.
        parent: The process id of the stand-in, as its own namespace sees it.
    """

    kube: str
    nodes: int
    proxy_environment: dict[str, str]
    parent: int


@dataclass
class Cluster:
    """A running cluster.

    Attributes:
        folder: Where everything of it is.
        settings: See there.
    """

    folder: Path
    settings: ClusterSettings

    async def run(self) -> None:
        """Start everything, say that it is ready, watch over it until cancelled.

        Raises:
            ControlPlaneError: A part does not start.
            NetworkError: The addresses cannot be made.
        """
        network.prepare()
        plane = ControlPlane(Path(self.settings.kube), self.folder, self.settings.proxy_environment)
        names = [f"node-{number}" for number in range(1, self.settings.nodes + 1)]
        plane.keys.ensure(names)
        inwards = self.folder / tunnel.INWARDS
        inwards.unlink(missing_ok=True)
        os.chdir(self.folder)
        try:
            await plane.start()
            api = Api(SERVER, plane.keys, "admin")
            kubelets = [kubelet_port(number) for number in range(1, self.settings.nodes + 1)]
            metrics = Metrics(api, plane.keys, kubelets)
            await metrics.register()
            balancers = LoadBalancers(api, network.reached(self.folder, tunnel.OUTWARDS))
            for number in range(1, self.settings.nodes + 1):
                self._start_node(plane, number)
            async with (
                await asyncio.start_unix_server(tunnel.connect_inside, tunnel.INWARDS),
                asyncio.TaskGroup() as group,
            ):
                group.create_task(metrics.answer())
                group.create_task(metrics.scrape())
                group.create_task(balancers.run())
                group.create_task(self._watch(plane))
                (self.folder / READY).write_text("")
        finally:
            await plane.stop()

    async def _watch(self, plane: ControlPlane) -> None:
        """A killed node stays away, as a lost machine does; another part that ends is an error."""
        while True:
            for reason in plane.ended():
                name = reason.partition(" ")[0]
                LOG.error("%s", reason)
                del plane.parts[name]
                if not name.startswith("node-"):
                    raise ControlPlaneError(reason)
            for mark in self.folder.glob("start-node-*"):
                mark.unlink()
                self._start_node(plane, int(mark.name.rsplit("-", 1)[1]))
            await asyncio.sleep(_LOOK_SECONDS)

    def _start_node(self, plane: ControlPlane, number: int) -> None:
        module = "local_azure.kubernetes.node"
        plane.start_part(
            f"node-{number}", [sys.executable, "-m", module, str(self.folder), str(number)]
        )


async def _main(folder: Path, settings: ClusterSettings) -> str:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - it runs in one
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    reason = ""
    try:
        await Cluster(folder, settings).run()
    except* (ControlPlaneError, NetworkError) as errors:
        reason = str(errors.exceptions[0])
    except* asyncio.CancelledError:
        LOG.info("told to end")
    return reason


def main(folder: Path, settings: ClusterSettings) -> int:
    """Run until the end; the exit code."""
    # Entering a user namespace has forgotten the launcher's wish to end with the stand-in.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != settings.parent:
        return 1
    ready = folder / READY
    ready.unlink(missing_ok=True)
    reason = ""
    with contextlib.suppress(asyncio.CancelledError):
        reason = asyncio.run(_main(folder, settings))
    if reason:
        ready.write_text(reason)
        LOG.error("%s", reason)
    return 1 if reason else 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    sys.exit(main(Path(sys.argv[1]), ClusterSettings(**json.loads(sys.argv[2]))))
