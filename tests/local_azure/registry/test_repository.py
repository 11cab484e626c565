"""A repository on disk is an OCI image layout, and outlives a damaged index."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from local_azure.registry.errors import RegistryError
from local_azure.registry.names import digest_of
from local_azure.registry.store import Store

KIND = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def blob(store: Store, repository: str, content: bytes) -> str:
    upload = store.uploads.begin(repository)
    upload.path.write_bytes(content)
    upload.hash.update(content)
    store.finish(upload, digest_of(content))
    return digest_of(content)


def push(store: Store, repository: str, reference: str, content: bytes = b"layer") -> str:
    """Push an image of one layer. Returns its digest."""
    parts = [blob(store, repository, each) for each in (b"{}", content)]
    config, layer = ({"digest": digest, "size": 2, "mediaType": LAYER} for digest in parts)
    body = {"schemaVersion": 2, "mediaType": KIND, "config": config, "layers": [layer]}
    return store.put_manifest(repository, reference, json.dumps(body).encode(), KIND)


def layout(folder: Path, name: str) -> tuple[Path, list[dict[str, Any]]]:
    """The folder of a repository's layout, and the descriptors of its index."""
    place = folder / "repositories" / name
    assert json.loads((place / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    return place, json.loads((place / "index.json").read_bytes())["manifests"]


def tags(descriptors: list[dict[str, Any]]) -> dict[str, str]:
    key = "org.opencontainers.image.ref.name"
    return {
        each["annotations"][key]: each["digest"]
        for each in descriptors
        if key in each["annotations"]
    }


def test_what_was_pushed_is_an_image_layout(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, second = push(store, "app", "1"), push(store, "app", "2", b"other")
    place, descriptors = layout(tmp_path, "app")
    assert tags(descriptors) == {"1": first, "2": second}
    for each in descriptors:
        content = (place / "blobs" / "sha256" / each["digest"].removeprefix("sha256:")).read_bytes()
        assert len(content) == each["size"]
        assert json.loads(content)["mediaType"] == each["mediaType"]
    for file in (place / "blobs" / "sha256").iterdir():
        assert hashlib.sha256(file.read_bytes()).hexdigest() == file.name


def test_a_repository_is_no_folder_of_another_ones_layout(tmp_path: Path) -> None:
    store = Store(tmp_path)
    pushed = {
        name: push(store, name, "1", name.encode()) for name in ("a", "a/blobs", "a/index.json")
    }
    again = Store(tmp_path)
    assert again.repositories() == list(pushed)
    assert {name: again.manifest(name, "1")[0].digest for name in pushed} == pushed
    again.delete_repository("a")
    assert Store(tmp_path).repositories() == ["a/blobs", "a/index.json"]


def test_times_outlive_a_restart_and_a_tag_that_moves_keeps_its_birthday(tmp_path: Path) -> None:
    store = Store(tmp_path)
    push(store, "app", "1")
    born = store.repository("app").tag("1")
    push(store, "app", "1", b"other")
    before, after = (each.repository("app") for each in (store, Store(tmp_path)))
    assert before.tags() == after.tags()
    assert before.manifests() == after.manifests()
    (moved,) = after.tags()
    assert born
    assert moved.created == born.created
    assert moved.updated > born.updated


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-20],
        lambda content: b"[]",
        lambda content: content.replace(b"annotations", b"annotazioni"),
        lambda content: json.dumps(
            json.loads(content) | {"manifests": json.loads(content)["manifests"][1:]}
        ).encode(),
    ],
    ids=["empty", "cut", "a list", "other keys", "a tag of nothing"],
)
def test_a_damaged_index_is_put_aside_and_a_push_mends_it(tmp_path: Path, damage: Any) -> None:
    digest = push(Store(tmp_path), "app", "1")
    index = tmp_path / "repositories" / "app" / "index.json"
    index.write_bytes(damage(index.read_bytes()))
    store = Store(tmp_path)
    with pytest.raises(RegistryError, match="no manifest 1"):
        store.manifest("app", "1")
    assert index.with_name("index.json.damaged").exists()
    assert push(store, "app", "1") == digest
    assert Store(tmp_path).manifest("app", "1")[0].digest == digest


def test_a_damaged_blob_is_not_there_until_it_is_pushed_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    digest = push(store, "app", "1")
    store.repository("app").path(digest_of(b"layer")).write_bytes(b"lazer")
    with pytest.raises(RegistryError, match="no manifest"):
        store.manifest("app", digest)
    push(store, "app", "1")
    assert store.manifest("app", digest)[0].digest == digest
