"""A stand-in as somebody with a login works in it, and what a stack declares."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from local_azure.arm.conditions import FILE
from local_azure.arm.subscriptions import SUBSCRIPTION
from local_azure.home import Home

PATH = f"/subscriptions/{SUBSCRIPTION}"
PLACED = {"location": "westeurope"}
VERSION = {"api-version": "2025-09-01"}
PROJECT = "sklearn-mnist-svc"


@dataclass(frozen=True)
class Azure:
    """The stand-in, as somebody with a login works in it."""

    home: Home
    http: httpx.Client

    def put(self, path: str, body: Mapping[str, Any], version: str = "") -> dict[str, Any]:
        """Make something, and wait for it."""
        params = {"api-version": version} if version else VERSION
        answer = self.http.put(path, params=params, json=body)
        assert answer.is_success, answer.text
        return self._settled(path, params)

    def delete(self, path: str) -> None:
        assert self.http.delete(path, params=VERSION).is_success
        deadline = time.monotonic() + 60
        while self.http.get(path, params=VERSION).is_success:
            assert time.monotonic() < deadline

    def group(self) -> str:
        """The path of a new resource group."""
        path = f"{PATH}/resourceGroups/rg-{uuid4().hex[:8]}"
        self.put(path, PLACED)
        return path

    @contextmanager
    def conditions(self, **said: Any) -> Iterator[None]:
        """What refuses on purpose, for a while."""
        file = self.home.root / FILE
        file.write_text(json.dumps(said))
        try:
            yield
        finally:
            file.unlink()

    def _settled(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while True:
            found = self.http.get(path, params=dict(params)).json()
            state = found.get("properties", {}).get("provisioningState", "Succeeded")
            if state == "Succeeded":
                return found
            assert time.monotonic() < deadline, found


def a_group(label: str = "label", cpu: float = 1.0) -> dict[str, Any]:
    """A container group as the program declares it."""
    return {
        "containerGroupName": "sklearn-mnist-svc",
        "ipAddress": {"dnsNameLabel": label},
        "containers": [{"name": "scoring", "resources": {"requests": {"cpu": cpu}}}],
    }


def written(folder: Path, **told: Any) -> Path:
    """A report of a validation."""
    file = folder / "report.json"
    file.write_text(json.dumps({"model": {"sha256": "a" * 64}, "accuracy": 0.92, **told}))
    return file
