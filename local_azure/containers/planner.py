"""From an ARM body to what can be started: images, packages, environment, limits, probes."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local_azure import cache
from local_azure.arm.errors import ArmError
from local_azure.arm.service import Resource
from local_azure.containers import packages
from local_azure.containers.container import Plan
from local_azure.containers.image import Image, ImageError
from local_azure.containers.probe import Probe
from local_azure.containers.process import Launch
from local_azure.containers.pull import Puller
from local_azure.environment import ambient

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - compared, never bound
"""An image's variable with this value says where its command listens: here, at the group's own
address, because there is no network of its own."""

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_GB = 10**9


async def plan(puller: Puller, group: Resource, address: str, scratch: Path) -> list[Plan]:
    """Pull, unpack, install; nothing is started.

    Args:
        puller: Gets images.
        group: A checked body.
        address: Where the containers will listen.
        scratch: The containers' `HOME` and `TMPDIR`.

    Raises:
        ArmError: 400: an image that may not be pulled or cannot be run here.
    """
    properties = group.body["properties"]
    plans = []
    for each in properties["containers"]:
        wanted = each["properties"]
        image = await puller.pull(group, wanted["image"])
        try:
            programs = await packages.prepare(image, cache.folder() / "environments", ambient())
            folder = image.working_directory
        except ImageError as error:
            raise _not_runnable(each["name"], str(error)) from error
        command = wanted.get("command") or image.command
        if not command:
            raise _not_runnable(each["name"], "neither the image nor the group has a command")
        cores, memory = _limits(wanted["resources"], properties["containers"])
        chosen = cpus(cores, sorted(os.sched_getaffinity(0)), address)
        environment = {
            **base(image, programs, scratch, address),
            **_own(wanted.get("environmentVariables") or []),
        }
        plans.append(
            Plan(
                name=each["name"],
                image=wanted["image"],
                launch=Launch(command, environment, folder, chosen, int(memory * _GB)),
                policy=properties.get("restartPolicy", "Always"),
                liveness=Probe.parse(wanted.get("livenessProbe"), address),
                readiness=Probe.parse(wanted.get("readinessProbe"), address),
            )
        )
    return plans


def base(image: Image, programs: Path, scratch: Path, address: str) -> dict[str, str]:
    """The image's variables, but where they name its own network or file system: there is none."""
    scratch.mkdir(parents=True, exist_ok=True)
    return {
        **{k: address if v == _EVERYWHERE else v for k, v in image.environment.items()},
        "PATH": f"{programs}:{_SYSTEM_PATH}",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        # The image's files are for reading.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _own(variables: Sequence[dict[str, str]]) -> dict[str, str]:
    return {each["name"]: each.get("secureValue", each.get("value", "")) for each in variables}


def _limits(resources: dict[str, Any], containers: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Cores and GB: the container's limits, else all that the group asks for, as on Azure."""
    limits = resources.get("limits") or {}
    requests = [each["properties"]["resources"]["requests"] for each in containers]
    cores, memory = (sum(float(each[what]) for each in requests) for what in ("cpu", "memoryInGB"))
    return float(limits.get("cpu") or cores), float(limits.get("memoryInGB") or memory)


def cpus(cores: float, available: Sequence[int], address: str) -> frozenset[int]:
    """That many CPUs, rounded up; groups at different addresses begin at different ones."""
    count = min(max(1, math.ceil(cores)), len(available))
    first = int(address.rsplit(".", 1)[-1])
    return frozenset(available[(first + number) % len(available)] for number in range(count))


def _not_runnable(name: str, reason: str) -> ArmError:
    return ArmError(
        400,
        "ContainerImageNotRunnable",
        f"The image of container '{name}' cannot be run here: {reason}.",
        "properties.containers",
    )
