"""A network of the cluster's own, without root: pods and services are addresses on its loopback.

The namespaces belong to the processes in them: they are gone with the last one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from local_azure.errors import LocalAzureError

PODS = "10.244.0.0/16"
SERVICES = "10.97.0.0/16"
OWN = "10.244.0.1"
"""The address that the cluster's own parts listen on: Kubernetes refuses loopback endpoints."""

REMEDY = (
    "unprivileged user namespaces are forbidden here; allow them "
    "(sysctl kernel.unprivileged_userns_clone=1, or on Ubuntu 24.04 "
    "kernel.apparmor_restrict_unprivileged_userns=0), or run as root"
)


class NetworkError(LocalAzureError):
    """The machine gives no network of one's own; one line with the remedy."""


def entering(command: Sequence[str]) -> list[str]:
    """The command, in new user, network and mount namespaces."""
    return ["unshare", "--user", "--map-root-user", "--net", "--mount", "--", *command]


def joining(process: int) -> list[str]:
    """What a command begins with that runs in the namespaces of a process."""
    return ["nsenter", f"--target={process}", "--user", "--net", "--preserve-credentials", "--"]


def check() -> None:
    """Whether the machine allows such namespaces.

    Raises:
        NetworkError: It does not, or a tool is missing.
    """
    for tool in ("unshare", "ip"):
        if shutil.which(tool, path=search_path()) is None:
            raise NetworkError(
                f"`{tool}` is not on PATH; install it: apt-get install util-linux iproute2"
            )
    done = subprocess.run(entering(["true"]), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NetworkError(REMEDY)


def prepare() -> None:
    """Make the addresses of pods and services reachable; run inside the namespaces.

    Raises:
        NetworkError: `ip` refused.
    """
    for arguments in (
        ("link", "set", "lo", "up"),
        ("addr", "add", f"{OWN}/32", "dev", "lo"),
        ("route", "add", "local", PODS, "dev", "lo"),
        # Without a source of its own, answers through kube-proxy would come from 127.0.0.1.
        ("route", "add", SERVICES, "dev", "lo", "src", OWN),
    ):
        done = subprocess.run(
            ["ip", *arguments],
            env={**os.environ, "PATH": search_path()},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NetworkError(f"`ip {' '.join(arguments)}` failed: {done.stderr.strip()}")


def search_path() -> str:
    """PATH with the folders of system tools, which an ordinary user's may lack."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def reached(folder: Path, name: str) -> str:
    """A path to a socket in a folder that is short enough for any folder (108 bytes at most).

    The folder stays open as long as the process runs.
    """
    descriptor = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    return f"/proc/self/fd/{descriptor}/{name}"
