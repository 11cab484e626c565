"""The registry's commands against a workspace of the stand-in, with the unmodified SDK."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import joblib
import numpy as np
import pytest
from azure.identity import ClientSecretCredential
from sklearn.datasets import load_wine
from sklearn.tree import DecisionTreeClassifier

from local_azure import process
from local_azure.arm.subscriptions import SUBSCRIPTION
from local_azure.certificates import Certificates
from local_azure.environment import TENANT_NAME, inside
from local_azure.home import Home
from local_azure.identity import identity
from scoring.manifest import Manifest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-models"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/wsp"


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


def made(home: Home, url: str) -> None:
    """A resource group and a workspace."""
    who = identity(home)
    credential = ClientSecretCredential(
        TENANT_NAME,
        who.client_id,
        who.client_secret,
        authority=url,
        connection_verify=str(Certificates.at(home.certificates).authority),
    )
    headers = {"Authorization": f"Bearer {credential.get_token(f'{url}/.default').token}"}
    context = Certificates.at(home.certificates).client_context()
    with httpx.Client(base_url=url, verify=context, headers=headers) as client:
        for path, version, body in (
            (GROUP, "2024-03-01", {"location": "westeurope"}),
            (WORKSPACE, "2025-12-01", {"location": "westeurope", "properties": {}}),
        ):
            answer = client.put(path, params={"api-version": version}, json=body)
            assert answer.status_code in (201, 202), answer.text
        until = time.monotonic() + 20
        while client.get(WORKSPACE, params={"api-version": "2025-12-01"}).json().get(
            "properties", {}
        ).get("provisioningState") not in ("Succeeded", None):
            assert time.monotonic() < until
            time.sleep(0.05)


def fill(folder: Path) -> None:
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


@pytest.fixture(scope="module")
def cellar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cellar]:
    folder = tmp_path_factory.mktemp("cellar")
    home = Home(tmp_path_factory.mktemp("stand-in") / "state")
    running = process.start(home)
    try:
        made(home, running.url)
        fill(folder)
        yield Cellar(folder, inside(home, running.url, None, os.environ))
    finally:
        process.stop(home)


BARE = """
from azureml.core import Model, Workspace
Model.register(Workspace.from_config("plain.json"), "outputs/wine.pkl", "bare")
"""
PRINCIPAL = "AZUREML_SERVICE_PRINCIPAL"
DATA = ("--data", "wine.npz")


def test_a_bare_pickle_is_retrieved_gets_its_manifest_and_is_registered(cellar: Cellar) -> None:
    """The tutorial registers `outputs/sklearn_mnist_model.pkl` so: one file, no tags."""
    text = (cellar.folder / "config.json").read_text(encoding="utf-8-sig")
    (cellar.folder / "plain.json").write_text(text)
    subprocess.run(
        [sys.executable, "-c", BARE],
        cwd=cellar.folder,
        env=cellar.environment,
        check=True,
        capture_output=True,
    )
    said = cellar.good("retrieve", "--name", "bare", "--out", "model")
    assert "python -m model_eval manifest model/wine.pkl --data FILE --name bare" in said
    pickle = (cellar.folder / "outputs" / "wine.pkl").read_bytes()
    assert (cellar.folder / "model" / "wine.pkl").read_bytes() == pickle
    assert "model_eval manifest" in cellar.bad("validate", "--model", "model", *DATA)
    cellar.good("manifest", "model/wine.pkl", "--name", "wine", *DATA)
    cellar.good("validate", "--model", "model", *DATA)
    again = ("register", "--model", "model", *DATA, "--report", "out/report.json")
    assert "registered: wine 1" in cellar.good(*again)
    assert "already registered: wine 1" in cellar.good(*again)
    cellar.good("retrieve", "--name", "wine", "--out", "back")
    back = Manifest.read(cellar.folder / "back")
    assert (back.name, back.version) == ("wine", "1")
    assert back.content == Manifest.read(cellar.folder / "model").content


def test_the_list_and_the_workspace_are_shown(cellar: Cellar) -> None:
    sha256 = Manifest.read(cellar.folder / "model").sha256
    assert cellar.good("list", "--name", "wine").splitlines() == [f"wine 1, sha256 {sha256}"]
    assert "bare 1, sha256 not recorded" in cellar.good("list")
    assert "name: wsp" in cellar.good("info")


@pytest.mark.parametrize("version", ["0", "-1", "1.0", "latest ", "\u0661"])
def test_a_version_is_a_number_from_one(cellar: Cellar, version: str) -> None:
    done = cellar.run("retrieve", f"--version={version}", "--out", "none")
    assert done.returncode == 2
    assert "a number from 1" in done.stderr


@pytest.mark.parametrize("content", ["", "[]", '{"workspace_name": ""}', '{"workspace_name": 1}'])
def test_a_wrong_config_names_the_command(cellar: Cellar, content: str) -> None:
    (cellar.folder / "wrong.json").write_text(content)
    said = cellar.bad("list", "--config", "wrong.json")
    assert "python -m model_eval config" in said
    assert "wrong.json" in said


def test_a_refused_login_is_one_line(cellar: Cellar) -> None:
    said = cellar.bad("list", **{f"{PRINCIPAL}_PASSWORD": "wrong"})
    assert "the login was refused or has expired" in said
