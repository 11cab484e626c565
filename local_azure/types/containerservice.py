"""Microsoft.ContainerService: managed Kubernetes clusters, as far as they are run here."""

from __future__ import annotations

from local_azure.types.resource_type import Body, NameRule, ResourceType
from local_azure.types.schema import Overlay


def _outputs(_id: str, _body: Body) -> Body:
    return {"properties": {"provisioningState": "Succeeded"}}


MANAGED_CLUSTER = ResourceType(
    type="Microsoft.ContainerService/managedClusters",
    token="azure-native:containerservice:ManagedCluster",  # noqa: S106 - a type's name
    api_versions=("2025-09-01",),
    overlay=Overlay(
        required=("location", "properties.agentPoolProfiles"),
        read_only=(
            "identity.principalId",
            "identity.tenantId",
            "properties.provisioningState",
            "properties.powerState",
            "properties.currentKubernetesVersion",
            "properties.fqdn",
            "properties.oidcIssuerProfile.issuerURL",
        ),
        defaults={
            "properties.enableRBAC": True,
            "properties.agentPoolProfiles[].osType": "Linux",
        },
    ),
    name_input="resourceName",
    name_rule=NameRule(
        r"[A-Za-z0-9]([-_A-Za-z0-9]{0,61}[A-Za-z0-9])?",
        "1 to 63 letters, digits, hyphens and underscores, a letter or digit at both ends",
    ),
    new_on=("location", "dnsPrefix", "nodeResourceGroup"),
    immutable=("properties.dnsPrefix", "properties.nodeResourceGroup"),
    outputs=_outputs,
)
TYPES = (MANAGED_CLUSTER,)
