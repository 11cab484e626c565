"""Where resources are and whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from infra.azure_facts import TRACKED
from infra.policy.resource import Resource
from infra.policy.rule import Level, rule
from infra.preview.untold import UNKNOWN


@rule(*TRACKED)
def allowed_location(resource: Resource) -> Iterator[str]:
    """A resource is in an allowed region."""
    location = resource.at("location")
    if isinstance(location, str):
        # Azure takes "West Europe" for westeurope.
        short = location.replace(" ", "").lower()
        if short not in resource.limits.locations:
            allowed = ", ".join(sorted(resource.limits.locations))
            yield f"location {short} is not allowed; allowed: {allowed}"


@rule(*TRACKED, level=Level.ADVISORY)
def required_tags(resource: Resource) -> Iterator[str]:
    """A resource says by tags whose it is and what for."""
    tags = resource.at("tags")
    present = (
        {name for name, value in tags.items() if value is UNKNOWN or value}
        if isinstance(tags, Mapping)
        else set()
    )
    missing = sorted(resource.limits.tags - present)
    if missing:
        yield f"tags without: {', '.join(missing)}"
