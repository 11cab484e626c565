"""The values that a report may show: everything else is hidden, whatever it looks like."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from infra import azure_facts
from infra.disclosure.mask import SECRET_WORD, Mask
from infra.image_reference import ImageReference
from infra.preview import paths
from infra.preview.paths import Path

Shape = Callable[[str, Mask], bool]
"""Whether a text is what the property should hold, and shows no secret."""

_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
_GUID = r"(?i:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})"


def _text(text: str, mask: Mask) -> bool:
    return mask.text(text) == text


def _exactly(pattern: str) -> Shape:
    return lambda text, mask: bool(re.fullmatch(pattern, text)) and not mask.finds_known(text)


def _named(text: str, mask: Mask) -> bool:
    return not mask.finds_known(text)


def _image(text: str, mask: Mask) -> bool:
    return ImageReference.parse(text) is not None and not mask.finds_known(text)


def _address(text: str, mask: Mask) -> bool:
    try:
        return bool(ipaddress.ip_address(text)) and not mask.finds_known(text)
    except ValueError:
        return False


def _network(text: str, mask: Mask) -> bool:
    try:
        return bool(ipaddress.ip_network(text, strict=False)) and not mask.finds_known(text)
    except ValueError:
        return False


def _arm_id(text: str, mask: Mask) -> bool:
    if not text.startswith("/") or mask.finds_known(text):
        return False
    parts = (part for part in text.split("/") if part)
    return all(re.fullmatch(_GUID, part) or _text(part, mask) for part in parts)


DIGEST = _exactly(r"[0-9a-f]{64}")
HOST = _exactly(rf"{_HOST}(?::\d{{1,5}})?")
URL = _exactly(rf"https?://{_HOST}(?::\d{{1,5}})?(?:/[a-z]+)?")
GUID = _exactly(_GUID)
ARM_ID = _arm_id


@dataclass(frozen=True)
class _Entry:
    """A property of one type, or of all (`*`); a path ending in `.*` is all below it."""

    type: str
    path: str
    shape: Shape

    def covers(self, token: str, path: str) -> bool:
        if self.type not in {"*", token}:
            return False
        if self.path.endswith(".*"):
            return path.startswith(self.path[:-1])
        return path == self.path


def _all(type_name: str, shape: Shape, names: str) -> list[_Entry]:
    return [_Entry(type_name, path, shape) for path in names.split()]


_GROUP = azure_facts.CONTAINER_GROUP
_PUBLIC_VARIABLES = {
    "MODEL_SHA256": DIGEST,
    "SCORING_HOST": HOST,
    "SCORING_PORT": _exactly(r"\d{1,5}"),
    "SERVICE_DESCRIPTION": _text,
}
"""Environment variables whose plain value may be shown."""


def _kubernetes() -> list[_Entry]:
    """The program's objects, but for the Secret, of which nothing is shown, and its cluster."""
    kinds = (
        *(azure_facts.DEPLOYMENT, azure_facts.AUTOSCALER, azure_facts.BUDGET, azure_facts.SERVICE),
        *(azure_facts.NETWORK_POLICY, azure_facts.NAMESPACE, azure_facts.GATEWAY),
        azure_facts.ROUTE,
    )
    cluster, pod = azure_facts.MANAGED_CLUSTER, "spec.template.spec"
    container = f"{pod}.containers[*]"
    return [
        *(each for kind in kinds for each in _all(kind, _text, "kind apiVersion metadata.*")),
        *_all(azure_facts.AUTOSCALER, _text, "spec.*"),
        *_all(azure_facts.BUDGET, _text, "spec.*"),
        *_all(azure_facts.SERVICE, _text, "spec.*"),
        *_all(azure_facts.NETWORK_POLICY, _text, "spec.*"),
        *_all(azure_facts.GATEWAY, _text, "spec.gatewayClassName spec.listeners[*].port"),
        *_all(azure_facts.GATEWAY, HOST, "spec.listeners[*].hostname"),
        *_all(azure_facts.ROUTE, HOST, "spec.hostnames[*]"),
        *_all(azure_facts.ROUTE, _text, "spec.rules[*].backendRefs[*].port"),
        *_all(azure_facts.DEPLOYMENT, _text, "spec.replicas spec.strategy.* spec.selector.*"),
        *_all(azure_facts.DEPLOYMENT, _text, "spec.progressDeadlineSeconds spec.minReadySeconds"),
        *_all(azure_facts.DEPLOYMENT, DIGEST, "spec.template.metadata.annotations.modelSha256"),
        *_all(azure_facts.DEPLOYMENT, _text, "spec.template.metadata.annotations.modelVersion"),
        *_all(azure_facts.DEPLOYMENT, _text, f"{pod}.nodeSelector.* {pod}.securityContext.*"),
        *_all(azure_facts.DEPLOYMENT, _image, f"{container}.image"),
        *_all(azure_facts.DEPLOYMENT, _named, f"{container}.name {container}.env[*].name"),
        *_all(azure_facts.DEPLOYMENT, _named, f"{container}.env[*].valueFrom.secretKeyRef.*"),
        *_all(azure_facts.DEPLOYMENT, _text, f"{container}.ports[*].containerPort"),
        *_all(azure_facts.DEPLOYMENT, _text, f"{container}.resources.*"),
        *_all(azure_facts.DEPLOYMENT, _text, f"{container}.securityContext.*"),
        *(
            each
            for probe in ("startup", "liveness", "readiness")
            for each in _all(azure_facts.DEPLOYMENT, _text, f"{container}.{probe}Probe.*")
        ),
        *_all(cluster, _text, "kubernetesVersion currentKubernetesVersion sku.tier dnsPrefix"),
        *_all(
            cluster,
            _text,
            " ".join(
                f"agentPoolProfiles[*].{name}"
                for name in ("count", "minCount", "maxCount", "maxPods", "vmSize", "name", "mode")
            ),
        ),
        *_all(cluster, _text, "autoUpgradeProfile.*"),
    ]


