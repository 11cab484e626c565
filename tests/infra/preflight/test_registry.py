"""What a registry is asked for an image's platforms, and what is said where it does not tell."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from infra.arm import login
from infra.arm.errors import ArmError
from infra.image_reference import ImageReference
from infra.preflight import registry
from local_azure.certificates import Certificates
from tests.support.answering import answering

DIGEST = f"sha256:{'a' * 64}"
MANIFEST, BLOB = f"/v2/team/svc/manifests/{DIGEST}", "/v2/team/svc/blobs/sha256:c"


class Registry(ThreadingHTTPServer):
    """A registry that gives its token for Entra's, and a repository's for its own."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.given: list[dict[str, str]] = []
        self.accepted = ""
        self.answers: dict[str, tuple[int, Any]] = {
            "/oauth2/exchange": (200, {"refresh_token": "of-the-registry"}),
            "/oauth2/token": (200, {"access_token": "of-the-repository"}),
        }

    @property
    def image(self) -> ImageReference:
        server = f"127.0.0.1:{self.server_address[1]}"
        return ImageReference(server, "team/svc", digest=DIGEST)


class Handler(BaseHTTPRequestHandler):
    server: Registry  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        assert self.headers["authorization"] == "Bearer of-the-repository"
        if "manifests" in self.path:
            self.server.accepted = self.headers["accept"]
        self.answer()

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        self.server.given.append({name: value for name, (value,) in form.items()})
        self.answer()

    def answer(self) -> None:
        status, content = self.server.answers.get(self.path, (404, {}))
        data = json.dumps(content).encode()
        self.send_response(status)
        if status == 307:
            self.send_header("location", content)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Login:
    """Somebody who is signed in."""

    error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def get_token(self, scope: str) -> AccessToken:
        if self.error:
            raise self.error
        assert scope == "https://containerregistry.azure.net/.default"
        return AccessToken("of-entra", int(time.time()) + 3600)


@pytest.fixture
def asked(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    with answering(Registry(), certificates) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
        monkeypatch.setattr(login, "credential", Login)
        yield server


def test_entras_token_is_changed_for_the_right_to_pull_from_one_repository(
    asked: Registry,
) -> None:
    asked.answers[MANIFEST] = 200, {"manifests": []}
    assert registry.platforms(asked.image) == []
    service = asked.image.server
    assert asked.given == [
        {"service": service, "grant_type": "access_token", "access_token": "of-entra"},
        {
            "service": service,
            "grant_type": "refresh_token",
            "refresh_token": "of-the-registry",
            "scope": "repository:team/svc:pull",
        },
    ]
    assert asked.accepted.split(", ") == [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]


def test_an_index_names_its_platforms_and_a_manifest_its_configuration(asked: Registry) -> None:
    amd, arm = ({"os": "linux", "architecture": each} for each in ("amd64", "arm64"))
    asked.answers[MANIFEST] = 200, {"manifests": [{"platform": amd}, {"platform": arm}, {}]}
    assert registry.platforms(asked.image) == ["linux/amd64", "linux/arm64", "None/None"]
    asked.answers[MANIFEST] = 200, {"config": {"digest": "sha256:c"}}
    # Azure's registry hands a blob on to the storage account that has it.
    asked.answers[BLOB] = 307, "/storage"
    asked.answers["/storage"] = 200, arm
    assert registry.platforms(asked.image) == ["linux/arm64"]
    del asked.answers[MANIFEST]
    assert registry.platforms(asked.image) == []


@pytest.mark.parametrize("path", ["/oauth2/exchange", "/oauth2/token", MANIFEST, BLOB])
def test_a_refusal_asks_whether_this_login_may_pull(asked: Registry, path: str) -> None:
    asked.answers[MANIFEST] = 200, {"config": {"digest": "sha256:c"}}
    asked.answers[path] = 403, {}
    with pytest.raises(ArmError) as raised:
        registry.platforms(asked.image)
    assert str(raised.value) == (
        f"{asked.image.server} answered 403 Forbidden; may this login pull from it?"
    )


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("/oauth2/exchange", {}, "'refresh_token'"),
        ("/oauth2/token", {}, "'access_token'"),
        (MANIFEST, {}, "'config'"),
        (MANIFEST, None, "'NoneType' object is not iterable"),
        (MANIFEST, {"manifests": None}, "'NoneType' object is not iterable"),
        (MANIFEST, "text", "dictionary update sequence element"),
    ],
)
def test_an_answer_of_another_form_is_one_line(
    asked: Registry, path: str, content: Any, why: str
) -> None:
    asked.answers[path] = 200, content
    with pytest.raises(ArmError) as raised:
        registry.platforms(asked.image)
    assert str(raised.value).startswith(f"{asked.image.server} cannot be asked: {why}")


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ClientAuthenticationError("expired\nTrace ID: x"), "expired"),
        (ValueError(""), "ValueError"),
    ],
)
def test_a_login_that_is_refused_is_said_in_its_first_line(
    asked: Registry, monkeypatch: pytest.MonkeyPatch, error: Exception, why: str
) -> None:
    monkeypatch.setattr(Login, "error", error)
    with pytest.raises(ArmError) as raised:
        registry.platforms(asked.image)
    assert str(raised.value) == f"{asked.image.server} cannot be asked: {why}"
    assert asked.given == []
