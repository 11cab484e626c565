"""The one list of what is plugged into ARM: the behaviour behind resource types."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from local_azure.arm.service import Service, Surroundings

Factory = Callable[[Surroundings], Service]

FACTORIES: dict[str, Factory] = {}
"""A factory per service, by the name of its folder in the state folder."""


def make(surroundings: Callable[[str], Surroundings]) -> Sequence[Service]:
    """Every service, each with surroundings of its own."""
    return [factory(surroundings(name)) for name, factory in FACTORIES.items()]
