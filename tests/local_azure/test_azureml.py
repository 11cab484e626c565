"""The official SDK alone, unmodified, against the stand-in: register, list, retrieve."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

if TYPE_CHECKING:
    from conftest import StandIn

pytestmark = pytest.mark.stack

VERSION = {"api-version": "2025-12-01"}
REGISTER = """
import json
from azureml.core import Model, Workspace

ws = Workspace.from_config()
for file in ("first.pkl", "second.pkl"):
    Model.register(ws, file, "digits", tags={"file": file}, properties={"accuracy": "0.9"})
Model.register(ws, "folder", "other")
json.dump({
    "workspace": ws.name,
    "all": [[m.name, m.version, m.tags] for m in Model.list(ws)],
    "named": [m.version for m in Model.list(ws, name="digits")],
    "tagged": [m.version for m in Model.list(ws, tags=[["file", "first.pkl"]])],
    "latest": [[m.name, m.version] for m in Model.list(ws, latest=True)],
}, open("seen.json", "w"))
"""
RETRIEVE = """
import json
from azureml.core import Model, Workspace
from azureml.exceptions import WebserviceException

ws = Workspace.from_config()
missing = []
for wanted in ({"name": "absent"}, {"name": "digits", "version": 9}):
    try:
        Model(ws, **wanted)
    except WebserviceException as error:
        missing.append("ModelNotFound" in error.message)
