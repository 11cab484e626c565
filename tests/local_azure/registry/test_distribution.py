"""The distribution protocol and the token exchange, request by request."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx
import pytest

APP = "repository:app:pull,push"
UPLOADS = "/v2/app/blobs/uploads/"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def upload(http: httpx.Client, content: bytes, repository: str = "app") -> str:
    digest = digest_of(content)
    place = http.post(f"/v2/{repository}/blobs/uploads/").headers["location"]
    answer = http.put(place, params={"digest": digest}, content=content)
    assert answer.status_code == 201, answer.text
    return digest


def code(answer: httpx.Response) -> str:
    return answer.json()["errors"][0]["code"]


def test_without_a_token_the_answer_says_where_to_get_one(registry: Any):
    with registry.plain() as http:
        answer = http.get("/v2/app/manifests/latest")
        assert answer.status_code == 401
        assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith(f'Bearer realm="https://{registry.server}/oauth2/token"')
        assert f'service="{registry.server}"' in challenge
        assert 'scope="repository:app:pull"' in challenge
        assert http.get("/v2/").status_code == 401


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("repository:app:pull", "POST", UPLOADS),
        ("repository:app:pull,push", "DELETE", "/v2/app/manifests/v1"),
        ("repository:other:pull", "GET", "/v2/app/manifests/v1"),
        ("repository:app:pull", "GET", "/v2/_catalog"),
    ],
)
def test_a_token_allows_what_it_names_and_nothing_else(
    registry: Any, scope: str, method: str, path: str
):
    with registry.plain(scope) as http:
        answer = http.request(method, path)
        assert answer.status_code == 401
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_a_token_of_another_registry_or_a_forged_one_is_refused(registry: Any):
    with registry.plain(APP) as http:
        good = http.headers["authorization"]
        for bad in (good[:-4] + "AAAA", "Bearer nonsense", f"Bearer {registry.credential}"):
            answer = http.get("/v2/", headers={"authorization": bad})
            assert answer.status_code == 401
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_refresh_token_is_no_access_token(registry: Any):
    audience = "https://containerregistry.azure.net/.default"
    refresh = registry.refresh_token(registry.credential.get_token(audience).token).json()
    with registry.plain() as http:
        header = {"authorization": f"Bearer {refresh['refresh_token']}"}
        assert http.get("/v2/", headers=header).status_code == 401


def test_a_bad_entra_token_gives_no_refresh_token(registry: Any):
    answer = registry.refresh_token("not.a.token")
    assert (answer.status_code, code(answer)) == (401, "UNAUTHORIZED")


def test_an_arm_token_is_refused_where_the_policy_says_so(registry: Any, stand_in: Any):
    assert registry.refresh_token(stand_in.token()).status_code == 200
    registry.put(policies={"azureADAuthenticationAsArmPolicy": {"status": "disabled"}})
    assert registry.refresh_token(stand_in.token()).status_code == 401
    own = stand_in.token("https://containerregistry.azure.net")
    assert registry.refresh_token(own).status_code == 200


def test_the_admin_user_logs_in_only_where_it_is_enabled(registry: Any):
    assert registry.action("listCredentials").status_code == 400
    registry.put(adminUserEnabled=True)
    credentials = registry.action("listCredentials").json()
    user, password = credentials["username"], credentials["passwords"][0]["value"]
    with registry.plain(auth=(user, password)) as http:
        upload(http, b"pushed by the admin")
        query = {"service": registry.server, "scope": APP}
        assert http.get("/oauth2/token", params=query).json()["access_token"]
    with registry.plain(auth=(user, "wrong")) as http:
        assert http.get("/v2/").status_code == 401
    renewed = registry.action("regenerateCredential", {"name": "password"}).json()
    assert renewed["passwords"][0]["value"] != password
    assert renewed["passwords"][1] == credentials["passwords"][1]
    registry.put(adminUserEnabled=False)
    with registry.plain(auth=(user, renewed["passwords"][0]["value"])) as http:
        assert http.get("/v2/").status_code == 401


def test_a_blob_is_uploaded_in_pieces_that_must_follow_each_other(registry: Any):
    with registry.plain(APP) as http:
        begun = http.post(UPLOADS)
        assert (begun.status_code, begun.headers["range"]) == (202, "0-0")
        place = begun.headers["location"]
        first = http.patch(place, content=b"abc", headers={"content-range": "0-2"})
        assert (first.status_code, first.headers["range"]) == (202, "0-2")
        hole = http.patch(place, content=b"xyz", headers={"content-range": "7-9"})
        assert (hole.status_code, code(hole)) == (416, "RANGE_INVALID")
        digest = digest_of(b"abcdef")
        done = http.put(place, params={"digest": digest}, content=b"def")
        assert done.status_code == 201
        assert done.headers["docker-content-digest"] == digest
        assert http.get(done.headers["location"]).content == b"abcdef"
        assert http.head(done.headers["location"]).headers["content-length"] == "6"
        assert http.patch(place, content=b"x").status_code == 404


def test_a_part_of_a_blob_can_be_read(registry: Any):
    with registry.plain(APP) as http:
        path = f"/v2/app/blobs/{upload(http, b'0123456789')}"
        part = http.get(path, headers={"range": "bytes=2-4"})
        assert (part.status_code, part.content) == (206, b"234")
        assert part.headers["content-range"] == "bytes 2-4/10"


def test_content_with_another_digest_is_refused_and_forgotten(registry: Any):
    wrong = digest_of(b"something else")
    with registry.plain(APP) as http:
        begun = http.post(UPLOADS).headers["location"]
        answer = http.put(begun, params={"digest": wrong}, content=b"content")
        assert (answer.status_code, code(answer)) == (400, "DIGEST_INVALID")
        assert http.head(f"/v2/app/blobs/{wrong}").status_code == 404
        assert http.patch(begun, content=b"x").status_code == 404


def test_content_that_comes_with_the_first_request_is_asked_for_again(registry: Any):
    digest = digest_of(b"content")
    with registry.plain(APP) as http:
        begun = http.post(UPLOADS, params={"digest": digest}, content=b"content")
        assert begun.status_code == 202
        place = begun.headers["location"]
        assert http.get(place).status_code == 405
        assert http.put(place, params={"digest": digest}, content=b"content").status_code == 201


def test_a_blob_belongs_to_the_repository_that_it_was_pushed_to_until_it_is_mounted(registry: Any):
    both = (APP, "repository:base:pull,push")
    with registry.plain(*both) as http:
        digest = upload(http, b"shared", "base")
        assert http.head(f"/v2/app/blobs/{digest}").status_code == 404
        mounted = http.post(UPLOADS, params={"mount": digest, "from": "base"})
        assert mounted.status_code == 201
        assert http.get(f"/v2/app/blobs/{digest}").content == b"shared"
        unknown = http.post(UPLOADS, params={"mount": digest_of(b"no"), "from": "base"})
        assert unknown.status_code == 202
    with registry.plain(APP) as http:
        assert http.post(UPLOADS, params={"mount": digest, "from": "base"}).status_code == 401


def manifest(config: str, *layers: str) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"digest": config},
        "layers": [{"digest": digest} for digest in layers],
    }


def put(http: httpx.Client, reference: str, body: dict[str, Any]) -> httpx.Response:
    header = {"content-type": body["mediaType"]}
    return http.put(f"/v2/app/manifests/{reference}", content=json.dumps(body), headers=header)


def test_a_manifest_is_what_its_content_type_says(registry: Any):
    with registry.plain(APP) as http:
        body = manifest(upload(http, b"{}"))
        answer = http.put("/v2/app/manifests/v1", json=body)
        assert (answer.status_code, code(answer)) == (400, "MANIFEST_INVALID")
        assert "application/json" in answer.text


def test_a_manifest_needs_its_blobs_and_its_own_digest(registry: Any):
    with registry.plain(APP) as http:
        config = upload(http, b"{}")
        missing = put(http, "v1", manifest(config, digest_of(b"no")))
        assert (missing.status_code, code(missing)) == (400, "MANIFEST_BLOB_UNKNOWN")
        content = json.dumps(manifest(config)).encode()
        other = http.put(f"/v2/app/manifests/{digest_of(b'')}", content=content)
        assert (other.status_code, code(other)) == (400, "DIGEST_INVALID")
        good = http.put(f"/v2/app/manifests/{digest_of(content)}", content=content)
        assert good.status_code == 201
        assert http.get(good.headers["location"]).content == content
        assert http.get("/v2/app/manifests/v1").status_code == 404


def test_an_index_names_manifests_that_are_there(registry: Any):
    kind = "application/vnd.oci.image.index.v1+json"
    with registry.plain(APP) as http:
        content = json.dumps(manifest(upload(http, b"{}"))).encode()
        index = {"schemaVersion": 2, "manifests": [{"digest": digest_of(content)}]}
        header = {"content-type": kind}
        early = http.put("/v2/app/manifests/all", json=index, headers=header)
        assert (early.status_code, code(early)) == (400, "MANIFEST_UNKNOWN")
        http.put("/v2/app/manifests/v1", content=content)
        assert http.put("/v2/app/manifests/all", json=index, headers=header).status_code == 201
        assert http.get("/v2/app/manifests/all").headers["content-type"] == kind


@pytest.mark.parametrize(
    "content", [b"no json", b"[]", b'{"schemaVersion": 1}', b'{"schemaVersion": 2, "layers": 3}']
)
def test_what_is_no_manifest_is_refused(registry: Any, content: bytes):
    with registry.plain(APP) as http:
        answer = http.put("/v2/app/manifests/v1", content=content)
        assert (answer.status_code, code(answer)) == (400, "MANIFEST_INVALID")


def test_a_manifest_over_four_megabytes_is_refused(registry: Any):
    with registry.plain(APP) as http:
        answer = http.put("/v2/app/manifests/v1", content=b" " * (4 * 1024 * 1024 + 1))
        assert (answer.status_code, code(answer)) == (413, "SIZE_INVALID")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/UPPER/manifests/v1", "NAME_INVALID"),
        ("/v2/app/manifests/.v1", "TAG_INVALID"),
        ("/v2/app/manifests/sha256:12", "DIGEST_INVALID"),
        ("/v2/app/blobs/sha256:" + "Z" * 64, "DIGEST_INVALID"),
        ("/v2/app/blobs/..%2f..%2fsecret", "UNSUPPORTED"),
    ],
)
def test_malformed_names_are_refused(registry: Any, path: str, expected: str):
    with registry.plain(APP) as http:
        assert code(http.get(path)) == expected


def test_tags_come_in_pages(registry: Any):
    with registry.plain(APP) as http:
        body = manifest(upload(http, b"{}"))
        for tag in ("a", "b", "c"):
            assert put(http, tag, body).status_code == 201
        page = http.get("/v2/app/tags/list", params={"n": 2})
        assert page.json()["tags"] == ["a", "b"]
        rest = http.get(page.links["next"]["url"])
        assert rest.json()["tags"] == ["c"]
        assert "link" not in rest.headers
        assert code(http.get("/v2/app/tags/list", params={"n": "-1"})) == (
            "PAGINATION_NUMBER_INVALID"
        )
