"""What a complete image lies on: the layers that bring Python 3.11, and their configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scoring.image.layer import Layer


@dataclass(frozen=True, slots=True)
class Base:
    """Layers below the packages.

    Attributes:
        layers: The lowest first.
        config: `Env`, `Labels`, ... of its image configuration.
        packages: Where its Python looks for packages, from the image's root.
    """

    layers: tuple[Layer, ...]
    config: Mapping[str, Any]
    packages: str

    def below(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration of an image on it; its own command and entry point are gone."""
        merged = {**self.config, **config}
        merged.pop("Entrypoint", None)
        pairs = [*(self.config.get("Env") or ()), *config["Env"]]
        merged["Env"] = list({pair.partition("=")[0]: pair for pair in pairs}.values())
        for name in ("Labels", "ExposedPorts"):
            merged[name] = {**(self.config.get(name) or {}), **config[name]}
        return merged
