"""The real parts of a cluster: etcd, API server, managers, proxy; started, awaited, ended."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from local_azure.containers import launcher
from local_azure.kubernetes.api import Api
from local_azure.kubernetes.keys import FRONT_PROXY, Keys, kubeconfig
from local_azure.kubernetes.network import OWN, PODS, SERVICES, search_path

LOG = logging.getLogger(__name__)

PORT = 6443
SERVER = f"https://127.0.0.1:{PORT}"
"""The API server, as its own network sees it."""

_ETCD = 2379
_MANAGER, _SCHEDULER = 10257, 10259
_READY_SECONDS = 120.0
_GRACE_SECONDS = 8.0
_LOOK_SECONDS = 0.05
_LOG_LINES_SHOWN = 8


class ControlPlaneError(Exception):
    """A part ended or did not get ready; the message has the end of its log."""


@dataclass
class ControlPlane:
    """The processes of a cluster, but for its nodes.

    Attributes:
        kube: The program with all parts in it.
        folder: Keys, etcd's data, logs.
        proxy_environment: What kube-proxy needs to find `iptables`.
    """

    kube: Path
    folder: Path
    proxy_environment: Mapping[str, str]
    parts: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)

    @property
    def keys(self) -> Keys:
        """The cluster's certificates."""
        return Keys(self.folder / "keys")

    async def start(self) -> None:
        """Start all parts; return when the API server takes pods.

        Raises:
            ControlPlaneError: A part ended, or took longer than two minutes.
        """
        self._etcd()
        self._api_server()
        await self._until("/readyz", "kube-apiserver")
        self._managers()
        # Without its account the API server refuses every pod.
        await self._until("/api/v1/namespaces/default/serviceaccounts/default", "the managers")

    def start_part(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a process that ends with this one; its output goes to a log of its name."""
        log = self.folder / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        with log.open("ab") as out:
            self.parts[name] = subprocess.Popen(
                [sys.executable, "-IS", launcher.__file__, str(os.getpid()), cores, *command],
                cwd=self.folder,
                env=dict(environment or os.environ),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def ended(self) -> list[str]:
        """Parts that ended by themselves, each with the end of its log."""
        return [
            f"{name} ended with exit code {process.returncode}: {self._log_end(name)}"
            for name, process in self.parts.items()
            if process.poll() is not None
        ]

    async def stop(self) -> None:
        """End all parts, the last started first; return when none is left."""
        for name, process in reversed(self.parts.items()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM if name != "etcd" else signal.SIGINT)
            try:
                await asyncio.to_thread(process.wait, _GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                await asyncio.to_thread(process.wait)
        self.parts.clear()

    async def _until(self, path: str, what: str) -> None:
        api = Api(SERVER, self.keys, "admin")
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while True:
                    if ended := self.ended():
                        raise ControlPlaneError(ended[0])
                    try:
                        answer = await api.http.get(path)
                        if answer.status_code == httpx.codes.OK:
                            return
                        LOG.debug("%s: %d %s", path, answer.status_code, answer.text[:200])
                    except httpx.TransportError as error:
                        LOG.debug("%s: %r", path, error)
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError as error:
            raise ControlPlaneError(
                f"{what} was not ready after {_READY_SECONDS:g} s: "
                f"{self._log_end('kube-apiserver')}"
            ) from error
        finally:
            await api.close()

    def _log_end(self, name: str) -> str:
        try:
            lines = (self.folder / "logs" / f"{name}.log").read_text(errors="replace").splitlines()
        except OSError:
            return "no log"
        return " / ".join(line.strip() for line in lines[-_LOG_LINES_SHOWN:]) or "an empty log"

    def _etcd(self) -> None:
        client, peer = f"http://127.0.0.1:{_ETCD}", f"http://127.0.0.1:{_ETCD + 1}"
        self.start_part(
            "etcd",
            [
                *(str(self.kube), "etcd"),
                *("--data-dir", str(self.folder / "etcd")),
                *("--listen-client-urls", client, "--advertise-client-urls", client),
                *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                *("--initial-cluster", f"default={peer}"),
                *("--log-level", "warn"),
                # A stand-in's state may be lost with the machine.
                "--unsafe-no-fsync",
            ],
        )

    def _api_server(self) -> None:
        keys = self.keys
        self.start_part(
            "kube-apiserver",
            [
                *(str(self.kube), "kube-apiserver"),
                f"--etcd-servers=http://127.0.0.1:{_ETCD}",
                "--bind-address=127.0.0.1",
                f"--advertise-address={OWN}",
                f"--secure-port={PORT}",
                "--endpoint-reconciler-type=none",
                f"--service-cluster-ip-range={SERVICES}",
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
                "--anonymous-auth=false",
                f"--client-ca-file={keys.authority}",
                f"--tls-cert-file={keys.certificate('apiserver')}",
                f"--tls-private-key-file={keys.key('apiserver')}",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={keys.key('tokens')}",
                f"--service-account-signing-key-file={keys.key('tokens')}",
                f"--kubelet-client-certificate={keys.certificate('kubelet-client')}",
                f"--kubelet-client-key={keys.key('kubelet-client')}",
                f"--kubelet-certificate-authority={keys.authority}",
                "--kubelet-preferred-address-types=InternalIP",
                f"--requestheader-client-ca-file={keys.authority}",
                f"--requestheader-allowed-names={FRONT_PROXY}",
                "--requestheader-username-headers=X-Remote-User",
                "--requestheader-group-headers=X-Remote-Group",
                "--requestheader-extra-headers-prefix=X-Remote-Extra-",
                f"--proxy-client-cert-file={keys.certificate('front-proxy')}",
                f"--proxy-client-key-file={keys.key('front-proxy')}",
                "--enable-aggregator-routing=true",
            ],
        )

    def _managers(self) -> None:
        manager, scheduler = self._config("manager"), self._config("scheduler")
        self.start_part(
            "kube-controller-manager",
            [
                *(str(self.kube), "kube-controller-manager"),
                *(f"--{use}={manager}" for use in _CONFIGS),
                "--leader-elect=false",
                "--bind-address=127.0.0.1",
                f"--secure-port={_MANAGER}",
                "--use-service-account-credentials=true",
                f"--service-account-private-key-file={self.keys.key('tokens')}",
                f"--root-ca-file={self.keys.authority}",
                # Faster than managed clusters, which look every 15 s and scale in after 300 s.
                "--horizontal-pod-autoscaler-sync-period=5s",
                "--horizontal-pod-autoscaler-downscale-stabilization=30s",
                "--horizontal-pod-autoscaler-initial-readiness-delay=5s",
                "--horizontal-pod-autoscaler-cpu-initialization-period=10s",
            ],
        )
        self.start_part(
            "kube-scheduler",
            [
                *(str(self.kube), "kube-scheduler"),
                *(f"--{use}={scheduler}" for use in _CONFIGS),
                "--leader-elect=false",
                "--bind-address=127.0.0.1",
                f"--secure-port={_SCHEDULER}",
            ],
        )
        self.start_part(
            "kube-proxy",
            [
                *(str(self.kube), "kube-proxy"),
                f"--kubeconfig={self._config('admin')}",
                "--proxy-mode=iptables",
                "--hostname-override=node-1",
                f"--cluster-cidr={PODS}",
                # These are settings of the whole machine, which is not ours.
                "--conntrack-max-per-core=0",
                "--conntrack-tcp-timeout-established=0",
                "--conntrack-tcp-timeout-close-wait=0",
                "--healthz-bind-address=127.0.0.1:10256",
                "--metrics-bind-address=127.0.0.1:10249",
            ],
            {**os.environ, "PATH": search_path(), **self.proxy_environment},
        )

    def _config(self, name: str) -> Path:
        path = self.folder / "keys" / f"{name}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(kubeconfig(self.keys, name, SERVER, "local"))
        return path


_CONFIGS = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
