"""What commands against the stand-in find of Kubernetes: Pulumi's provider and `kubectl`."""

from __future__ import annotations

from pathlib import Path

from local_azure.home import Home
from local_azure.kubernetes.programs import PROVIDER_VERSION, Programs, ProgramsError

_PROVIDER = "pulumi-resource-kubernetes"


def install(home: Home, programs: Programs) -> None:
    """Link what was built into the state folder; what was not is no part of it."""
    try:
        kube, provider = programs.kube(), programs.provider()
    except ProgramsError:
        return
    folder = home.pulumi_home / "plugins" / f"resource-kubernetes-v{PROVIDER_VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    _link(folder / _PROVIDER, provider)
    _link(home.programs / "kubectl", kube)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)
