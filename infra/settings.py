"""The stack's configuration, read and checked once, before any resource is touched."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pulumi

from infra import tags as azure_tags
from infra.azure_facts import ACR_DOMAINS
from infra.image_reference import ImageReference

T = TypeVar("T")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the configuration.

    Attributes:
        key: The whole key, such as `sklearn-mnist-svc:cpu`.
        found: What it is, or that it is not set; never a secret.
        allowed: What is allowed.
        remedy: What to do.
    """

    key: str
    found: str
    allowed: str
    remedy: str

    def __str__(self) -> str:
        return f"configuration {self.key} {self.found}; allowed: {self.allowed}; {self.remedy}"


class SettingError(pulumi.RunError):
    """Configuration that cannot be used; Pulumi prints its message without a traceback.

    Attributes:
        problems: All that is wrong, in the order of the keys.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Say all at once: one line a problem."""
        self.problems = tuple(problems)
        lines = [str(each) for each in self.problems]
        if len(lines) > 1:
            lines.insert(0, f"{len(lines)} settings are wrong:")
        super().__init__("\n".join(lines))


@dataclass(frozen=True)
class Settings:
    """What a stack may configure.

    Attributes:
        location: Azure region of every resource, such as `westeurope`.
        prefix: Begins every name: 2 to 10 lower-case letters and digits, a letter first.
        image: The scoring image by digest; None declares everything but the container group.
        model_sha256: The SHA-256 the container must find in its model; required with an image.
        model_version: The version in the workspace's registry, shown as a tag.
        cpu: Cores of the container, 1 to 4.
        memory_gb: Memory of the container, 1 to 16 GB, in steps of 0.1.
        port: The TCP port of the service, 1024 to 65535.
        dns_label: The host name's first label; None takes the stack's own.
        description: What the service is, handed to the container.
        registry_sku: `Basic`, `Standard` or `Premium`.
        log_retention_days: Days that logs are kept, 30 to 730.
        tags: Tags of every resource, beside the model's.
        scoring_key: The Bearer key that callers must send; None asks for none.
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
    "description": "1 to 256 characters",
    "registrySku": "Basic, Standard or Premium",
    "logRetentionDays": "30 to 730 days",
    "tags": f"an object of at most {azure_tags.MOST} strings",
    "scoringKey": "a secret of 16 to 256 characters",
    "target": "aci or aks",
    "protect": "true or false",
}
"""Every key of the project with what is allowed."""

LOCATION = "azure-native:location"


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
    read = _Reader(config)
    read.unknown()
    prefix = read.text("prefix", r"[a-z][a-z0-9]{1,9}")
    image = read.image()
    settings = Settings(
        location=read.location(azure),
        prefix=prefix or Settings.prefix,
        image=image,
        model_sha256=read.text("modelSha256", r"[0-9a-f]{64}"),
        model_version=read.text("modelVersion", r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}"),
        cpu=read.number("cpu", float, 1, 4) or Settings.cpu,
        memory_gb=read.number("memoryGb", float, 1, 16, step=0.1) or Settings.memory_gb,
        port=read.number("port", int, 1024, 65535) or Settings.port,
        dns_label=read.text("dnsLabel", r"[a-z][a-z0-9-]{3,61}[a-z0-9]"),
        description=read.text("description", r"(?s:.{1,256})") or Settings.description,
        registry_sku=read.text("registrySku", "Basic|Standard|Premium") or Settings.registry_sku,
        log_retention_days=read.number("logRetentionDays", int, 30, 730)
        or Settings.log_retention_days,
        tags=read.tags(),
        scoring_key=read.secret("scoringKey"),
        target=read.text("target", "aci|aks") or Settings.target,
        protect=read.text("protect", "true|false") != "false",
    )
    if settings.image and config.get("modelSha256") is None:
        read.wrong("modelSha256", None)
    if settings.image and "prefix" not in read.broken:
        read.own(settings.image, registry_of(settings.prefix))
    if read.problems:
        raise SettingError(read.problems)
    return settings


def foreign_image(key: str, image: ImageReference, server: str) -> Problem:
    """What is wrong with an image of another registry than the stack's own."""
    return Problem(
        key,
        f"is {str(image)!r}",
        f"an image of the stack's own registry, {server}",
        "push it there first: the identity that pulls has no right elsewhere",
    )


