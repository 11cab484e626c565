"""Microsoft.ContainerService: managed Kubernetes clusters, as far as they are run here."""

from __future__ import annotations

from local_azure.types.resource_type import Body, NameRule, ResourceType
from local_azure.types.schema import Overlay

# What would have no effect here, member by member of the objects that are supported.
_CLUSTER = (
    "aiToolchainOperatorProfile",
    "addonProfiles",
    "apiServerAccessProfile",
    "autoScalerProfile",
    "azureMonitorProfile",
    "bootstrapProfile",
    "diskEncryptionSetID",
    "fqdnSubdomain",
    "httpProxyConfig",
    "ingressProfile",
    "linuxProfile",
    "metricsProfile",
    "nodeProvisioningProfile",
    "nodeResourceGroupProfile",
    "podIdentityProfile",
    "privateLinkResources",
    "publicNetworkAccess",
    "serviceMeshProfile",
    "servicePrincipalProfile",
    "storageProfile",
    "upgradeSettings",
    "windowsProfile",
    "workloadAutoScalerProfile",
)
_POOL = (
    "capacityReservationGroupID",
    "creationData",
    "enableEncryptionAtHost",
    "enableFIPS",
    "enableNodePublicIP",
    "enableUltraSSD",
    "gatewayProfile",
    "gpuInstanceProfile",
    "gpuProfile",
    "hostGroupID",
    "kubeletConfig",
    "kubeletDiskType",
    "linuxOSConfig",
    "localDNSProfile",
    "messageOfTheDay",
    "networkProfile",
    "nodePublicIPPrefixID",
    "orchestratorVersion",
    "osDiskSizeGB",
    "osDiskType",
    "podIPAllocationMode",
    "podSubnetID",
    "powerState",
    "proximityPlacementGroupID",
    "scaleDownMode",
    "scaleSetEvictionPolicy",
    "scaleSetPriority",
    "securityProfile",
    "spotMaxPrice",
    "status",
    "tags",
    "upgradeSettings",
    "virtualMachineNodesStatus",
    "virtualMachinesProfile",
    "vnetSubnetID",
    "windowsProfile",
    "workloadRuntime",
)
_FIXED = ("vmSize", "availabilityZones", "maxPods", "osType")
"""What a pool keeps for as long as it is."""

_NETWORK = (
    "advancedNetworking",
    "ipFamilies",
    "loadBalancerProfile",
    "natGatewayProfile",
    "networkMode",
    "podCidrs",
    "serviceCidrs",
    "staticEgressGatewayProfile",
)
_SECURITY = (
    "azureKeyVaultKms",
    "customCATrustCertificates",
    "defender",
    "imageCleaner",
)
_DIRECTORY = (
    "clientAppID",
    "serverAppID",
    "serverAppSecret",
)


def _outputs(_id: str, _body: Body) -> Body:
    return {"properties": {"provisioningState": "Succeeded"}}


MANAGED_CLUSTER = ResourceType(
    type="Microsoft.ContainerService/managedClusters",
    token="azure-native:containerservice:ManagedCluster",  # noqa: S106 - a type's name
    api_versions=("2025-09-01",),
    overlay=Overlay(
        unsupported=(
            "extendedLocation",
            "kind",
            "identity.delegatedResources",
            *(f"properties.{each}" for each in _CLUSTER),
            *(f"properties.agentPoolProfiles[].{each}" for each in _POOL),
            *(f"properties.networkProfile.{each}" for each in _NETWORK),
            *(f"properties.securityProfile.{each}" for each in _SECURITY),
            *(f"properties.aadProfile.{each}" for each in _DIRECTORY),
        ),
        required=("location", "properties.agentPoolProfiles"),
        read_only=(
            "identity.principalId",
            "identity.tenantId",
            "properties.provisioningState",
            "properties.powerState",
            "properties.currentKubernetesVersion",
            "properties.fqdn",
            "properties.oidcIssuerProfile.issuerURL",
            "properties.status",
        ),
        hidden=("properties.status",),
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
    # "Manage node pools", "Configure availability zones", "Configure Azure CNI". That a pool may be
    # given another size is a preview (AgentPoolVMSSResize), which a subscription has to ask for.
    immutable=(
        "properties.dnsPrefix",
        "properties.nodeResourceGroup",
        *(f"properties.agentPoolProfiles[].{each}" for each in _FIXED),
    ),
    outputs=_outputs,
)
TYPES = (MANAGED_CLUSTER,)
