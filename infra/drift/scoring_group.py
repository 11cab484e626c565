"""The container group as Azure has it: where it answers, whether it runs, what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.arm.client import Arm
from infra.drift.stack import Resource

API_VERSION = "2023-05-01"
"""Of groups whose state does not tell one."""


@dataclass(frozen=True)
class ActualGroup:
    """A container group, or a Deployment, that exists.

    Attributes:
        host: Its host name, else its IP address, else empty.
        state: The group's state, such as `Running`; empty before its containers are placed.
        containers: Its containers in the provider's shape, without what only describes their run.
        idle: Why it does not answer where its state is another.
        stuck: Why a new version of it does not come to serve, or empty.
    """

    host: str
    state: str
    containers: list[dict[str, Any]] = field(repr=False)
    idle: str = "its container group does not run"
    stuck: str = ""


def read(arm: Arm, group: Resource) -> ActualGroup | None:
    """The group; None if it is not there.

    Raises:
        ArmError: Azure was not reached, or refused.
    """
    body = arm.get(group.id, group.api_version or API_VERSION)
    return None if body is None else of(body)


def of(body: Mapping[str, Any]) -> ActualGroup:
    """The group in an answer of Azure's."""
    properties = body.get("properties") or {}
    address = properties.get("ipAddress") or {}
    return ActualGroup(
        str(address.get("fqdn") or address.get("ip") or ""),
        str((properties.get("instanceView") or {}).get("state") or ""),
        [_container(each) for each in properties.get("containers") or []],
    )


def _container(body: Mapping[str, Any]) -> dict[str, Any]:
    """The provider writes the members of `properties` beside the name."""
    inner = dict(body.get("properties") or {})
    inner.pop("instanceView", None)
    return {"name": body.get("name"), **inner}