_ENTRIES: tuple[_Entry, ...] = tuple(
    _all("*", _text, "location kind sku.name sku.tier sku.family identity.type tags.*")
    + _all("*", _text, "resourceGroupName accountName vaultName workspaceName registryName")
    + _all("*", _text, "resourceName containerGroupName publicNetworkAccess")
    + _all("*", _text, "publicNetworkAccessForIngestion publicNetworkAccessForQuery zoneRedundancy")
    + _all("*", _text, "properties.publicNetworkAccess networkRuleBypassOptions requestSource")
    + _all("*", DIGEST, "tags.modelSha256")
    + _all("*", _exactly(r"\d{4}-\d\d-\d\d(-preview)?"), "azureApiVersion")
    + _all("*", ARM_ID, "identity.userAssignedIdentities[*] workspaceResourceId")
    + _all(_GROUP, _text, "osType restartPolicy sku priority zones[*] ipAddress.type")
    + _all(_GROUP, _text, "ipAddress.ports[*].port ipAddress.ports[*].protocol")
    + _all(_GROUP, _address, "ipAddress.ip")
    + _all(_GROUP, HOST, "ipAddress.fqdn")
    + _all(_GROUP, _text, "ipAddress.dnsNameLabel ipAddress.autoGeneratedDomainNameLabelScope")
    + _all(_GROUP, ARM_ID, "subnetIds[*].id imageRegistryCredentials[*].identity")
    + _all(_GROUP, HOST, "imageRegistryCredentials[*].server")
    + _all(_GROUP, _image, "containers[*].image initContainers[*].image")
    + _all(_GROUP, _text, "containers[*].name initContainers[*].name")
    + _all(_GROUP, _text, "containers[*].ports[*].port containers[*].ports[*].protocol")
    + _all(_GROUP, _text, "containers[*].resources.*")
    + _all(_GROUP, _named, "containers[*].environmentVariables[*].name")
    + _all(_GROUP, _named, "initContainers[*].environmentVariables[*].name")
    + [
        _Entry(_GROUP, f"containers[*].{probe}Probe.{name}", _text)
        for probe in ("liveness", "readiness")
        for name in (
            "httpGet.path",
            "httpGet.port",
            "httpGet.scheme",
            "initialDelaySeconds",
            "periodSeconds",
            "timeoutSeconds",
            "failureThreshold",
            "successThreshold",
        )
    ]
    + _kubernetes()
    + _all(azure_facts.STORAGE_ACCOUNT, _text, "accessTier minimumTlsVersion")
    + _all(azure_facts.STORAGE_ACCOUNT, _text, "networkRuleSet.bypass networkRuleSet.defaultAction")
    + _all(azure_facts.STORAGE_ACCOUNT, _network, "networkRuleSet.ipRules[*].iPAddressOrRange")
    + _all(azure_facts.REGISTRY, _text, "networkRuleSet.defaultAction")
    + _all(azure_facts.REGISTRY, _network, "networkRuleSet.ipRules[*].iPAddressOrRange")
    + _all(azure_facts.VAULT, GUID, "properties.tenantId")
    + _all(azure_facts.VAULT, _text, "properties.networkAcls.bypass")
    + _all(azure_facts.VAULT, _text, "properties.networkAcls.defaultAction")
    + _all(azure_facts.VAULT, _network, "properties.networkAcls.ipRules[*].value")
    + _all(azure_facts.VAULT, _text, "properties.sku.* properties.softDeleteRetentionInDays")
    + _all(azure_facts.LOG_ANALYTICS, _text, "retentionInDays")
    + _all(azure_facts.APPLICATION_INSIGHTS, _text, "applicationType flowType ingestionMode")
    + _all(azure_facts.ML_WORKSPACE, _text, "friendlyName systemDatastoresAuthMode")
    + _all(
        azure_facts.ML_WORKSPACE,
        ARM_ID,
        "storageAccount keyVault applicationInsights containerRegistry",
    )
    + _all(azure_facts.ROLE_ASSIGNMENT, ARM_ID, "scope roleDefinitionId")
    + _all(azure_facts.ROLE_ASSIGNMENT, GUID, "roleAssignmentName")
    + _all(azure_facts.ROLE_ASSIGNMENT, _text, "principalType")
)

