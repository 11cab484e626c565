"""The stack's configuration, read and checked once, before any resource is touched."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import pulumi

from infra.image_reference import ImageReference

T = TypeVar("T")

RESERVED_TAGS = frozenset({"data", "method", "modelSha256", "modelVersion"})


class SettingError(pulumi.RunError):
    """A configuration value that cannot be used; Pulumi prints its message without a traceback."""

    def __init__(self, key: str, value: object, allowed: str, remedy: str) -> None:
        """Say key, value, what is allowed and what to type."""
        got = "is not set" if value is None else f"is {value!r}"
        super().__init__(f"configuration {key} {got}; allowed: {allowed}; {remedy}")


@dataclass(frozen=True)
class Settings:
    """What a stack may configure.

    Attributes:
        location: Azure region of every resource, such as `westeurope`.
        prefix: Begins every name: 2 to 10 lower-case letters and digits, a letter first.
        image: The scoring image by digest; None declares everything but the container group.
        model_sha256: The SHA-256 the container must find in its model; required with an image.
        model_version: The version in the workspace's registry, shown as a tag.
        cpu: Cores of the container, 0.1 to 4.
        memory_gb: Memory of the container, 0.1 to 16 GB, in steps of 0.1.
        port: The TCP port of the service, 1024 to 65535.
        dns_label: The host name's first label; None takes the stack's own.
        description: What the service is, handed to the container.
        registry_sku: `Basic`, `Standard` or `Premium`.
        log_retention_days: Days that logs are kept, 30 to 730.
        tags: Tags of every resource, beside the model's.
        scoring_key: The Bearer key that callers must send; None asks for none.
    """

    location: str
    prefix: str = "mnist"
    image: str | None = None
    model_sha256: str | None = None
    model_version: str | None = None
    cpu: float = 1.0
    memory_gb: float = 1.0
    port: int = 5001
    dns_label: str | None = None
    description: str = "Predict MNIST with sklearn"
    registry_sku: str = "Basic"
    log_retention_days: int = 30
    tags: Mapping[str, str] = field(default_factory=dict)
    scoring_key: pulumi.Output[str] | None = None
    target: str = "aci"
    min_replicas: int = 2
    max_replicas: int = 5
    cpu_target: int = 60
    node_size: str = "Standard_D4s_v5"
    min_nodes: int = 2
    max_nodes: int = 5
    kubernetes_version: str | None = None
    hostname: str | None = None
    gateway_class: str | None = None
    kubeconfig: pulumi.Output[str] | None = None


KEYS: Mapping[str, str] = {
    "prefix": "2 to 10 lower-case letters and digits, a letter first",
    "image": "SERVER/REPOSITORY@sha256:DIGEST",
    "modelSha256": "64 lower-case hexadecimal digits",
    "modelVersion": "1 to 64 letters, digits, dots, dashes",
    "cpu": "0.1 to 4 cores",
    "memoryGb": "0.1 to 16 GB",
    "port": "1024 to 65535",
    "dnsLabel": "5 to 63 lower-case letters, digits and hyphens, a letter first",
    "description": "1 to 256 characters",
    "registrySku": "Basic, Standard or Premium",
    "logRetentionDays": "30 to 730 days",
    "tags": "an object of at most 40 strings",
    "scoringKey": "a secret of 16 to 256 characters",
    "target": "aci or aks",
}
"""Every key of the project with what is allowed."""


def load(config: pulumi.Config, azure: pulumi.Config) -> Settings:
    """Read and check the configuration of the stack.

    Args:
        config: The project's own keys.
        azure: The keys of the azure-native provider; `location` is read from it.

    Raises:
        SettingError: For the first key that is missing, unknown or out of range.
    """
    _refuse_unknown(config)
    settings = Settings(
        location=_location(azure),
        prefix=_text(config, "prefix", r"[a-z][a-z0-9]{1,9}") or Settings.prefix,
        image=_image(config),
        model_sha256=_text(config, "modelSha256", r"[0-9a-f]{64}"),
        model_version=_text(config, "modelVersion", r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}"),
        cpu=_number(config, "cpu", float, 0.1, 4) or Settings.cpu,
        memory_gb=_number(config, "memoryGb", float, 0.1, 16) or Settings.memory_gb,
        port=_number(config, "port", int, 1024, 65535) or Settings.port,
        dns_label=_text(config, "dnsLabel", r"[a-z][a-z0-9-]{3,61}[a-z0-9]"),
        description=_text(config, "description", r"(?s:.{1,256})") or Settings.description,
        registry_sku=_text(config, "registrySku", "Basic|Standard|Premium")
        or Settings.registry_sku,
        log_retention_days=_number(config, "logRetentionDays", int, 30, 730)
        or Settings.log_retention_days,
        tags=_tags(config),
        scoring_key=_secret(config, "scoringKey"),
        target=_text(config, "target", "aci|aks") or Settings.target,
    )
    if settings.image and not settings.model_sha256:
        raise _wrong(config, "modelSha256", None)
    return settings


def _wrong(config: pulumi.Config, key: str, value: object) -> SettingError:
    return SettingError(
        f"{config.name}:{key}", value, KEYS[key], f"set it with: pulumi config set {key} VALUE"
    )


def _refuse_unknown(config: pulumi.Config) -> None:
    for full in pulumi.runtime.config.CONFIG.get():
        namespace, _, key = full.partition(":")
        if namespace == config.name and key not in KEYS:
            raise SettingError(
                full,
                "unknown",
                "the keys " + ", ".join(KEYS),
                f"remove it with: pulumi config rm {key}",
            )


def _location(azure: pulumi.Config) -> str:
    value = azure.get("location")
    if value is None or not re.fullmatch(r"[a-z][a-z0-9]{2,31}", value):
        raise SettingError(
            "azure-native:location",
            value,
            "the short name of a region, such as westeurope",
            "set it with: pulumi config set azure-native:location westeurope",
        )
    return value


def _text(config: pulumi.Config, key: str, pattern: str) -> str | None:
    value = config.get(key)
    if value is not None and not re.fullmatch(pattern, value):
        raise _wrong(config, key, value)
    return value


def _image(config: pulumi.Config) -> str | None:
    value = config.get("image")
    if value is not None:
        reference = ImageReference.parse(value)
        if not (reference and reference.server and reference.digest) or reference.tag:
            raise _wrong(config, "image", value)
    return value


def _number(
    config: pulumi.Config, key: str, parse: Callable[[str], T], least: float, most: float
) -> T | None:
    value = config.get(key)
    if value is None:
        return None
    try:
        number = parse(value)
    except ValueError:
        raise _wrong(config, key, value) from None
    if not least <= float(number) <= most:  # pyright: ignore[reportArgumentType]
        raise _wrong(config, key, value)
    return number


def _tags(config: pulumi.Config) -> dict[str, str]:
    text = config.get("tags")
    try:
        value = config.get_object("tags") or {}
    except pulumi.ConfigTypeError:
        raise _wrong(config, "tags", text) from None
    if (
        not isinstance(value, dict)
        or len(value) > 40
        or not all(isinstance(tag, str) for pair in value.items() for tag in pair)
    ):
        raise _wrong(config, "tags", text)
    reserved = sorted(RESERVED_TAGS & set(value))
    if reserved:
        raise SettingError(
            f"{config.name}:tags",
            ", ".join(reserved),
            f"names other than {', '.join(sorted(RESERVED_TAGS))}, which the program sets",
            f"remove it with: pulumi config rm --path 'tags.{reserved[0]}'",
        )
    return dict(value)


def _secret(config: pulumi.Config, key: str) -> pulumi.Output[str] | None:
    full = f"{config.name}:{key}"
    text = pulumi.runtime.config.get_config(full)
    if text is None:
        return None
    if not pulumi.runtime.config.is_config_secret(full):
        raise SettingError(
            full, "not a secret", KEYS[key], f"set it with: pulumi config set --secret {key}"
        )
    if not 16 <= len(text) <= 256 or not text.isprintable() or " " in text:
        raise SettingError(
            full, "[secret]", KEYS[key], f"set it with: pulumi config set --secret {key}"
        )
    return config.require_secret(key)
