"""What is to run: the image in the registry, and the evidence that its model is good enough."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote

from infra import azure_facts
from infra.image_reference import ImageReference
from infra.preflight import registry
from infra.preflight.line import Answer, good, not_asked, refused
from infra.preflight.planned import Planned

_PLATFORM = "linux/amd64"
"""What container groups and the clusters' nodes run."""


def image(planned: Planned) -> Answer:
    """Whether the registry has the image, for the platform on which it will run.

    Raises:
        ArmError: The registry was not reached, or refused.
    """
    wanted = planned.image
    if wanted is None or not wanted.server:
        return not_asked("no image is configured: everything but the service is made")
    stack = f"--stack {planned.config.stack}"
    if not planned.is_there(azure_facts.REGISTRY):
        first = f"pulumi config rm image {stack} && pulumi up {stack}"
        return refused("the registry that should hold it is yet to be made", first)
    found = registry.platforms(wanted)
    if not found:
        return refused(
            f"{wanted.server} has no {wanted.repository} of the configured digest",
            _build(wanted, stack),
        )
    if _PLATFORM in found:
        return good(f"{wanted.repository} is there, for {_PLATFORM}")
    return refused(
        f"{wanted.repository} is for {', '.join(found)}, not for {_PLATFORM}",
        _build(wanted, stack),
    )


def gate(planned: Planned, report: Path, least: float) -> Answer:
    """Whether the model that the image must hold was validated, and passed."""
    sha256 = planned.config.get("modelSha256")
    if planned.image is None:
        return not_asked("no image is configured")
    remedy = f"python -m model_eval validate --out {quote(str(report.parent))}"
    try:
        told = json.loads(report.read_text(encoding="utf-8-sig"))
        model, accuracy = str(told["model"]["sha256"]), float(told["accuracy"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return refused(f"{report} is no report of a validation", remedy)
    if model != sha256:
        said = f"{report} is of the model {model[:12]}, the stack's is {sha256[:12]}"
        return refused(said, f"{remedy} --model FOLDER")
    if not accuracy >= least:
        said = f"accuracy {accuracy:.4f} is below the gate of {least:.4f}"
        return refused(said, "python -m model_eval train")
    return good(f"{sha256[:12]} has an accuracy of {accuracy:.4f}, the gate is {least:g}")


def _build(wanted: ImageReference, stack: str) -> str:
    name = (wanted.server or "").partition(".")[0]
    tagged = f"{wanted.repository}:1"
    digest = f"az acr repository show --name {name} --image {tagged} --query digest --output tsv"
    return (
        f"az acr build --registry {name} --platform {_PLATFORM} --image {tagged} out/image/context"
        f'\npulumi config set image "{wanted.server}/{wanted.repository}@$({digest})" {stack}'
    )
