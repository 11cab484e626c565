"""From a container of a pod to what can be started: image, packages, limits, probes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from local_azure import cache
from local_azure.containers import packages, planner
from local_azure.containers.container import Plan
from local_azure.containers.image import Image, ImageError
from local_azure.containers.probe import Probe
from local_azure.containers.process import Launch
from local_azure.kubernetes import tunnel
from local_azure.kubernetes.api import Object
from local_azure.kubernetes.pod_rules import quantity


class CannotStartError(Exception):
    """A container cannot be made.

    Attributes:
        reason: Kubernetes' word for it.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


async def plan(
    container: Object,
    spec: Object,
    environment: Mapping[str, str],
    ip: str,
    scratch: Path,
    outside: str,
) -> tuple[Plan, str]:
    """The plan, and the digest of its image.

    Args:
        container: As the pod's spec has it.
        spec: The pod's.
        environment: Its variables.
        ip: Where it will listen.
        scratch: Its `HOME` and `TMPDIR`.
        outside: The socket where the stand-in answers.

    Raises:
        CannotStartError: The image cannot be had, or a setting is impossible.
    """
    image = await _image(container["image"], outside)
    limits = (container.get("resources") or {}).get("limits") or {}
    try:
        programs = await packages.prepare(image, cache.folder() / "environments", os.environ)
        folder = image.working_directory
        cores = quantity(limits.get("cpu", "1"))
        memory = int(quantity(limits.get("memory", "1Gi")))
    except ImageError as error:
        raise CannotStartError("ErrImagePull", str(error)) from error
    except ValueError as error:
        raise CannotStartError("CreateContainerConfigError", str(error)) from error
    given = container.get("command")
    command = [*(given or image.config.get("Entrypoint") or [])]
    command += container.get("args") or ([] if given else image.config.get("Cmd") or [])
    variables = {**planner.base(image, programs, scratch, ip), **environment}
    chosen = planner.cpus(cores, sorted(os.sched_getaffinity(0)), ip)
    ports = container.get("ports") or []
    made = Plan(
        name=container["name"],
        image=container["image"],
        launch=Launch(command, variables, folder, chosen, memory),
        policy=spec.get("restartPolicy", "Always"),
        liveness=_probe(container.get("livenessProbe"), ports, ip),
        readiness=_probe(container.get("readinessProbe"), ports, ip),
        startup=_probe(container.get("startupProbe"), ports, ip),
    )
    return made, image.digest


async def _image(name: str, outside: str) -> Image:
    try:
        found = await tunnel.ask(outside, {"ask": "image", "name": name})
    except OSError as error:
        reason = f"the registry is out of reach: {error}"
        raise CannotStartError("ErrImagePull", reason) from error
    if "error" in found:
        raise CannotStartError("ErrImagePull", found["error"])
    return Image(found["digest"], Path(found["root"]), found["config"])


def _probe(body: Object | None, ports: list[Object], ip: str) -> Probe | None:
    """A probe whose port may be called by its name.

    Raises:
        CannotStartError: No port has the name.
    """
    if not body:
        return None
    get = body.get("httpGet")
    if get and isinstance(get.get("port"), str):
        named = {each.get("name"): each["containerPort"] for each in ports}
        if get["port"] not in named:
            raise CannotStartError(
                "CreateContainerConfigError", f"a probe names the port '{get['port']}', none has it"
            )
        body = {**body, "httpGet": {**get, "port": named[get["port"]]}}
    return Probe.parse(body, ip)
