"""What a container group may be: Azure's limits, and what the stand-in cannot run.

Source: "Service limits" and the REST reference of Azure Container Instances. Where Azure's code for
a refusal is not documented, the code is the stand-in's.
"""

from __future__ import annotations

import re
from typing import Any

from local_azure.arm.errors import ArmError
from local_azure.arm.service import Resource

_MOST_CONTAINERS = 60
_MOST_PORTS = 5
_MOST_CORES = 31
_MOST_MEMORY = 240
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def check(group: Resource) -> None:
    """Look at a body that has the right shape.

    Raises:
        ArmError: 400.
    """
    properties = group.body["properties"]
    containers = properties["containers"]
    if properties["osType"] != "Linux":
        raise _refused("InvalidOsType", "the stand-in runs Linux containers only", "osType")
    if properties.get("sku", "Standard") != "Standard":
        raise _refused("SkuNotSupported", f"the stand-in has no sku '{properties['sku']}'", "sku")
    if not 1 <= len(containers) <= _MOST_CONTAINERS:
        raise _refused(
            "InvalidContainerCount",
            f"a group has 1 to {_MOST_CONTAINERS} containers, not {len(containers)}",
            "containers",
        )
    names = [each["name"] for each in containers]
    for name in names:
        if not _NAME.fullmatch(name) or names.count(name) > 1:
            raise _refused(
                "InvalidContainerName",
                f"the container name '{name}' is taken or malformed: lower-case letters, digits "
                "and dashes, at most 63",
                "containers",
            )
        _check_container(containers[names.index(name)])
    _check_ports(properties)
    _check_sum(containers, "cpu", _MOST_CORES)
    _check_sum(containers, "memoryInGB", _MOST_MEMORY)


def _check_container(container: dict[str, Any]) -> None:
    name, properties = container["name"], container["properties"]
    for variable in properties.get("environmentVariables") or []:
        both = "value" in variable and "secureValue" in variable
        if both or not _VARIABLE.fullmatch(variable["name"]):
            raise _refused(
                "InvalidEnvironmentVariable",
                f"the environment variable '{variable['name']}' of container '{name}' has "
                + ("both a value and a secureValue" if both else "a malformed name"),
                "containers",
            )
    for kind in ("livenessProbe", "readinessProbe"):
        probe = properties.get(kind)
        if probe and bool(probe.get("exec")) == bool(probe.get("httpGet")):
            raise _refused(
                "InvalidProbe",
                f"the {kind} of container '{name}' needs either exec or httpGet",
                "containers",
            )


def _check_ports(properties: dict[str, Any]) -> None:
    address = properties.get("ipAddress") or {}
    if address.get("type", "Public") != "Public":
        raise _refused(
            "NetworkNotSupported", "the stand-in has no private networks", "ipAddress.type"
        )
    wanted = [(each["port"], each.get("protocol", "TCP")) for each in address.get("ports") or []]
    inner = [
        (each["port"], each.get("protocol", "TCP"))
        for container in properties["containers"]
        for each in container["properties"].get("ports") or []
    ]
    for port, _ in [*wanted, *inner]:
        if not 1 <= port <= 65_535:
            raise _refused("InvalidPort", f"the port {port} is not in 1..65535", "ipAddress.ports")
    if len(wanted) > _MOST_PORTS:
        raise _refused(
            "TooManyPorts", f"{len(wanted)} ports; at most {_MOST_PORTS}", "ipAddress.ports"
        )
    if len(set(inner)) < len(inner):
        raise _refused("DuplicatePorts", "two containers have the same port", "containers")
    closed = sorted({port for port, kind in wanted if (port, kind) not in inner})
    if closed:
        raise _refused(
            "PortsNotExposed",
            f"no container has the ports {closed} that the group exposes",
            "ipAddress.ports",
        )


def _check_sum(containers: list[dict[str, Any]], what: str, most: int) -> None:
    requests = [float(each["properties"]["resources"]["requests"][what]) for each in containers]
    if min(requests) <= 0 or sum(requests) > most:
        raise _refused(
            "ResourceRequestsInvalid",
            f"{what} is {sum(requests):g} in all; a group has more than 0 and at most {most}",
            "containers",
        )


def _refused(code: str, reason: str, target: str) -> ArmError:
    message = f"The container group is refused: {reason}."
    return ArmError(400, code, message, f"properties.{target}")