class _Reader:
    """Reads values and collects what is wrong with them."""

    def __init__(self, config: pulumi.Config) -> None:
        self.config = config
        self.problems: list[Problem] = []
        self.broken: set[str] = set()

    def wrong(
        self, key: str, value: object, allowed: str | None = None, remedy: str | None = None
    ) -> None:
        self.broken.add(key)
        self.problems.append(
            Problem(
                self._full(key),
                "is not set" if value is None else f"is {value!r}",
                allowed or KEYS[key],
                remedy or f"set it with: pulumi config set {key} VALUE",
            )
        )

    def unknown(self) -> None:
        for full in pulumi.runtime.config.CONFIG.get():
            namespace, _, key = full.partition(":")
            if namespace == self.config.name and key not in KEYS:
                lower = {each.lower(): each for each in KEYS}
                near = difflib.get_close_matches(key.lower(), lower, 1)
                meant = f"did you mean {lower[near[0]]}? " if near else ""
                self.problems.append(
                    Problem(
                        full,
                        "is unknown",
                        "the keys " + ", ".join(KEYS),
                        f"{meant}remove it with: pulumi config rm {key}",
                    )
                )

    def location(self, azure: pulumi.Config) -> str:
        value = azure.get("location")
        if value is None or not re.fullmatch(r"[a-z][a-z0-9]{2,31}", value):
            self.problems.append(
                Problem(
                    LOCATION,
                    "is not set" if value is None else f"is {value!r}",
                    "the short name of a region, such as westeurope",
                    f"set it with: pulumi config set {LOCATION} westeurope",
                )
            )
        return value or ""

    def text(self, key: str, pattern: str) -> str | None:
        value = self.config.get(key)
        if value is not None and not re.fullmatch(pattern, value):
            self.wrong(key, value)
            return None
        return value

    def image(self) -> ImageReference | None:
        value = self.config.get("image")
        if value is None:
            return None
        found = ImageReference.parse(value)
        # A tag beside the digest says nothing, or something else than what runs.
        if found and found.server and (found.digest or "").startswith("sha256:") and not found.tag:
            return found
        self.wrong("image", value)
        return None

    def own(self, image: ImageReference, registry: str) -> None:
        """Hold the image's host against the registry's name.

        A registry of Azure's is at NAME.DOMAIN. A host with a port is none: it is compared with
        what the resource manager answers, by the scoring group.
        """
        host = (image.server or "").lower()
        name, _, domain = host.partition(".")
        if ":" not in host and (name != registry or domain not in ACR_DOMAINS):
            server = f"{registry}.{ACR_DOMAINS[0]}"
            self.problems.append(foreign_image(self._full("image"), image, server))

    def number(
        self,
        key: str,
        parse: Callable[[str], T],
        least: float,
        most: float,
        *,
        step: float | None = None,
    ) -> T | None:
        value = self.config.get(key)
        if value is None:
            return None
        try:
            number = parse(value)
        except ValueError:
            self.wrong(key, value)
            return None
        size = float(number)  # pyright: ignore[reportArgumentType]
        if not least <= size <= most or (step and abs(size / step - round(size / step)) > 1e-6):
            self.wrong(key, value)
            return None
        return number

    def tags(self) -> dict[str, str]:
        text = self.config.get("tags")
        try:
            value = self.config.get_object("tags")
        except pulumi.ConfigTypeError:
            value = text
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong("tags", text)
            return {}
        for allowed, remedy in azure_tags.problems(value):
            self.wrong("tags", text, allowed, remedy)
        return dict(value)

    def secret(self, key: str) -> pulumi.Output[str] | None:
        full, remedy = self._full(key), f"set it with: pulumi config set --secret {key}"
        text = pulumi.runtime.config.get_config(full)
        if text is None:
            return None
        if not pulumi.runtime.config.is_config_secret(full):
            self.problems.append(Problem(full, "is not a secret", KEYS[key], remedy))
        elif not 16 <= len(text) <= 256 or not text.isprintable() or " " in text:
            self.problems.append(Problem(full, "is [secret]", KEYS[key], remedy))
        return self.config.require_secret(key)

    def _full(self, key: str) -> str:
        return f"{self.config.name}:{key}"
