# pyright: reportMissingImports=false
"""The scoring service on Kubernetes: the same image, replicas behind one address, rolled out.

Imported only for the target `aks`: other stacks do not need Pulumi's Kubernetes SDK.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from infra.aks.settings import KubernetesSettings
from infra.scoring_service import NAME, ScoringService

HOST_NAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"

PRE_STOP_SECONDS = 4
"""A pod takes new requests for so long after it was told to end: proxies and gateways need to hear
of it first."""

GRACE_SECONDS = 30

LOST_NODE_SECONDS = 15
"""How long pods of a node that is gone are waited for before others take their place; Kubernetes'
own default is 300."""

_USER = 10001

_TAKEN_BACK = {"pulumi.com/patchForce": "true"}
"""What is declared here and was changed by hand is set again; server-side apply alone calls it a
conflict, and the update and even its preview fail. What is not declared stays whose it is."""


class KubernetesService(pulumi.ComponentResource):
    """`sklearn-mnist-svc` on a cluster.

    Attributes:
        namespace: Where everything of it is.
        host: Its address, or its host name behind a gateway.
        scoring_uri: Where to POST.
    """

    namespace: pulumi.Output[str]
    host: pulumi.Output[str]
    scoring_uri: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        service: ScoringService,
        wanted: KubernetesSettings,
        provider: kubernetes.Provider,
    ) -> None:
        super().__init__("sklearn-mnist-svc:infra:KubernetesService", name)
        self._child = pulumi.ResourceOptions(parent=self, provider=provider)
        self._labels = {"app.kubernetes.io/name": NAME}
        namespace = kubernetes.core.v1.Namespace(
            "namespace",
            metadata=ObjectMetaArgs(
                name=NAME,
                annotations=_TAKEN_BACK,
                labels={
                    "pod-security.kubernetes.io/enforce": "restricted",
                    "pod-security.kubernetes.io/enforce-version": "latest",
                },
            ),
            opts=self._child,
        )
        self.namespace = namespace.metadata.name
        deployment = self._deployment(service, wanted, self._key(service))
        kubernetes.policy.v1.PodDisruptionBudget(
            "disruption-budget",
            metadata=self._metadata(),
            spec=kubernetes.policy.v1.PodDisruptionBudgetSpecArgs(
                max_unavailable=1,
                selector=LabelSelectorArgs(match_labels=self._labels),
                # A pod that cannot become ready must not keep a node from being upgraded.
                unhealthy_pod_eviction_policy="AlwaysAllow",
            ),
            opts=self._child,
        )
        self._autoscaler(wanted, deployment)
        self._network_policy(service.port)
        inside = self._service(service, outside=wanted.hostname is None)
        if wanted.hostname:
            self._route(wanted.hostname, wanted.gateway_class, service.port)
            self.host = pulumi.Output.from_input(wanted.hostname)
            self.scoring_uri = pulumi.Output.from_input(f"https://{wanted.hostname}/score")
        else:
            self.host = inside.status.load_balancer.apply(_host)
            port = service.port
            self.scoring_uri = self.host.apply(lambda host: f"http://{host}:{port}/score")
        self.register_outputs({"scoring_uri": self.scoring_uri})

    def _metadata(
        self, annotations: Mapping[str, str] | None = None, name: str | None = NAME
    ) -> ObjectMetaArgs:
        return ObjectMetaArgs(
            name=name,
            namespace=self.namespace,
            labels=self._labels,
            annotations={**_TAKEN_BACK, **(annotations or {})},
        )

    def _key(self, service: ScoringService) -> kubernetes.core.v1.Secret | None:
        """The keys, in an object that never changes: new keys are a new one, and a roll-out."""
        if not service.keys:
            return None
        return kubernetes.core.v1.Secret(
            "key",
            metadata=self._metadata(name=None),
            string_data=service.keys,
            immutable=True,
            opts=self._child,
        )

    def _deployment(
        self,
        service: ScoringService,
        wanted: KubernetesSettings,
        key: kubernetes.core.v1.Secret | None,
    ) -> kubernetes.apps.v1.Deployment:
        apps, core = kubernetes.apps.v1, kubernetes.core.v1
        spread = [
            core.TopologySpreadConstraintArgs(
                max_skew=1,
                topology_key=each,
                when_unsatisfiable="ScheduleAnyway",
                label_selector=LabelSelectorArgs(match_labels=self._labels),
            )
            for each in (ZONE, HOST_NAME)
        ]
        return apps.Deployment(
            "deployment",
            metadata=self._metadata(
                {
                    "pulumi.com/timeoutSeconds": str(wanted.rollout_seconds),
                    # In one: names of tags may have characters that names of annotations have not.
                    f"{NAME}/tags": json.dumps(dict(service.tags), sort_keys=True),
                }
            ),
            spec=apps.DeploymentSpecArgs(
                replicas=wanted.min_replicas,
                revision_history_limit=3,
                progress_deadline_seconds=wanted.rollout_seconds,
                min_ready_seconds=2,
                strategy=apps.DeploymentStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=apps.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0),
                ),
                selector=LabelSelectorArgs(match_labels=self._labels),
                template=core.PodTemplateSpecArgs(
                    metadata=ObjectMetaArgs(labels=self._labels, annotations=service.identity),
                    spec=core.PodSpecArgs(
                        automount_service_account_token=False,
                        # A Service called `scoring` would set SCORING_PORT=tcp://...
                        enable_service_links=False,
                        termination_grace_period_seconds=GRACE_SECONDS,
                        topology_spread_constraints=spread,
                        tolerations=[
                            core.TolerationArgs(
                                key=f"node.kubernetes.io/{each}",
                                operator="Exists",
                                effect="NoExecute",
                                toleration_seconds=LOST_NODE_SECONDS,
                            )
                            for each in ("not-ready", "unreachable")
                        ],
                        security_context=core.PodSecurityContextArgs(
                            run_as_non_root=True,
                            run_as_user=_USER,
                            run_as_group=_USER,
                            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
                        ),
                        containers=[_container(service, key)],
                        volumes=[
                            core.VolumeArgs(
                                name="tmp",
                                empty_dir=core.EmptyDirVolumeSourceArgs(
                                    medium="Memory", size_limit="16Mi"
                                ),
                            )
                        ],
                    ),
                ),
            ),
            opts=pulumi.ResourceOptions.merge(
                self._child,
                # How many there are is the autoscaler's business.
                pulumi.ResourceOptions(ignore_changes=["spec.replicas"]),
            ),
        )

    def _autoscaler(
        self, wanted: KubernetesSettings, deployment: kubernetes.apps.v1.Deployment
    ) -> None:
        scaling = kubernetes.autoscaling.v2
        scaling.HorizontalPodAutoscaler(
            "autoscaler",
            metadata=self._metadata(),
            spec=scaling.HorizontalPodAutoscalerSpecArgs(
                scale_target_ref=scaling.CrossVersionObjectReferenceArgs(
                    api_version="apps/v1", kind="Deployment", name=deployment.metadata.name
                ),
                min_replicas=wanted.min_replicas,
                max_replicas=wanted.max_replicas,
                metrics=[
                    scaling.MetricSpecArgs(
                        type="Resource",
                        resource=scaling.ResourceMetricSourceArgs(
                            name="cpu",
                            target=scaling.MetricTargetArgs(
                                type="Utilization", average_utilization=wanted.cpu_target
                            ),
                        ),
                    )
                ],
            ),
            opts=self._child,
        )

    def _network_policy(self, port: int) -> None:
        """In by the one port; out to nowhere: a model server needs nothing from outside."""
        net = kubernetes.networking.v1
        kubernetes.networking.v1.NetworkPolicy(
            "network-policy",
            metadata=self._metadata(),
            spec=net.NetworkPolicySpecArgs(
                pod_selector=LabelSelectorArgs(match_labels=self._labels),
                policy_types=["Ingress", "Egress"],
                ingress=[
                    net.NetworkPolicyIngressRuleArgs(
                        ports=[net.NetworkPolicyPortArgs(port=port, protocol="TCP")]
                    )
                ],
                egress=[],
            ),
            opts=self._child,
        )

    def _service(self, service: ScoringService, *, outside: bool) -> kubernetes.core.v1.Service:
        annotations = {"service.beta.kubernetes.io/azure-dns-label-name": service.dns_label}
        return kubernetes.core.v1.Service(
            "service",
            metadata=self._metadata(annotations if outside else None),
            spec=kubernetes.core.v1.ServiceSpecArgs(
                type="LoadBalancer" if outside else "ClusterIP",
                selector=self._labels,
                ports=[
                    kubernetes.core.v1.ServicePortArgs(
                        name="http", port=service.port, target_port="http", protocol="TCP"
                    )
                ],
            ),
            opts=self._child,
        )

    def _route(self, hostname: str, gateway_class: str | None, port: int) -> None:
        """A gateway with TLS, and the way from it to the service."""
        gateway = kubernetes.apiextensions.CustomResource(
            "gateway",
            api_version="gateway.networking.k8s.io/v1",
            kind="Gateway",
            metadata=self._metadata(),
            spec={
                "gatewayClassName": gateway_class,
                "listeners": [
                    {
                        "name": "https",
                        "hostname": hostname,
                        "port": 443,
                        "protocol": "HTTPS",
                        "tls": {"mode": "Terminate", "certificateRefs": [{"name": f"{NAME}-tls"}]},
                    }
                ],
            },
            opts=self._child,
        )
        kubernetes.apiextensions.CustomResource(
            "route",
            api_version="gateway.networking.k8s.io/v1",
            kind="HTTPRoute",
            metadata=self._metadata(),
            spec={
                "parentRefs": [{"name": NAME}],
                "hostnames": [hostname],
                "rules": [{"backendRefs": [{"name": NAME, "port": port}]}],
            },
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(depends_on=[gateway])
            ),
        )


def _container(
    service: ScoringService, key: kubernetes.core.v1.Secret | None
) -> kubernetes.core.v1.ContainerArgs:
    core = kubernetes.core.v1
    variables = [
        core.EnvVarArgs(name=name, value=value) for name, value in service.variables.items()
    ]
    if key is not None:
        for name in service.keys:
            reference = core.SecretKeySelectorArgs(name=key.metadata.name, key=name)
            source = core.EnvVarSourceArgs(secret_key_ref=reference)
            variables.append(core.EnvVarArgs(name=name, value_from=source))
    resources = {"cpu": f"{service.cpu:g}", "memory": f"{round(service.memory_gb * 1000)}M"}
    return core.ContainerArgs(
        name="scoring",
        image=str(service.image),
        image_pull_policy="IfNotPresent",
        # So that a failed update says why: Pulumi shows the message of a container that ended.
        termination_message_policy="FallbackToLogsOnError",
        env=variables,
        ports=[core.ContainerPortArgs(name="http", container_port=service.port, protocol="TCP")],
        resources=core.ResourceRequirementsArgs(requests=resources, limits=resources),
        startup_probe=_probe("/ready", period=1, failures=60),
        readiness_probe=_probe("/ready", period=2, failures=2),
        liveness_probe=_probe("/", period=10, failures=3),
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=PRE_STOP_SECONDS))
        ),
        security_context=core.SecurityContextArgs(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=core.CapabilitiesArgs(drop=["ALL"]),
        ),
        volume_mounts=[core.VolumeMountArgs(name="tmp", mount_path="/tmp")],  # noqa: S108
    )


def _probe(path: str, *, period: int, failures: int) -> kubernetes.core.v1.ProbeArgs:
    return kubernetes.core.v1.ProbeArgs(
        http_get=kubernetes.core.v1.HTTPGetActionArgs(path=path, port="http"),
        period_seconds=period,
        timeout_seconds=3,
        failure_threshold=failures,
    )


def _host(status: kubernetes.core.v1.outputs.LoadBalancerStatus | None) -> str:
    given = status.ingress if status else None
    host = (given[0].hostname or given[0].ip) if given else None
    if not host:
        raise pulumi.RunError(
            "the load balancer gave the service no address; see: kubectl describe service -n "
            f"{NAME} {NAME}"
        )
    return host
