"""Links to the resources of findings in Azure's portal."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote

from infra.disclosure import allow_list
from infra.disclosure.mask import Mask
from infra.drift.finding import Finding
from infra.drift.stack import Stack

HOSTS = {
    "public": "portal.azure.com",
    "usgovernment": "portal.azure.us",
    "china": "portal.azure.cn",
}
"""By ARM_ENVIRONMENT; a cloud of one's own (ARM_RESOURCE_MANAGER_ENDPOINT) has no known portal."""


def linked(findings: Iterable[Finding], stack: Stack, mask: Mask) -> list[Finding]:
    """The findings, with a link where the resource exists and its id may be shown."""
    host = HOSTS.get(os.environ.get("ARM_ENVIRONMENT") or "public")
    if not host or os.environ.get("ARM_RESOURCE_MANAGER_ENDPOINT"):
        return list(findings)
    tenant = stack.outputs.get("tenant_id")
    at = tenant if isinstance(tenant, str) and allow_list.GUID(tenant, mask) else ""
    ids = {each.urn: each.id for each in stack.resources}
    group = stack.scoring_group
    made: list[Finding] = []
    for one in findings:
        # A finding about the endpoint names no resource: its container group is meant.
        own = one.id or ids.get(one.urn, "") or (group.id if group and not one.type else "")
        link = f"https://{host}/#@{at}/resource{quote(own)}"
        made.append(replace(one, link=link if allow_list.ARM_ID(own, mask) else ""))
    return made
