"""The registry's commands through azure-ai-ml, unmodified, in an environment of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scoring.manifest import Manifest
from tests.support import environments
from tests.support.cellar import DATA, ROOT, Cellar, opened

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(900)]

BARE = """
from azure.ai.ml import MLClient
from azure.ai.ml.entities import Model
from azure.identity import DefaultAzureCredential

client = MLClient.from_config(DefaultAzureCredential(), path="plain.json")
model = client.models.create_or_update(Model(name="bare", path="outputs/wine.pkl"))
assert model.version == "1", model
client.models.archive("bare", version="1")
assert not list(client.models.list(name="bare"))
client.models.restore("bare", version="1")
"""


SECRET = "AZURE_CLIENT_SECRET"


@pytest.fixture(scope="module")
def cellar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cellar]:
    """With the model directory that the other tests register, and SDK v2 alone."""
    python = environments.installed(ROOT / "model_eval" / "sdk-v2.txt") / "python"
    with opened(tmp_path_factory.mktemp("cellar")) as found:
        (found.folder / "model").mkdir()
        shutil.copy(found.folder / "outputs" / "wine.pkl", found.folder / "model")
        v2 = replace(found, python=python)
        v2.good("manifest", "model/wine.pkl", "--name", "wine", *DATA)
        v2.good("validate", "--model", "model", *DATA)
        yield v2


def test_a_model_is_registered_listed_and_retrieved(cellar: Cellar) -> None:
    assert "azure-ai-ml: 1." in cellar.good("info")
    assert cellar.good("list") == "no models\n"
    again = ("register", "--model", "model", *DATA, "--report", "out/report.json")
    assert "registered: wine 1" in cellar.good(*again, "--sdk", "v2")
    assert "already registered: wine 1" in cellar.good(*again)
    model = Manifest.read(cellar.folder / "model")
    listed = [f"wine 1, sha256 {model.sha256}"]
    assert cellar.good("list").splitlines() == listed
    cellar.good("retrieve", "--name", "wine", "--out", "back")
    assert Manifest.read(cellar.folder / "back").content == model.content
    for missing in (("--name", "absent"), ("--name", "wine", "--version", "9")):
        said = cellar.bad("retrieve", *missing, "--out", "none")
        assert "the workspace has no such model or version" in said
    # The other SDK sees the same model, its tags and its bytes, and the other way round.
    v1 = replace(cellar, python=Path(sys.executable))
    assert v1.good("list").splitlines() == listed
    v1.good("retrieve", "--name", "wine", "--out", "back-v1")
    assert Manifest.read(cellar.folder / "back-v1").content == model.content
    v1.good("manifest", "model/wine.pkl", "--name", "old", *DATA)
    assert "registered: old 1" in v1.good(*again)
    cellar.good("retrieve", "--name", "old", "--out", "back-old")
    assert Manifest.read(cellar.folder / "back-old").name == "old"


def test_a_bare_pickle_is_retrieved_and_the_command_is_named(cellar: Cellar) -> None:
    text = (cellar.folder / "config.json").read_text(encoding="utf-8-sig")
    (cellar.folder / "plain.json").write_text(text)
    done = subprocess.run(
        [cellar.python, "-c", BARE],
        cwd=cellar.folder,
        env=cellar.environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said = cellar.good("retrieve", "--name", "bare", "--out", "bare")
    assert "python -m model_eval manifest bare/wine.pkl --data FILE --name bare" in said
    pickle = (cellar.folder / "outputs" / "wine.pkl").read_bytes()
    assert (cellar.folder / "bare" / "wine.pkl").read_bytes() == pickle


def test_the_other_sdk_is_named_where_one_is_missing(cellar: Cellar) -> None:
    assert "--sdk v2 would use what is installed" in cellar.bad("list", "--sdk", "v1")
    v1 = replace(cellar, python=Path(sys.executable))
    assert "--sdk v1 would use what is installed" in v1.bad("list", "--sdk", "v2")


def test_a_refused_login_is_one_line(cellar: Cellar) -> None:
    said = cellar.bad("list", **{SECRET: "wrong"})
    assert "the login was refused or has expired" in said
