"""A real cluster of one node for tests: containerd, runc and the real kubelet, as root.

`opened` starts this module in namespaces of its own: processes, mounts, network, host name. The
first process there starts all parts; when it is killed, the kernel ends every other one, and with
the last of them mounts and network are gone. Outside, only a folder and a tree of cgroups remain,
which `opened` removes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import trustme

from local_azure.kubernetes import network, tunnel
from local_azure.kubernetes.api import Api
from local_azure.kubernetes.control_plane import SERVER, ControlPlane
from local_azure.kubernetes.keys import kubeconfig
from local_azure.kubernetes.load_balancers import LoadBalancers
from tests.support.node_images import PAUSE

NODE = "node-1"
SETTINGS, READY = "cluster.json", "ready"

_LOOK_SECONDS = 0.1
_SOCKET = "/run/containerd.sock"
"""Short enough for a Unix socket's name in every folder."""

_COVERED = ("/run", "/var/log", "/var/lib", "/sys/fs/selinux")
"""Where the kubelet and the CNI plugins write, however they are configured."""

CORES = 4
"""What the node promises at least, as a small cloud node has."""

_SYSTEM = "/sys/devices/system"
_KERNEL = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What a kubelet sets for the whole machine: here it reads and writes files in their place."""


@dataclass(frozen=True)
class Settings:
    """What the cluster is started from.

    Attributes:
        kube: The program with all parts of Kubernetes in it.
        root: Debian's packages of the node, unpacked.
        proxy_environment: What kube-proxy needs to find `iptables`.
        cgroup: The name of the tree of cgroups, below each controller.
        image: An archive of `node_images`.
    """

    kube: str
    root: str
    proxy_environment: dict[str, str]
    cgroup: str
    image: str


def _run(*command: str, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}`: {done.stdout}{done.stderr}")


def _cover(folder: Path) -> None:
    """Hide what the parts would write to outside the folder; for this mount namespace alone."""
    for path in _COVERED:
        if Path(path).is_dir():
            _run("mount", "-t", "tmpfs", "tmpfs", path)
    for name, value in _KERNEL.items():
        copy = folder / "kernel" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(f"{value}\n")
        _run("mount", "--bind", str(copy), f"/proc/sys/{name}")
    if (os.cpu_count() or 1) < CORES:
        # An update has a third pod beside the two; how fast they are is the machine's business.
        for number in range(CORES):
            (folder / "cores" / f"cpu{number}").mkdir(parents=True)
        _run("mount", "--bind", str(folder / "cores"), f"{_SYSTEM}/cpu")
        _run("mount", "-t", "tmpfs", "tmpfs", f"{_SYSTEM}/node")
    # The kubelet hands its own mounts on to containerd, which lives in the same namespace.
    _run("mount", "--make-rshared", "/")


def _connect() -> None:
    """The node's address, and a way to the services: pods come with CNI's bridge."""
    for words in (
        ("link", "set", "lo", "up"),
        ("addr", "add", f"{network.OWN}/32", "dev", "lo"),
        ("route", "add", network.SERVICES, "dev", "lo", "src", network.OWN),
    ):
        _run("ip", *words, environment={**os.environ, "PATH": network.search_path()})


class Cluster:
    """The parts, inside."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.plane = ControlPlane(Path(settings.kube), folder, settings.proxy_environment)
        root = Path(settings.root)
        (libraries,) = root.glob("usr/lib/*-linux-gnu")
        self.environment = {
            **os.environ,
            "PATH": f"{root}/usr/bin:{root}/usr/sbin:{network.search_path()}",
            "LD_LIBRARY_PATH": str(libraries),
        }

    async def run(self) -> None:
        """Start everything; then watch over it for ever."""
        _cover(self.folder)
        _connect()
        self.plane.keys.ensure([NODE])
        os.chdir(self.folder)
        self._containerd()
        await self.plane.start()
        await self._import_image()
        self._kubelet()
        api = Api(SERVER, self.plane.keys, "admin")
        balancers = LoadBalancers(api, network.reached(self.folder, tunnel.OUTWARDS))
        async with (
            await asyncio.start_unix_server(tunnel.connect_inside, tunnel.INWARDS),
            asyncio.TaskGroup() as group,
        ):
            group.create_task(balancers.run())
            await self._registered(api)
            (self.folder / READY).write_text("")
            while not (ended := self.plane.ended()):
                await asyncio.sleep(_LOOK_SECONDS)
            raise RuntimeError(ended[0])

    async def _registered(self, api: Api) -> None:
        while True:
            node = await api.get(f"/api/v1/nodes/{NODE}") or {}
            conditions = node.get("status", {}).get("conditions") or ()
            if any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
                return
            if ended := self.plane.ended():
                raise RuntimeError(ended[0])
            await asyncio.sleep(_LOOK_SECONDS)

    def _containerd(self) -> None:
        folder = self.folder / "containerd"
        cni = folder / "cni"
        cni.mkdir(parents=True)
        (cni / "10-pods.conflist").write_text(
            json.dumps(
                {
                    "cniVersion": "0.4.0",
                    "name": "pods",
                    "plugins": [
                        {
                            "type": "bridge",
                            "bridge": "pods",
                            "isGateway": True,
                            "hairpinMode": True,
                            "ipam": {
                                "type": "host-local",
                                "ranges": [[{"subnet": "10.244.1.0/24"}]],
                                "routes": [{"dst": "0.0.0.0/0"}],
                            },
                        }
                    ],
                }
            )
        )
        config = folder / "config.toml"
        config.write_text(
            f"""version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # Without CAP_SYS_RESOURCE no process may make itself less likely to be killed.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{self.settings.root}/usr/lib/cni"
    conf_dir = "{cni}"
"""
        )
        self.plane.start_part("containerd", ["containerd", "-c", str(config)], self.environment)

    async def _import_image(self) -> None:
        words = ("ctr", "--address", _SOCKET, "--namespace", "k8s.io", "images", "import")
        words = (*words, self.settings.image)
        await asyncio.to_thread(_run, *words, environment=self.environment)

    def _kubelet(self) -> None:
        keys = self.plane.keys
        folder = self.folder / "kubelet"
        folder.mkdir()
        authority = trustme.CA.from_pem(
            keys.authority.read_bytes(), (keys.folder / "ca.key").read_bytes()
        )
        serving = authority.issue_cert(network.OWN, NODE, common_name=f"system:node:{NODE}")
        serving.private_key_and_cert_chain_pem.write_to_path(folder / "serving.pem")
        config = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": f"unix://{_SOCKET}",
            "address": network.OWN,
            "port": 10250,
            "healthzPort": 0,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(keys.authority)},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(folder / "serving.pem"),
            "tlsPrivateKeyFile": str(folder / "serving.pem"),
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.settings.cgroup}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "makeIPTablesUtilChains": False,
            "oomScoreAdj": 0,
            "volumePluginDir": str(folder / "plugins"),
            "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%"},
            # There is no DNS: pods of the service look nothing up.
            "resolvConf": "",
            "nodeStatusUpdateFrequency": "2s",
        }
        (folder / "config.json").write_text(json.dumps(config))
        login = folder / "kubeconfig"
        login.write_text(kubeconfig(keys, NODE, SERVER, "real"))
        self.plane.start_part(
            "kubelet",
            [
                *(self.settings.kube, "kubelet", "--config", str(folder / "config.json")),
                *("--kubeconfig", str(login), "--hostname-override", NODE),
                *("--node-ip", network.OWN, "--root-dir", str(folder / "root")),
                *("--cert-dir", str(folder / "pki")),
            ],
            self.environment,
        )


def main(folder: Path) -> None:
    settings = Settings(**json.loads((folder / SETTINGS).read_text()))
    asyncio.run(Cluster(folder, settings).run())


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    main(Path(sys.argv[1]))
