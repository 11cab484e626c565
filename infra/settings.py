"""The stack's configuration, read and checked once, before any resource is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pulumi

from infra.aks import settings as aks
from infra.aks.settings import KubernetesSettings
from infra.configuration import tags as azure_tags
from infra.configuration.reader import Reader, SettingError
from infra.image_reference import ImageReference


@dataclass(frozen=True)
class Settings:
    """What a stack may configure.

    Attributes:
        location: The Azure region of every resource.
        prefix: Begins every name.
        image: The scoring image by digest. Without one all is made but the service.
        model_sha256: The SHA-256 that the container demands of its model. Required with an image.
        model_version: The model's version in the workspace's registry, shown as a tag.
        cpu: Cores of the container, or of each pod.
        memory_gb: Memory of the container, or of each pod.
        port: The TCP port of the service.
        dns_label: The host name's first label. By default prefix, stack and a stable suffix.
        data: What the model was trained on, shown as a tag. `make up` takes it from the manifest.
        description: What `/swagger.json` calls the service. By default what the manifest says.
        registry_sku: The registry's tier.
        log_retention_days: How long Log Analytics keeps logs.
        tags: Tags of every resource, beside the model's.
        scoring_key: The Bearer key that callers must send. By default none is asked for.
        scoring_key_secondary: A second key that is as good, while callers change.
        target: Where the service runs: a container group, or Kubernetes.
        kubernetes: What the target `aks` may configure beside it.
        protect: Whether Pulumi refuses to delete what cannot be made again.
    """

    location: str
    prefix: str = "mnist"
    image: ImageReference | None = None
    model_sha256: str | None = None
    model_version: str | None = None
    cpu: float = 1.0
    memory_gb: float = 1.0
    port: int = 5001
    dns_label: str | None = None
    data: str | None = None
    description: str | None = None
    registry_sku: str = "Basic"
    log_retention_days: int = 30
    tags: Mapping[str, str] = field(default_factory=dict)
    scoring_key: pulumi.Output[str] | None = None
    scoring_key_secondary: pulumi.Output[str] | None = None
    target: str = "aci"
    kubernetes: KubernetesSettings = field(default_factory=KubernetesSettings)
    protect: bool = True


KEYS: Mapping[str, str] = {
    "prefix": "2 to 10 lower-case letters and digits, a letter first",
    "image": "SERVER/REPOSITORY@sha256:DIGEST",
    "modelSha256": "64 lower-case hexadecimal digits",
    "modelVersion": "1 to 64 letters, digits, dots, dashes",
    "cpu": "1 to 4 cores",
    "memoryGb": "1 to 16 GB in steps of 0.1",
    "port": "1024 to 65535",
    "dnsLabel": "5 to 63 lower-case letters, digits and hyphens, a letter first",
    "data": "1 to 256 characters",
    "description": "1 to 256 characters",
    "registrySku": "Basic, Standard or Premium",
    "logRetentionDays": "30 to 730 days",
    "tags": f"an object of at most {azure_tags.MOST} strings",
    "scoringKey": "a secret of 16 to 256 characters",
    "scoringKeySecondary": "a secret of 16 to 256 characters, beside scoringKey",
    "target": "aci or aks",
    "protect": "true or false",
    **aks.KEYS,
}
"""Every key of the project with what is allowed."""


def load(
    config: pulumi.Config, azure: pulumi.Config, registry_of: Callable[[str], str]
) -> Settings:
    """Read and check the configuration of the stack.

    Args:
        config: The project's own keys.
        azure: The keys of the azure-native provider; `location` is read from it.
        registry_of: The name of the stack's own registry, for a prefix; asked with an image alone.

    Raises:
        SettingError: With every key that is missing, unknown or out of range.
    """
    read = Reader(config, KEYS)
    read.unknown()
    prefix = read.text("prefix", r"[a-z][a-z0-9]{1,9}")
    image = read.image()
    target = read.text("target", "aci|aks") or Settings.target
    cpu = read.number("cpu", float, 1, 4) or Settings.cpu
    if target == "aci":
        aks.refuse(read)
    settings = Settings(
        location=read.location(azure),
        prefix=prefix or Settings.prefix,
        image=image,
        model_sha256=read.text("modelSha256", r"[0-9a-f]{64}"),
        model_version=read.text("modelVersion", r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}"),
        cpu=cpu,
        memory_gb=read.number("memoryGb", float, 1, 16, step=0.1) or Settings.memory_gb,
        port=read.number("port", int, 1024, 65535) or Settings.port,
        dns_label=read.text("dnsLabel", r"[a-z][a-z0-9-]{3,61}[a-z0-9]"),
        data=read.text("data", r"(?s:.{1,256})"),
        description=read.text("description", r"(?s:.{1,256})"),
        registry_sku=read.text("registrySku", "Basic|Standard|Premium") or Settings.registry_sku,
        log_retention_days=read.number("logRetentionDays", int, 30, 730)
        or Settings.log_retention_days,
        tags=read.tags(),
        scoring_key=read.secret("scoringKey"),
        scoring_key_secondary=read.secret("scoringKeySecondary"),
        target=target,
        kubernetes=aks.load(read, cpu) if target == "aks" else KubernetesSettings(),
        protect=read.text("protect", "true|false") != "false",
    )
    if settings.scoring_key_secondary is not None and settings.scoring_key is None:
        read.useless("scoringKeySecondary", "is set without scoringKey, which it stands beside")
    if settings.image and config.get("modelSha256") is None:
        read.wrong("modelSha256", None)
    if settings.image and "prefix" not in read.broken:
        read.own(settings.image, registry_of(settings.prefix))
    if read.problems:
        raise SettingError(read.problems)
    return settings
