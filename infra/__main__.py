"""Resource group, registry, workspace and, once an image is configured, the scoring service."""

from __future__ import annotations

import sys
from pathlib import Path

# `main: infra` makes this folder the program; its modules are imported as the package they are.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pulumi
from pulumi_azure_native import authorization, resources

from infra import settings as configuration
from infra.naming import Names
from infra.place import Place
from infra.pull_retry import require_cli
from infra.registry import Registry
from infra.scoring_group import ScoringGroup
from infra.scoring_service import NAME, ScoringService
from infra.workspace import Workspace

require_cli()
client = authorization.get_client_config()


def names_of(prefix: str) -> Names:
    """The names of this stack with a prefix."""
    return Names.of(prefix, client.subscription_id, pulumi.get_project(), pulumi.get_stack())


settings = configuration.load(
    pulumi.Config(), pulumi.Config("azure-native"), lambda prefix: names_of(prefix).registry
)
names = names_of(settings.prefix)
if settings.kubernetes.kubeconfig is not None:
    from infra.aks import access

    key = f"{pulumi.get_project()}:kubeconfig"
    access.check(
        *(key, str(pulumi.runtime.config.get_config(key)), NAME),
        gateway=settings.kubernetes.hostname is not None,
    )

group = resources.ResourceGroup(
    "resource-group",
    resource_group_name=names.resource_group,
    location=settings.location,
    tags=settings.tags,
    opts=pulumi.ResourceOptions(protect=settings.protect),
)
place = Place(
    names=names,
    subscription_id=client.subscription_id,
    resource_group=group.name,
    location=settings.location,
    protect=settings.protect,
    tags=settings.tags,
)
registry = Registry("registry", place, settings.registry_sku)
workspace = Workspace(
    "workspace",
    place,
    tenant_id=client.tenant_id,
    registry_id=registry.registry_id,
    log_retention_days=settings.log_retention_days,
)

pulumi.export("subscription_id", client.subscription_id)
pulumi.export("tenant_id", client.tenant_id)
pulumi.export("resource_group", group.name)
pulumi.export("workspace", workspace.name)
# What is known from the configuration is handed on: the outputs of a resource that is updated are
# unknown in a preview, and would look like another image.
server = settings.image.server if settings.image else None
pulumi.export("login_server", server or registry.login_server)

service = None
if settings.image and settings.model_sha256:
    service = ScoringService(
        image=settings.image,
        model_sha256=settings.model_sha256,
        model_version=settings.model_version,
        cpu=settings.cpu,
        memory_gb=settings.memory_gb,
        port=settings.port,
        dns_label=settings.dns_label or names.dns_label,
        data=settings.data,
        description=settings.description,
        scoring_key=settings.scoring_key,
        scoring_key_secondary=settings.scoring_key_secondary,
        tags=settings.tags,
    )
    pulumi.export("image", str(service.image))
    pulumi.export("model_sha256", service.model_sha256)

if settings.target == "aks":
    try:
        from infra.aks.target import deploy
    except ModuleNotFoundError as error:
        if error.name != "pulumi_kubernetes":
            raise
        raise pulumi.RunError(
            "the target aks needs Pulumi's Kubernetes SDK: "
            "pip install --require-hashes -r infra/requirements-aks.txt"
        ) from error

    deploy(settings.kubernetes, place, registry, service)
elif service:
    scoring = ScoringGroup("scoring", place, service, registry)
    pulumi.export("container_group", scoring.name)
    pulumi.export("fqdn", scoring.fqdn)
    pulumi.export("scoring_uri", scoring.scoring_uri)
