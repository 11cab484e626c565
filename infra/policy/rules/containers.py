"""What holds for containers wherever they run: pinned, watched, and told no secret in the clear."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.image_reference import ImageReference
from infra.policy.resource import Resource

_SECRET_NAME = re.compile(
    r"(?i)(secret|passw(or)?d|passphrase|token|api_?key|_key(_|$)|^key$|connection_?string|credential)"
)
"""What an environment variable is called whose value is nobody's business."""


def containers(resource: Resource, where: str) -> Iterator[str]:
    """The paths of all containers, the first to run before the others.

    Args:
        resource: A container group or a Deployment.
        where: What leads to their lists, with a dot at its end.
    """
    for kind in ("initContainers", "containers"):
        for index in resource.count(f"{where}{kind}"):
            yield f"{where}{kind}[{index}]"


def without_digest(resource: Resource, where: str = "") -> Iterator[str]:
    """Yield what is wrong with each image that is not named by digest."""
    for container in containers(resource, where):
        image = resource.at(f"{container}.image")
        reference = ImageReference.parse(image) if isinstance(image, str) else None
        if reference is None or reference.digest is None:
            yield f"{container}.image is not pinned by @sha256:DIGEST"


def with_plain_secret(
    resource: Resource, variables: str, remedy: str, where: str = ""
) -> Iterator[str]:
    """Yield each environment variable whose name says secret and whose value everybody may read.

    Args:
        resource: The resource.
        variables: The name of a container's list of them.
        remedy: What to use in place of a plain value.
        where: As for `containers`.
    """
    for container in containers(resource, where):
        for index in resource.count(f"{container}.{variables}"):
            variable = f"{container}.{variables}[{index}]"
            name = str(resource.at(f"{variable}.name") or "")
            if _SECRET_NAME.search(name) and resource.at(f"{variable}.value") is not None:
                yield f"{variable} ({name}) has a plain value; use {remedy}"


def without_probes(resource: Resource, where: str = "") -> Iterator[str]:
    """Yield each probe that a container lacks; one that runs before the others needs none."""
    for index in resource.count(f"{where}containers"):
        for probe in ("livenessProbe", "readinessProbe"):
            if not resource.at(f"{where}containers[{index}].{probe}"):
                yield f"{where}containers[{index}].{probe} is not set"
