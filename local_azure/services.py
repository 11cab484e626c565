"""The one list of what is plugged into ARM: the behaviour behind resource types."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from local_azure.arm.service import Service, Surroundings
from local_azure.containers.pull import Puller
from local_azure.containers.service import ContainerGroups
from local_azure.environment import ambient
from local_azure.kubernetes.programs import Programs
from local_azure.kubernetes.service import ManagedClusters
from local_azure.machinelearning import errors as machinelearning
from local_azure.machinelearning.workspace import Workspaces
from local_azure.registry.service import Registries

EXCEPTION_HANDLERS = {**machinelearning.HANDLERS}
"""How errors that are not ARM's are answered."""


def make(surroundings: Callable[[str], Surroundings]) -> Sequence[Service]:
    """Every service, each with surroundings, and so a folder, of its own."""
    registries = Registries(surroundings("registries"))
    around = surroundings("containers")
    puller = Puller(registries, around.lookup, around.folder / "images", around.conditions)
    return [
        Workspaces(surroundings("machinelearning")),
        registries,
        ContainerGroups(around, puller),
        ManagedClusters(surroundings("kubernetes"), puller, Programs(ambient())),
    ]
