"""Reading Azure over real TLS: what is absent, and lists of several pages."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from infra.arm import login
from infra.arm.client import Arm
from infra.arm.errors import ArmError
from local_azure.certificates import Certificates
from tests.support.answering import answering

GROUP = "/subscriptions/s/resourceGroups/rg"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"


class Azure(ThreadingHTTPServer):
    """Answers what it is told to; a path with `page=N` is page N of a list."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}"

    def pages(self, *pages: tuple[int, Any], host: str = "") -> None:
        """Answer a list of everything in the group by these pages."""
        for number, (status, body) in enumerate(pages):
            more = number + 1 < len(pages)
            link = f"{host or self.url}{GROUP}/resources?page={number + 1}" if more else None
            content = {**body, "nextLink": link} if status == 200 else body
            self.answers[f"page={number}" if number else "/resources?api"] = status, content


class Handler(BaseHTTPRequestHandler):
    server: Azure  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        named = [each for part, each in self.server.answers.items() if part in self.path]
        status, body = named[0] if named else (404, an_error("ResourceNotFound"))
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.answers["asked"] = 200, {"asked": json.loads(body)}
        self.do_GET()


class Token:
    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("token", int(time.time()) + 3600)

    def close(self) -> None:
        """There is nothing to close."""


def an_error(code: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": "text"}}


@pytest.fixture
def azure(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    with answering(Azure(), certificates) as server:
        monkeypatch.setenv("ARM_RESOURCE_MANAGER_ENDPOINT", server.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))
        monkeypatch.setattr(login, "credential", Token)
        yield server


def get(path: str = VAULT) -> dict[str, Any] | None:
    with Arm() as arm:
        return arm.get(path, "2023-01-01")


def names() -> list[str]:
    with Arm() as arm:
        return [one["name"] for one in arm.resources(GROUP)]


@pytest.mark.parametrize(
    "code",
    [
        *("NotFound", "ResourceNotFound", "ResourceGroupNotFound", "ParentResourceNotFound"),
        *("EntityNotFound", "RoleAssignmentNotFound"),
    ],
)
def test_what_azure_calls_absent_is_absent(azure: Azure, code: str) -> None:
    azure.answers["kv"] = 404, an_error(code)
    assert get() is None
    azure.pages((404, an_error(code)))
    assert names() == []


@pytest.mark.parametrize(
    "body",
    [
        *(an_error(code) for code in ("SubscriptionNotFound", "InvalidResourceType", "", 7)),
        *([], {}, {"error": "ResourceNotFound"}, b"<html>404</html>", b""),
    ],
)
def test_any_other_404_breaks_the_check(azure: Azure, body: Any) -> None:
    azure.answers["kv"] = 404, body
    with pytest.raises(ArmError, match="HTTP 404") as caught:
        get()
    assert VAULT in str(caught.value)
    assert "Reader" not in str(caught.value)
    azure.pages((404, body))
    with pytest.raises(ArmError, match="HTTP 404"):
        names()


def test_what_is_asked_is_a_path_with_its_version_by_a_token_for_this_cloud(
    azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes: list[str] = []

    def get_token(_: Token, *asked: str, **__: Any) -> AccessToken:
        scopes.extend(asked)
        return AccessToken("token", int(time.time()) + 3600)

    monkeypatch.setattr(Token, "get_token", get_token)
    azure.answers["?"] = 200, {}
    with Arm() as arm:
        assert arm.get(VAULT, "2023-01-01") == {}
        assert list(arm.listed(GROUP, "2023-02-02", "&$filter=x")) == []
        assert list(arm.resources(GROUP)) == []
        assert list(arm.role_assignments(GROUP)) == []
        assert list(arm.federated_credentials(VAULT)) == []
    assert azure.asked == [
        f"{VAULT}?api-version=2023-01-01",
        f"{GROUP}?api-version=2023-02-02&$filter=x",
        f"{GROUP}/resources?api-version=2021-04-01",
        f"{GROUP}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01",
        f"{VAULT}/federatedIdentityCredentials?api-version=2023-01-31",
    ]
    assert set(scopes) == {f"{azure.url}/.default"}


@pytest.mark.parametrize(("code", "shown"), [("Conflict", " Conflict"), ("a b", ""), ("<x>", "")])
def test_an_error_is_told_with_azures_code_where_it_is_one(
    azure: Azure, code: str, shown: str
) -> None:
    azure.answers["kv"] = 409, an_error(code)
    with pytest.raises(ArmError) as caught:
        get()
    assert str(caught.value) == f"Azure answered HTTP 409{shown} to GET {VAULT}"
    assert caught.value.code == shown.strip()


class Refusing(Token):
    error: Exception = ValueError()

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        raise self.error


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ClientAuthenticationError("\n AADSTS7000222: expired.\nTrace ID: x"),
            "Azure refused the login: AADSTS7000222: expired; have the credentials expired?",
        ),
        (
            caused(ClientAuthenticationError("no host"), ServiceRequestError("x")),
            "Azure was not reached for a login: no host",
        ),
        (
            caused(ClientAuthenticationError("no host"), caused(ValueError(), OSError())),
            "Azure was not reached for a login: no host",
        ),
        (ServiceRequestError("..no host.."), "Azure was not reached: ..no host"),
    ],
)
def test_a_login_that_nobody_answered_is_told_from_one_that_was_refused(
    azure: Azure, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    monkeypatch.setattr(login, "credential", Refusing)
    monkeypatch.setattr(Refusing, "error", error)
    with pytest.raises(ArmError) as caught:
        get()
    assert (str(caught.value), caught.value.code) == (said, "")
    with Arm() as arm, pytest.raises(ArmError) as caught:
        arm.caller()
    assert str(caught.value).startswith("Azure refused the login: ")


def test_a_refusal_names_the_right_that_is_needed(azure: Azure) -> None:
    azure.answers["kv"] = 403, an_error("AuthorizationFailed")
    with pytest.raises(ArmError, match=r"HTTP 403 AuthorizationFailed .* needs Reader"):
        get()


@pytest.mark.parametrize("body", [b"<html></html>", b"", b"[]", b"null"])
def test_an_answer_that_is_none_of_azures_breaks_the_check(azure: Azure, body: bytes) -> None:
    azure.answers["kv"] = 200, body
    with pytest.raises(ArmError, match="was not"):
        get()


def test_every_page_of_a_list_is_read(azure: Azure) -> None:
    azure.pages(*((200, {"value": [{"name": name}]}) for name in "abc"))
    assert names() == ["a", "b", "c"]


def test_a_page_may_be_empty(azure: Azure) -> None:
    azure.pages((200, {"value": []}), (200, {}), (200, {"value": [{"name": "c"}]}))
    assert names() == ["c"]


def test_a_later_page_that_is_gone_breaks_the_check(azure: Azure) -> None:
    """The group went meanwhile, or the link is stale: the list is not whole either way."""
    azure.pages((200, {"value": [{"name": "a"}]}), (404, an_error("ResourceGroupNotFound")))
    with pytest.raises(ArmError, match="HTTP 404 ResourceGroupNotFound"):
        names()


@pytest.mark.parametrize("scheme", ["https://localhost:", "http://127.0.0.1:", "https://evil.test"])
def test_a_next_page_on_another_host_gets_no_token(azure: Azure, scheme: str) -> None:
    port = str(azure.server_address[1])
    host = f"{scheme}{port}" if scheme.endswith(":") else scheme
    azure.pages((200, {"value": [{"name": "a"}]}), (200, {"value": []}), host=host)
    with pytest.raises(ArmError, match="another host"):
        names()
    assert len(azure.asked) == 1


def test_a_question_is_posted_and_its_answer_read(azure: Azure) -> None:
    with Arm() as arm:
        assert arm.ask("/asked", "2023-01-01", {"name": "n"}) == {"asked": {"name": "n"}}
        with pytest.raises(ArmError, match=r"HTTP 404 ResourceNotFound to POST /other") as caught:
            arm.ask("/other", "2023-01-01", {})
    assert caught.value.code == "ResourceNotFound"


@pytest.mark.parametrize(
    ("token", "caller"),
    [
        ("e30.eyJvaWQiOiAibWUifQ.x", "me"),
        *((token, "") for token in ("", "opaque", "a.!.c", "a.e30.c", "a.W10.c")),
    ],
)
def test_the_caller_is_whom_the_token_names_if_it_does(
    azure: Azure, monkeypatch: pytest.MonkeyPatch, token: str, caller: str
) -> None:
    monkeypatch.setattr(Token, "get_token", lambda *_, **__: AccessToken(token, 0))
    with Arm() as arm:
        assert arm.caller() == caller
