"""What azure-ai-ml asks for, by hand: what is refused, and how (its whole way is a slow test)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import pytest

if TYPE_CHECKING:
    from conftest import StandIn

VERSION = {"api-version": "2023-08-01-preview"}
BLOB = {"x-ms-blob-type": "BlockBlob"}


@pytest.fixture
def workspace(http: httpx.Client, group: str) -> str:
    """The path of a workspace."""
    path = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/wsp"
    body = {"location": "westeurope", "properties": {}}
    accepted = http.put(path, params={"api-version": "2025-12-01"}, json=body)
    assert accepted.status_code in (201, 202), accepted.text
    return path


@pytest.fixture
def store(http: httpx.Client, workspace: str) -> tuple[str, str]:
    """The address of the workspace's container, and its signature."""
    base = f"{workspace}/datastores/workspaceblobstore"
    shown = http.get(base, params=VERSION).json()["properties"]
    account = shown["accountName"].partition("/")[2]
    secrets = http.post(f"{base}/listSecrets", params=VERSION, json={}).json()
    return f"/{account}.blob.core.windows.net/{shown['containerName']}", secrets["sasToken"]


def uri(workspace: str, path: str) -> str:
    return f"azureml:/{workspace}/datastores/workspaceblobstore/paths/{path}"


def test_a_container_wants_its_own_signature(
    stand_in: StandIn, store: tuple[str, str], http: httpx.Client
) -> None:
    address, signature = store
    with stand_in.http({}) as outside:
        good = outside.put(f"{address}/a/b.txt?{signature}", content=b"text", headers=BLOB)
        assert good.status_code == 201
        listing = {"restype": "container", "comp": "list", "prefix": "a"}
        listed = outside.get(f"{address}?{urlencode(listing)}&{signature}")
        assert "<Name>a/b.txt</Name>" in listed.text
        note = outside.put(
            f"{address}/a/b.txt?comp=metadata&{signature}", headers={"x-ms-meta-state": "done"}
        )
        assert note.status_code == 200
        head = outside.head(f"{address}/a/b.txt?{signature}")
        assert head.headers["x-ms-meta-state"] == "done"
        for wrong, status in (("", 401), (signature.replace("sp=r", "sp=rd"), 403)):
            for answer in (
                outside.get(f"{address}/a/b.txt?{wrong}"),
                outside.put(f"{address}/a/c.txt?{wrong}", content=b"", headers=BLOB),
                outside.get(f"{address}?{urlencode(listing)}&{wrong}"),
            ):
                assert answer.status_code == status
        other = address.rpartition("-")[0] + "-000000000000"
        assert outside.get(f"{other}/a/b.txt?{signature}").status_code == 403


@pytest.mark.parametrize(
    ("version", "properties", "word"),
    [
        ("1", {}, "names no path"),
        ("1", {"modelUri": "https://example.org/model"}, "names no path"),
        ("1", {"modelUri": "NOTHING"}, "names nothing that is there"),
        ("beta", {"modelUri": "THERE"}, "is no number"),
        ("1", {"modelUri": "THERE", "modelType": "other"}, "modelType"),
        ("1", None, "object properties"),
    ],
)
def test_a_version_that_cannot_be_made_is_refused(
    http: httpx.Client,
    workspace: str,
    store: tuple[str, str],
    version: str,
    properties: dict[str, Any] | None,
    word: str,
) -> None:
    address, signature = store
    http.put(f"{address}/there/model.pkl?{signature}", content=b"text", headers=BLOB)
    for name, value in (("THERE", uri(workspace, "there")), ("NOTHING", uri(workspace, "no"))):
        if properties and properties.get("modelUri") == name:
            properties = {**properties, "modelUri": value}
    path = f"{workspace}/models/wine/versions/{version}"
    refused = http.put(path, params=VERSION, json={"properties": properties})
    assert refused.status_code == 400
    assert word in refused.json()["error"]["message"]
    assert http.get(f"{workspace}/models", params=VERSION).json()["value"] == []


def test_a_version_keeps_its_path_and_takes_other_tags(
    http: httpx.Client, workspace: str, store: tuple[str, str]
) -> None:
    address, signature = store
    path = f"{workspace}/models/wine/versions/1"
    for name in ("one", "two"):
        http.put(f"{address}/{name}/model.pkl?{signature}", content=b"text", headers=BLOB)
    statuses = [
        http.put(
            path,
            params=VERSION,
            json={"properties": {"modelUri": uri(workspace, prefix), "tags": {"stage": tag}}},
        ).status_code
        for prefix, tag in (("one", "a"), ("one", "b"), ("two", "c"))
    ]
    assert statuses == [201, 200, 400]
    assert http.get(path, params=VERSION).json()["properties"]["tags"] == {"stage": "b"}
    container = http.get(f"{workspace}/models/wine", params=VERSION).json()["properties"]
    assert (container["latestVersion"], container["nextVersion"]) == ("1", "2")
    for missing in ("models/wine/versions/2", "models/other", "datastores/other"):
        assert http.get(f"{workspace}/{missing}", params=VERSION).status_code == 404
