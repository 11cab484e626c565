"""The provider's names of the resource types that the rules speak about."""

CONTAINER_GROUP = "azure-native:containerinstance:ContainerGroup"
REGISTRY = "azure-native:containerregistry:Registry"
ROLE_ASSIGNMENT = "azure-native:authorization:RoleAssignment"
STORAGE_ACCOUNT = "azure-native:storage:StorageAccount"
VAULT = "azure-native:keyvault:Vault"
ML_WORKSPACE = "azure-native:machinelearningservices:Workspace"
LOG_ANALYTICS = "azure-native:operationalinsights:Workspace"
APPLICATION_INSIGHTS = "azure-native:applicationinsights:Component"
IDENTITY = "azure-native:managedidentity:UserAssignedIdentity"
RESOURCE_GROUP = "azure-native:resources:ResourceGroup"

TRACKED = (
    CONTAINER_GROUP,
    REGISTRY,
    STORAGE_ACCOUNT,
    VAULT,
    ML_WORKSPACE,
    LOG_ANALYTICS,
    APPLICATION_INSIGHTS,
    IDENTITY,
    RESOURCE_GROUP,
)
"""The types that have a location and tags."""
