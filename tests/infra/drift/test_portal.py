"""Links into Azure's portal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra import azure_facts
from infra.disclosure.mask import Mask
from infra.drift import portal
from infra.drift.finding import Finding
from infra.drift.stack import Stack
from infra.preview.events import STACK_TYPE

TENANT = "00000000-0000-0000-0000-0000000adf50"
VAULT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv (1)"
GROUP = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerInstance/containerGroups/g"


@pytest.fixture(autouse=True)
def azure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARM_ENVIRONMENT", "ARM_RESOURCE_MANAGER_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


def stack(tenant: Any = TENANT) -> Stack:
    resources: list[dict[str, Any]] = [
        {"urn": "s", "type": STACK_TYPE, "outputs": {"tenant_id": tenant}},
        {"urn": "v", "type": azure_facts.VAULT, "id": VAULT, "custom": True},
        {"urn": "g", "type": azure_facts.CONTAINER_GROUP, "id": GROUP, "custom": True},
    ]
    return Stack("dev", Path(), {"deployment": {"resources": resources}})


def link(one: Finding, mask: Mask | None = None) -> str:
    return portal.linked([one], stack(), mask or Mask())[0].link


def test_a_resource_is_linked_by_its_id(finding: Callable[..., Finding]) -> None:
    quoted = VAULT.replace(" ", "%20").replace("(", "%28").replace(")", "%29")
    wanted = f"https://portal.azure.com/#@{TENANT}/resource{quoted}"
    assert link(finding(urn="v")) == link(finding(id=VAULT)) == wanted
    assert link(finding(urn="other")) == ""


def test_the_endpoint_is_linked_to_its_container_group(finding: Callable[..., Finding]) -> None:
    assert link(finding(type="")).endswith(f"/resource{GROUP}")


def test_another_cloud_has_another_portal_and_ones_own_has_none(
    finding: Callable[..., Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, host in {"usgovernment": "us", "china": "cn", "public": "com", "": "com"}.items():
        monkeypatch.setenv("ARM_ENVIRONMENT", name)
        assert link(finding(urn="v")).startswith(f"https://portal.azure.{host}/#@")
    monkeypatch.setenv("ARM_ENVIRONMENT", "of-nobody")
    assert link(finding(urn="v")) == ""
    monkeypatch.delenv("ARM_ENVIRONMENT")
    monkeypatch.setenv("ARM_RESOURCE_MANAGER_ENDPOINT", "https://127.0.0.1:1")
    assert link(finding(urn="v")) == ""


def test_an_id_that_holds_a_secret_is_not_linked(finding: Callable[..., Finding]) -> None:
    assert link(finding(urn="v"), Mask.of(["kv (1)"])) == ""


@pytest.mark.parametrize("tenant", [None, 7, "no-guid", f"{TENANT}0"])
def test_without_a_tenant_the_portal_takes_ones_own(
    tenant: Any, finding: Callable[..., Finding]
) -> None:
    (one,) = portal.linked([finding(id=GROUP)], stack(tenant), Mask())
    assert one.link == f"https://portal.azure.com/#@/resource{GROUP}"
    (hidden,) = portal.linked([finding(id=GROUP)], stack(), Mask.of([TENANT]))
    assert hidden.link == f"https://portal.azure.com/#@/resource{GROUP}"
