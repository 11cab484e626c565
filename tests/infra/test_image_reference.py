"""One grammar for an image's name: what is legal is taken apart and put together again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.image_reference import ImageReference

DIGEST = "sha256:" + "a" * 64
HOSTS = ("mnist.azurecr.io", "127.0.0.1:5000", "localhost", "localhost:80", "Registry", "a-b.c")
REPOSITORIES = ("svc", "a__b", "a--b", "a---b", "a.b", "a_b/c-d/e", "0")


@pytest.mark.parametrize("server", [None, *HOSTS])
@pytest.mark.parametrize("repository", REPOSITORIES)
@pytest.mark.parametrize("tag", [None, "latest", "_V1.0-x", "t" * 128])
@pytest.mark.parametrize("digest", [None, DIGEST, "sha512:" + "0" * 128])
def test_a_legal_name_has_its_parts(
    server: str | None, repository: str, tag: str | None, digest: str | None
) -> None:
    whole = ImageReference(server, repository, tag, digest)
    assert ImageReference.parse(str(whole)) == whole


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Svc",
        "a..b",
        "a___b",
        "a-_b",
        "-a",
        "a-",
        "a/",
        "/a",
        "a//b",
        "mnist.azurecr.io/",
        "mnist.azurecr.io/Svc",
        "mnist.azurecr.io:123456/svc",
        "mnist.azurecr.io:/svc",
        "mnist_registry.io:5000/svc",
        "-mnist.io:5000/svc",
        "svc:",
        "svc:.tag",
        "svc:" + "t" * 129,
        "svc@sha256:abc",
        "svc@" + DIGEST.upper(),
        "svc@sha256:" + "g" * 64,
        "svc@md5:" + "a" * 32,
        f"svc@{DIGEST}:tag",
        " svc",
        "svc\n",
        "https://mnist.azurecr.io/svc",
        "mnist.azurecr.io/" + "a" * 239,
    ],
)
def test_a_malformed_name_has_no_parts(text: str) -> None:
    assert ImageReference.parse(text) is None


def test_host_and_repository_have_255_characters_at_most() -> None:
    assert ImageReference.parse("mnist.azurecr.io/" + "a" * 238)


def test_a_first_part_that_can_be_no_host_belongs_to_the_repository() -> None:
    assert ImageReference.parse("library/svc") == ImageReference(None, "library/svc")
    assert ImageReference.parse("lib.rary/svc") == ImageReference("lib.rary", "svc")


def test_hosts_are_compared_without_regard_to_case() -> None:
    reference = ImageReference("Mnist.azurecr.io", "svc")
    assert reference.in_registry("mnist.AZURECR.io")
    assert not reference.in_registry("other.azurecr.io")
    assert not ImageReference(None, "svc").in_registry("")


@given(st.text(alphabet="ab.:/@_-AZ01", max_size=40))
def test_whatever_is_taken_apart_is_put_together_again(text: str) -> None:
    parsed = ImageReference.parse(text)
    assert parsed is None or str(parsed) == text
