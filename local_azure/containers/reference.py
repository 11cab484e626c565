"""How a container names its image: `SERVER/REPOSITORY[:TAG][@DIGEST]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from local_azure.registry.names import REPOSITORY

_REFERENCE = re.compile(
    rf"(?P<server>[A-Za-z0-9.-]+(?::[0-9]{{1,5}})?)/(?P<repository>{REPOSITORY})"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Reference:
    """An image's name in its parts.

    Attributes:
        server: The registry's host, with its port.
        repository: The repository.
        manifest: The digest, where one is given; else the tag, `latest` without one.
    """

    server: str
    repository: str
    manifest: str

    @classmethod
    def parse(cls, text: str) -> Reference | None:
        """The parts; None when it names no registry or is malformed."""
        match = _REFERENCE.fullmatch(text)
        # As every container engine decides it: a first part without a dot or port is no host.
        if match is None or not (
            {".", ":"} & set(match["server"]) or match["server"] == "localhost"
        ):
            return None
        manifest = match["digest"] or match["tag"] or "latest"
        return cls(match["server"].lower(), match["repository"], manifest)
