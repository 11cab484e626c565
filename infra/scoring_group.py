"""The container group that answers: one container, pulled by identity, pinned by digest."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import containerinstance

from infra.azure_facts import ACI_IMMUTABLE
from infra.place import Place
from infra.pull_retry import PullRetry
from infra.registry import Registry
from infra.scoring_service import NAME, ScoringService


class ScoringGroup(pulumi.ComponentResource):
    """`sklearn-mnist-svc` on Azure Container Instances.

    Attributes:
        name: The container group's name.
        fqdn: Its host name; a replacement keeps it and changes the IP address.
        scoring_uri: Where to POST.
    """

    name: pulumi.Output[str]
    fqdn: pulumi.Output[str]
    scoring_uri: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        place: Place,
        service: ScoringService,
        registry: Registry,
    ) -> None:
        super().__init__("sklearn-mnist-svc:infra:ScoringGroup", name)
        service.pulled_from(registry.login_server)
        retry = pulumi.ErrorHook("wait-for-acr-pull", PullRetry(name))
        group = containerinstance.ContainerGroup(
            "scoring-group",
            container_group_name=NAME,
            resource_group_name=place.resource_group,
            location=place.location,
            os_type="Linux",
            restart_policy="Always",
            sku="Standard",
            identity=containerinstance.ContainerGroupIdentityArgs(
                type=containerinstance.ResourceIdentityType.USER_ASSIGNED,
                user_assigned_identities=[registry.identity_id],
            ),
            image_registry_credentials=[
                containerinstance.ImageRegistryCredentialArgs(
                    server=service.image.server or registry.login_server,
                    identity=registry.identity_id,
                )
            ],
            ip_address=containerinstance.IpAddressArgs(
                type="Public",
                ports=[containerinstance.PortArgs(port=service.port, protocol="TCP")],
                dns_name_label=service.dns_label,
                # The default, Unsecure, lets a stranger take the host name over.
                auto_generated_domain_name_label_scope="TenantReuse",
            ),
            containers=[_container(service)],
            tags={**service.identity, **service.tags},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[registry.pull_assignment],
                replace_on_changes=list(ACI_IMMUTABLE),
                # Azure gives the address and may change it; clients use the host name.
                ignore_changes=["ipAddress.ip"],
                delete_before_replace=True,
                hooks=pulumi.ResourceHookBinding(on_error=[retry]),
            ),
        )
        self.name = group.name
        self.fqdn = group.ip_address.apply(_host)
        self.scoring_uri = self.fqdn.apply(lambda host: f"http://{host}:{service.port}/score")
        self.register_outputs({"scoring_uri": self.scoring_uri})


def _container(service: ScoringService) -> containerinstance.ContainerArgs:
    variables = [
        *(
            containerinstance.EnvironmentVariableArgs(name=name, value=value)
            for name, value in service.variables.items()
        ),
        *(
            containerinstance.EnvironmentVariableArgs(name=name, secure_value=key)
            for name, key in service.keys.items()
        ),
    ]
    return containerinstance.ContainerArgs(
        name="scoring",
        image=str(service.image),
        ports=[containerinstance.ContainerPortArgs(port=service.port, protocol="TCP")],
        environment_variables=variables,
        resources=containerinstance.ResourceRequirementsArgs(
            requests=containerinstance.ResourceRequestsArgs(
                cpu=service.cpu, memory_in_gb=service.memory_gb
            )
        ),
        liveness_probe=_probe("/", service.port, period=10, failures=3),
        readiness_probe=_probe("/ready", service.port, period=5, failures=3),
    )


def _probe(
    path: str, port: int, *, period: int, failures: int
) -> containerinstance.ContainerProbeArgs:
    return containerinstance.ContainerProbeArgs(
        http_get=containerinstance.ContainerHttpGetArgs(path=path, port=port, scheme="http"),
        initial_delay_seconds=2,
        period_seconds=period,
        timeout_seconds=3,
        failure_threshold=failures,
        success_threshold=1,
    )


def _host(address: containerinstance.outputs.IpAddressResponse | None) -> str:
    if address is None or not address.fqdn:
        raise pulumi.RunError(
            "Azure gave the container group no host name; is its DNS label still free?"
        )
    return address.fqdn
