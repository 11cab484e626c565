"""The one list of what is plugged into ARM: the behaviour behind resource types."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from local_azure.arm.service import Service, Surroundings
from local_azure.machinelearning import errors as machinelearning
from local_azure.machinelearning.workspace import Workspaces

Factory = Callable[[Surroundings], Service]

FACTORIES: dict[str, Factory] = {
    "machinelearning": Workspaces,
}
"""A factory per service, by the name of its folder in the state folder."""

EXCEPTION_HANDLERS = {**machinelearning.HANDLERS}
"""How errors that are not ARM's are answered."""


def make(surroundings: Callable[[str], Surroundings]) -> Sequence[Service]:
    """Every service, each with surroundings of its own."""
    return [factory(surroundings(name)) for name, factory in FACTORIES.items()]