model = Model(ws, "digits")
first = Model(ws, "digits", version=1)
first.update(tags={"stage": "live"}, description="The first.")
first.add_properties({"owner": "team"})
Model(ws, "other").delete()
json.dump({
    "missing": missing,
    "latest": [model.version, model.properties, model.download("latest")],
    "first": [first.version, first.download("one")],
    "patched": [Model(ws, "digits", version=1).tags, Model(ws, "digits", version=1).description],
    "properties": Model(ws, "digits", version=1).properties,
    "left": sorted(m.id for m in Model.list(ws)),
}, open("seen.json", "w"))
"""
LIST = """
import json
from azureml.core import Model, Workspace
models = Model.list(Workspace.from_config(), page_count=20)
json.dump([m.id for m in models], open("seen.json", "w"))
"""


class Sdk:
    """Runs Python programs that know azureml-core and a config.json, and nothing of us."""

    def __init__(self, stand_in: StandIn, folder: Path, group: str, workspace: str) -> None:
        self.folder = folder
        self.environment = stand_in.environment()
        config = {
            "subscription_id": stand_in.scope.rsplit("/", 1)[-1],
            "resource_group": group.rsplit("/", 1)[-1],
            "workspace_name": workspace,
        }
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "first.pkl").write_bytes(b"first" * 50_000)
        (folder / "second.pkl").write_bytes(b"second")
        (folder / "folder").mkdir()
        (folder / "folder" / "a.txt").write_text("a")
        (folder / "folder" / "b.txt").write_text("b")

    def run(self, program: str, **changed: str) -> Any:
        done = self.attempt(program, **changed)
        assert done.returncode == 0, done.stderr
        return json.loads((self.folder / "seen.json").read_text())

    def attempt(self, program: str, **changed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program],
            cwd=self.folder,
            env=self.environment | changed,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )


@pytest.fixture
def workspace(http: httpx.Client, group: str) -> str:
    """The path of a workspace that is ready."""
    path = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/wsp"
    accepted = http.put(path, params=VERSION, json={"location": "westeurope", "properties": {}})
    follow(http, accepted)
    return path


@pytest.fixture
def sdk(stand_in: StandIn, tmp_path: Path, group: str, workspace: str) -> Sdk:
    return Sdk(stand_in, tmp_path, group, workspace.rsplit("/", 1)[-1])


def follow(http: httpx.Client, accepted: httpx.Response) -> None:
    deadline = time.monotonic() + 10
    while http.get(accepted.headers["azure-asyncoperation"]).json()["status"] == "InProgress":
        assert time.monotonic() < deadline


def test_models_are_registered_listed_and_retrieved(sdk: Sdk, tmp_path: Path):
    seen = sdk.run(REGISTER)
    assert seen["workspace"] == "wsp"
    assert seen["all"] == [
        ["other", 1, {}],
        ["digits", 2, {"file": "second.pkl"}],
        ["digits", 1, {"file": "first.pkl"}],
    ]
    assert seen["named"] == [2, 1]
    assert seen["tagged"] == [1]
    assert sorted(seen["latest"]) == [["digits", 2], ["other", 1]]

    seen = sdk.run(RETRIEVE)
    assert seen["missing"] == [True, True]
    assert seen["latest"] == [2, {"accuracy": "0.9"}, "latest/second.pkl"]
    assert (tmp_path / "latest/second.pkl").read_bytes() == b"second"
    assert seen["first"] == [1, "one/first.pkl"]
    assert (tmp_path / "one/first.pkl").read_bytes() == b"first" * 50_000
    assert seen["patched"] == [{"stage": "live"}, "The first."]
    assert seen["properties"] == {"accuracy": "0.9", "owner": "team"}
    assert seen["left"] == ["digits:1", "digits:2"]


def test_models_go_with_their_workspace(sdk: Sdk, http: httpx.Client, workspace: str):
    sdk.run(REGISTER)
    assert len(sdk.run(LIST)) == 3
    follow(http, http.delete(workspace, params=VERSION | {"forceToPurge": "true"}))
    gone = sdk.attempt(LIST)
    assert gone.returncode
    assert "Workspace not found" in gone.stderr
    body = {"location": "westeurope", "properties": {}}
    follow(http, http.put(workspace, params=VERSION, json=body))
    assert sdk.run(LIST) == []


def test_a_wrong_password_is_refused_before_anything_else(sdk: Sdk):
    refused = sdk.attempt(LIST, AZUREML_SERVICE_PRINCIPAL_PASSWORD="wrong")  # noqa: S106
    assert refused.returncode
    assert "AADSTS7000215" in refused.stderr


def calls(stand_in: StandIn, workspace: str) -> list[tuple[str, str]]:
    """Every call of the registry that takes a token."""
    models = f"/modelmanagement/v1.0{workspace}"
    artifacts = f"/artifact/v2.0{workspace}/artifacts"
    return [
        ("POST", f"{artifacts}/batch/metadata/LocalUpload/c"),
        ("GET", f"{artifacts}/prefix/contentinfo/LocalUpload/c/p"),
        ("POST", f"{models}/assets"),
        ("GET", f"{models}/assets/x"),
        ("POST", f"{models}/models"),
        ("GET", f"{models}/models"),
        ("GET", f"{models}/models/digits:1"),
        ("PATCH", f"{models}/models/digits:1"),
        ("DELETE", f"{models}/models/digits:1"),
    ]


def test_no_call_is_answered_without_a_token(stand_in: StandIn, workspace: str):
    with stand_in.http(headers={}) as client:
        answers = [client.request(*call) for call in calls(stand_in, workspace)]
    assert {answer.status_code for answer in answers} == {401}
    assert all("www-authenticate" in answer.headers for answer in answers)


def test_no_call_is_answered_for_a_workspace_that_does_not_exist(
    stand_in: StandIn, http: httpx.Client, workspace: str
):
    for method, path in calls(stand_in, workspace.replace("/ws", "/other")):
        answer = http.request(method, path)
        assert answer.json()["code"] == "WorkspaceNotFound"
        assert answer.json()["statusCode"] == answer.status_code == 404


def test_a_model_is_made_of_what_was_uploaded_and_of_nothing_else(
    http: httpx.Client, workspace: str
):
    models = f"/modelmanagement/v1.0{workspace}"
    named = http.post(
        f"/artifact/v2.0{workspace}/artifacts/batch/metadata/LocalUpload/c",
        json={"paths": [{"path": "m.pkl"}]},
    ).json()
    asset = {"name": "m", "artifacts": [{"prefix": "LocalUpload/c/m.pkl"}]}
    assert http.post(f"{models}/assets", json=asset).json()["code"] == "ArtifactNotFound"

    link = urlsplit(named["artifactContentInformation"]["m.pkl"]["contentUri"])
    upload = f"{link.path}?{link.query}"
    http.put(upload, content=b"x", headers={"x-ms-blob-type": "BlockBlob"})
    made = http.post(f"{models}/assets", json=asset).json()
    unknown = {"name": "m", "url": "aml://asset/unknown"}
    assert http.post(f"{models}/models", json=unknown).json()["code"] == "AssetNotFound"
    wrong = {"name": "../m", "url": f"aml://asset/{made['id']}"}
    assert http.post(f"{models}/models", json=wrong).json()["code"] == "InvalidModelName"
    right = {"name": "m", "url": f"aml://asset/{made['id']}"}
    assert http.post(f"{models}/models", json=right).json()["id"] == "m:1"

    for path, value in (("version", 7), ("kvTags", "none"), ("kvTags/stage", "live")):
        changed = [{"op": "replace", "path": f"/{path}", "value": value}]
        assert http.patch(f"{models}/models/m:1", json=changed).status_code == 400


def test_a_property_is_added_and_never_changed(http: httpx.Client, workspace: str, sdk: Sdk):
    sdk.run(REGISTER)
    model = f"/modelmanagement/v1.0{workspace}/models/digits:1"
    for given, status in (({"accuracy": "0.8"}, 400), ({}, 400), ({"accuracy": "0.9"}, 200)):
        step = {"op": "add", "path": "/properties", "value": given}
        assert http.patch(model, json=[step]).status_code == status


def test_long_lists_come_in_pages(http: httpx.Client, workspace: str, sdk: Sdk):
    sdk.run(REGISTER)
    models = f"/modelmanagement/v1.0{workspace}/models"
    again = http.get(f"{models}/digits:1").json()
    for _ in range(40):
        assert http.post(models, json={"name": "many", "url": again["url"]}).status_code == 200
    newest_first = [*(f"many:{n}" for n in range(40, 0, -1)), "other:1", "digits:2", "digits:1"]
    assert sdk.run(LIST) == newest_first
    assert http.get(models, params={"count": "x"}).status_code == 400


def test_a_versions_number_is_not_given_again(http: httpx.Client, workspace: str, sdk: Sdk):
    sdk.run(REGISTER)
    assert http.delete(f"/modelmanagement/v1.0{workspace}/models/digits:2").status_code == 200
    sdk.run(REGISTER)
    assert sorted(sdk.run(LIST)) == ["digits:1", "digits:3", "digits:4", "other:1", "other:2"]
