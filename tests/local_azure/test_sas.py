"""Links to blobs: one blob, some verbs, an hour; and what a blob takes and gives."""

from __future__ import annotations

import base64
import datetime
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

if TYPE_CHECKING:
    from conftest import Serve

from local_azure.machinelearning import errors
from local_azure.machinelearning.blobs import Blobs
from local_azure.machinelearning.errors import StorageError
from local_azure.machinelearning.sas import READ, WRITE, Signer

URL = "https://127.0.0.1:1234"
SIGNER = Signer(b"the key of this state folder")
BLOB = "azureml/ws/LocalUpload/c/model.pkl"
PAST = datetime.timedelta(seconds=-1)


def query(link: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(link).query))


def refusal(query: dict[str, str], blob: str = BLOB, permission: str = "r") -> str:
    with pytest.raises(StorageError) as refused:
        SIGNER.check(blob, permission, query)
    return refused.value.code


def test_a_link_is_good_for_its_blob_and_verb():
    SIGNER.check(BLOB, "r", query(SIGNER.link(URL, BLOB, READ)))
    SIGNER.check(BLOB, "w", query(SIGNER.link(URL, BLOB, WRITE)))


def test_a_link_is_taken_apart_as_azureml_core_does():
    account, middle, rest = urlsplit(SIGNER.link(URL, BLOB, READ)).netloc.split(".", 2)
    assert (account, middle) == ("dev", "blob")
    assert rest == "az@127.0.0.1:1234"


def test_another_blob_another_verb_and_another_key_are_refused():
    link = query(SIGNER.link(URL, BLOB, READ))
    assert refusal(link, blob="azureml/ws/LocalUpload/c/other.pkl") == "AuthenticationFailed"
    assert refusal(link, permission="w") == "AuthorizationPermissionMismatch"
    foreign = query(Signer(b"another key").link(URL, BLOB, READ))
    assert refusal(foreign) == "AuthenticationFailed"


def test_an_expired_link_is_refused():
    assert refusal(query(SIGNER.link(URL, BLOB, READ, PAST))) == "AuthenticationFailed"


def test_no_link_at_all_is_refused():
    assert refusal({}) == "NoAuthenticationInformation"


@given(st.sampled_from(["sp", "se", "sig"]), st.text(max_size=40))
def test_no_part_of_a_link_can_be_changed(name: str, value: str):
    link = query(SIGNER.link(URL, BLOB, READ, PAST))
    with pytest.raises(StorageError):
        SIGNER.check(BLOB, "r", link | {name: value})


@pytest.fixture
def client(tmp_path: Path, serve: Serve) -> httpx.Client:
    routes = Blobs(tmp_path, SIGNER).routes()
    client, _ = serve(Starlette(routes=routes, exception_handlers=errors.HANDLERS))
    return client


def link(permissions: str, name: str = "model.pkl", **further: str) -> str:
    blob = f"azureml/{name}"
    signed = urlsplit(SIGNER.link(URL, blob, permissions))
    return f"{signed.path}?{signed.query}&{urlencode(further)}"


BLOCK = {"x-ms-blob-type": "BlockBlob"}


def test_what_was_uploaded_is_downloaded(client: httpx.Client):
    content = b"pickle" * 1000
    assert client.put(link(WRITE), content=content, headers=BLOCK).status_code == 201
    assert client.get(link(READ)).content == content
    part = client.get(link(READ), headers={"x-ms-range": "bytes=6-11"})
    assert (part.status_code, part.content) == (206, b"pickle")
    head = client.head(link(READ))
    assert head.headers["content-length"] == str(len(content))


def test_a_download_without_a_link_or_with_one_to_write_is_refused(client: httpx.Client):
    client.put(link(WRITE), content=b"x", headers=BLOCK)
    naked = client.get("/azureml/model.pkl")
    assert (naked.status_code, naked.headers["x-ms-error-code"]) == (
        401,
        "NoAuthenticationInformation",
    )
    assert client.get(link(WRITE)).status_code == 403
    assert client.put(link(READ), content=b"y", headers=BLOCK).status_code == 403
    assert client.get(link(READ)).content == b"x"


def test_blocks_are_put_together_in_the_lists_order(client: httpx.Client):
    ids = [base64.b64encode(name).decode() for name in (b"1", b"2")]
    for block, content in zip(ids, (b"second", b"first"), strict=True):
        put = client.put(link(WRITE, comp="block", blockid=block), content=content)
        assert put.status_code == 201
    listed = f"<BlockList><Latest>{ids[1]}</Latest><Latest>{ids[0]}</Latest></BlockList>"
    assert client.put(link(WRITE, comp="blocklist"), content=listed).status_code == 201
    assert client.get(link(READ)).content == b"firstsecond"


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        ("<BlockList><Latest>missing</Latest></BlockList>", "InvalidBlockList"),
        ("<BlockList>", "InvalidXmlDocument"),
        (
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><BlockList>&e;</BlockList>',
            "InvalidXmlDocument",
        ),
    ],
)
def test_a_wrong_block_list_is_refused(client: httpx.Client, listed: str, code: str):
    answer = client.put(link(WRITE, comp="blocklist"), content=listed)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (400, code)


def test_content_that_was_changed_on_the_way_is_refused(client: httpx.Client):
    md5 = base64.b64encode(hashlib.md5(b"sent", usedforsecurity=False).digest()).decode()
    headers = BLOCK | {"Content-MD5": md5}
    answer = client.put(link(WRITE), content=b"came", headers=headers)
    assert answer.headers["x-ms-error-code"] == "Md5Mismatch"
    assert client.get(link(READ)).status_code == 404
    assert client.put(link(WRITE), content=b"sent", headers=headers).status_code == 201


def test_a_blob_that_is_there_is_not_overwritten_unless_meant(client: httpx.Client):
    once = BLOCK | {"If-None-Match": "*"}
    assert client.put(link(WRITE), content=b"1", headers=once).status_code == 201
    assert client.put(link(WRITE), content=b"2", headers=once).status_code == 409
    assert client.put(link(WRITE), content=b"2", headers=BLOCK).status_code == 201


@given(name=st.text(min_size=1, max_size=60).filter(lambda text: "\0" not in text))
def test_no_name_leaves_the_folder(tmp_path_factory: pytest.TempPathFactory, name: str):
    folder = tmp_path_factory.mktemp("blobs")
    blobs = Blobs(folder, SIGNER)
    assert blobs._content(name).parent == folder / "blobs"
