"""A workspace of the stand-in with a model of wines, for the registry's commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import joblib
import numpy as np
from azure.identity import ClientSecretCredential
from sklearn.datasets import load_wine
from sklearn.tree import DecisionTreeClassifier

from local_azure import process
from local_azure.arm.subscriptions import SUBSCRIPTION
from local_azure.certificates import Certificates
from local_azure.environment import inside
from local_azure.home import Home

ROOT = Path(__file__).resolve().parents[2]
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-models"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/wsp"
DATA = ("--data", "wine.npz")
PRINCIPAL = "AZUREML_SERVICE_PRINCIPAL"


@dataclass(frozen=True)
class Cellar:
    """A workspace, a model of wines with its data and its evidence, and how to reach them."""

    folder: Path
    environment: dict[str, str]
    python: Path = Path(sys.executable)

    def run(self, *arguments: object, **changed: str) -> subprocess.CompletedProcess[str]:
        """A command of model_eval."""
        return subprocess.run(
            [self.python, "-m", "model_eval", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment | {"PYTHONPATH": str(ROOT)} | changed,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )

    def good(self, *arguments: object, **changed: str) -> str:
        """What a command that must succeed prints."""
        done = self.run(*arguments, **changed)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def bad(self, *arguments: object, **changed: str) -> str:
        """The one line of a command that must fail."""
        done = self.run(*arguments, **changed)
        assert done.returncode == 1, done.stdout + done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        return done.stderr


def credential(environment: Mapping[str, str]) -> ClientSecretCredential:
    """The stand-in's own login."""
    return ClientSecretCredential(
        environment["AZURE_TENANT_ID"],
        environment["AZURE_CLIENT_ID"],
        environment["AZURE_CLIENT_SECRET"],
        authority=environment["AZURE_AUTHORITY_HOST"],
        connection_verify=environment["SSL_CERT_FILE"],
    )


def _made(home: Home, url: str, environment: Mapping[str, str]) -> None:
    """A resource group and a workspace."""
    token = credential(environment).get_token(f"{url}/.default").token
    headers = {"Authorization": f"Bearer {token}"}
    context = Certificates.at(home.certificates).client_context()
    with httpx.Client(base_url=url, verify=context, headers=headers, timeout=60) as client:
        for path, version, body in (
            (GROUP, "2024-03-01", {"location": "westeurope"}),
            (WORKSPACE, "2025-12-01", {"location": "westeurope", "properties": {}}),
        ):
            answer = client.put(path, params={"api-version": version}, json=body)
            assert answer.status_code in (201, 202), answer.text
        until = time.monotonic() + 120
        while client.get(WORKSPACE, params={"api-version": "2025-12-01"}).json().get(
            "properties", {}
        ).get("provisioningState") not in ("Succeeded", None):
            assert time.monotonic() < until
            time.sleep(0.05)


def _fill(folder: Path) -> None:
    """A bare pickle of a tree in `outputs/`, its data, and a config.json."""
    features, numbers = load_wine(return_X_y=True)
    labels = np.array(["barolo", "grignolino", "barbera"])[numbers]
    tree = DecisionTreeClassifier(random_state=1).fit(features[::2], labels[::2])
    (folder / "outputs").mkdir()
    joblib.dump(tree, folder / "outputs" / "wine.pkl")
    np.savez(folder / "wine.npz", X=features[1::2], y=labels[1::2])
    names = {"subscription_id": SUBSCRIPTION, "resource_group": "rg-models"}
    config = json.dumps({**names, "workspace_name": "wsp"})
    (folder / "config.json").write_text(config, encoding="utf-8-sig")


@contextmanager
def opened(folder: Path) -> Iterator[Cellar]:
    """A cellar on a stand-in of its own."""
    home = Home(folder / "stand-in")
    place = folder / "work"
    place.mkdir()
    running = process.start(home)
    try:
        environment = inside(home, running.url, None, os.environ)
        _made(home, running.url, environment)
        _fill(place)
        yield Cellar(place, environment)
    finally:
        process.stop(home)
