"""The cluster's certificates: one authority, and a certificate for each part and node."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme

from local_azure import whole_file

MASTERS = "system:masters"
"""The group that may do everything."""

FRONT_PROXY = "front-proxy"
"""Who speaks for users to an aggregated API."""

_HOSTS = (
    "127.0.0.1",
    "10.97.0.1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
)


@dataclass(frozen=True)
class Keys:
    """A folder of certificates and keys, made once.

    Attributes:
        folder: Where they are; for its owner alone.
    """

    folder: Path

    @property
    def authority(self) -> Path:
        """The certificate that all others are checked against."""
        return self.folder / "ca.crt"

    def certificate(self, name: str) -> Path:
        """The certificate of a part."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        """The private key of a part."""
        return self.folder / f"{name}.key"

    def ensure(self, nodes: Sequence[str]) -> None:
        """Make what is missing."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        authority = self._authority()
        self._issue(authority, "apiserver", "kube-apiserver", hosts=_HOSTS)
        self._issue(authority, "kubelet-client", "kube-apiserver-kubelet-client", MASTERS)
        self._issue(authority, "front-proxy", FRONT_PROXY)
        self._issue(authority, "scheduler", "system:kube-scheduler")
        self._issue(authority, "manager", "system:kube-controller-manager")
        self._issue(authority, "admin", "cluster-admin", MASTERS)
        self._issue(authority, "user", "cluster-user", MASTERS)
        self._issue(authority, "tokens", "service-accounts")
        self._issue(authority, "metrics", "metrics-server", hosts=("localhost",))
        for node in nodes:
            self._issue(
                authority, node, f"system:node:{node}", "system:nodes", hosts=("127.0.0.1", node)
            )

    def _authority(self) -> trustme.CA:
        file = self.folder / "ca.key"
        if file.exists() and self.authority.exists():
            return trustme.CA.from_pem(self.authority.read_bytes(), file.read_bytes())
        made = trustme.CA(organization_name="local cluster")
        whole_file.write(file, made.private_key_pem.bytes())
        whole_file.write(self.authority, made.cert_pem.bytes())
        return made

    def _issue(
        self,
        authority: trustme.CA,
        name: str,
        user: str,
        group: str | None = None,
        hosts: Sequence[str] = (),
    ) -> None:
        """A certificate whose subject is the user that Kubernetes sees, in the group."""
        if self.certificate(name).exists() and self.key(name).exists():
            return
        # Go refuses a certificate whose list of names is there, and empty.
        made = authority.issue_cert(*(hosts or (name,)), common_name=user, organization_name=group)
        whole_file.write(self.key(name), made.private_key_pem.bytes())
        whole_file.write(
            self.certificate(name), b"".join(each.bytes() for each in made.cert_chain_pems)
        )


def kubeconfig(keys: Keys, name: str, server: str, cluster: str) -> str:
    """A kubeconfig with everything inside, for the user of a certificate.

    Args:
        keys: The cluster's.
        name: Of the certificate.
        server: The API server's URL.
        cluster: How cluster, user and context are called.
    """

    def encoded(path: Path) -> str:
        return base64.b64encode(path.read_bytes()).decode()

    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": cluster,
                    "cluster": {
                        "server": server,
                        "certificate-authority-data": encoded(keys.authority),
                    },
                }
            ],
            "users": [
                {
                    "name": cluster,
                    "user": {
                        "client-certificate-data": encoded(keys.certificate(name)),
                        "client-key-data": encoded(keys.key(name)),
                    },
                }
            ],
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
            "current-context": cluster,
        }
    )


def merged(kubeconfigs: Sequence[str]) -> str:
    """One kubeconfig of several; the last one's cluster is the current one."""
    read = [json.loads(each) for each in kubeconfigs]
    lists = {
        key: [one for each in read for one in each[key]]
        for key in ("clusters", "users", "contexts")
    }
    current = read[-1]["current-context"] if read else ""
    return json.dumps({"apiVersion": "v1", "kind": "Config", **lists, "current-context": current})
