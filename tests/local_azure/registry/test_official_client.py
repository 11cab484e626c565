"""Azure's own client pushes to a registry, pulls from it and looks around in it."""

from __future__ import annotations

import gc
import io
import os
from collections.abc import Iterator
from typing import Any

import pytest
from azure.containerregistry import ContainerRegistryClient
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)

from local_azure import process

# The client does not close the streamed answer of a call that fails.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")

OCI = "application/vnd.oci.image"


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What the client left open is found here, and not in another test."""
    yield
    gc.collect()


def push(client: ContainerRegistryClient, repository: str, tag: str, content: bytes) -> str:
    """An image of one layer. Returns its digest."""

    def upload(data: bytes, media_type: str) -> dict[str, Any]:
        digest, size = client.upload_blob(repository, io.BytesIO(data))
        return {"mediaType": media_type, "digest": digest, "size": size}

    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": upload(b"{}", f"{OCI}.config.v1+json"),
        "layers": [upload(content, f"{OCI}.layer.v1.tar")],
    }
    return client.set_manifest(repository, manifest, tag=tag)


def test_an_image_comes_back_as_it_was_pushed(registry: Any):
    content = os.urandom(9 << 20)  # three chunks
    with registry.client() as client:
        digest = push(client, "team/app", "v1", content)
        found = client.get_manifest("team/app", "v1")
        assert found.digest == digest
        layer = found.manifest["layers"][0]["digest"]
        assert b"".join(client.download_blob("team/app", layer)) == content
        assert client.get_manifest("team/app", digest).manifest == found.manifest


def test_repositories_tags_and_manifests_are_listed_page_by_page(registry: Any):
    with registry.client() as client:
        digests = {push(client, "one", f"v{number}", bytes([number])) for number in range(5)}
        push(client, "two", "latest", b"x")
        assert list(client.list_repository_names(results_per_page=1)) == ["one", "two"]
        tags = list(client.list_tag_properties("one", results_per_page=2))
        assert [tag.name for tag in tags] == ["v0", "v1", "v2", "v3", "v4"]
        manifests = list(client.list_manifest_properties("one", results_per_page=2))
        assert {manifest.digest for manifest in manifests} == digests
        properties = client.get_repository_properties("one")
        assert (properties.manifest_count, properties.tag_count) == (5, 5)
        assert client.get_tag_properties("one", "v3").digest in digests
        assert client.get_manifest_properties("one", "v3").tags == ["v3"]


def test_what_is_deleted_is_gone(registry: Any):
    with registry.client() as client:
        first = push(client, "app", "v1", b"1")
        push(client, "app", "v2", b"2")
        client.delete_tag("app", "v2")
        assert [tag.name for tag in client.list_tag_properties("app")] == ["v1"]
        client.delete_manifest("app", first)
        with pytest.raises(ResourceNotFoundError):
            client.get_manifest("app", "v1")
        client.delete_repository("app")
        with pytest.raises(ResourceNotFoundError):
            client.get_repository_properties("app")
        assert list(client.list_repository_names()) == []


def test_a_moved_tag_leaves_the_old_manifest_reachable_by_digest(registry: Any):
    with registry.client() as client:
        old, new = push(client, "app", "latest", b"1"), push(client, "app", "latest", b"2")
        assert client.get_manifest("app", "latest").digest == new
        assert client.get_manifest("app", old).digest == old


def test_locks_are_refused(registry: Any):
    with registry.client() as client:
        push(client, "app", "v1", b"1")
        with pytest.raises(HttpResponseError, match="no locks"):
            client.update_tag_properties("app", "v1", can_delete=False)


def test_nobody_pulls_anonymously_unless_the_registry_allows_it(registry: Any):
    with registry.client() as owner:
        push(owner, "app", "v1", b"1")
    with registry.client(None) as nobody:
        with pytest.raises(ClientAuthenticationError):
            nobody.get_manifest("app", "v1")
        registry.put(anonymousPullEnabled=True)
        assert nobody.get_manifest("app", "v1").digest
        with pytest.raises(ClientAuthenticationError):
            push(nobody, "app", "v2", b"2")


def test_a_registry_that_is_closed_to_the_public_answers_nobody(registry: Any):
    registry.put(publicNetworkAccess="Disabled")
    with registry.client() as client, pytest.raises(HttpResponseError, match="not allowed access"):
        list(client.list_repository_names())


def test_images_and_port_survive_a_restart_of_the_stand_in(registry: Any, stand_in: Any):
    with registry.client() as client:
        digest = push(client, "app", "v1", b"1")
    process.stop(stand_in.home)
    process.start(stand_in.home)
    assert registry.put()["properties"]["loginServer"] == registry.server
    with registry.client() as client:
        assert client.get_manifest("app", "v1").digest == digest


def test_deleting_the_resource_deletes_the_images(registry: Any, stand_in: Any):
    with registry.client() as client:
        push(client, "app", "v1", b"find me if you can")
    folder = stand_in.home.services / "registries"
    assert any(b"find me" in path.read_bytes() for path in folder.rglob("sha256/*"))
    registry.delete()
    assert list(folder.rglob("sha256/*")) == []
    registry.server = registry.put()["properties"]["loginServer"]
    with registry.client() as client:
        assert list(client.list_repository_names()) == []