PROPERTY_NAMES = frozenset(
    step for entry in _ENTRIES for step in paths.parse(entry.path) if isinstance(step, str)
)
"""Names of properties that are known as such: never hidden, whatever a secret may be."""

_OUTPUTS: dict[str, Shape] = {
    "scoring_uri": URL,
    "fqdn": HOST,
    "resource_group": _text,
    "workspace": _text,
    "login_server": HOST,
    "container_group": _text,
    "cluster": _text,
    "namespace": _text,
    "image": _image,
    "model_sha256": DIGEST,
    "subscription_id": GUID,
    "tenant_id": GUID,
}
"""The stack's outputs that may be shown."""


def property_may_be_shown(token: str, path: Path, label: str, value: str, mask: Mask) -> bool:
    """Whether a property's value may be shown.

    Args:
        token: The resource's type.
        path: The property.
        label: The name of the list element it belongs to, such as an environment variable's.
        value: The value as text.
        mask: Finds secrets in it.
    """
    names = [step for step in path if isinstance(step, str)]
    if names and SECRET_WORD.search(names[-1]):
        return False
    pattern = paths.pattern(path)
    if pattern.endswith((".environmentVariables[*].value", ".env[*].value")):
        shape = _PUBLIC_VARIABLES.get(label)
        return shape is not None and shape(value, mask)
    return any(entry.shape(value, mask) for entry in _ENTRIES if entry.covers(token, pattern))


def output_may_be_shown(path: Path, value: str, mask: Mask) -> bool:
    """Whether a stack output's value may be shown."""
    shape = _OUTPUTS.get(str(path[0])) if len(path) == 1 else None
    return shape is not None and shape(value, mask)
