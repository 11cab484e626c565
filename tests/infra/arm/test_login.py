"""Who asks Azure, and where it is: as Pulumi's azure-native provider decides."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from azure.core.exceptions import AzureError
from azure.identity import (
    ClientAssertionCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
)

from infra.arm import login
from infra.arm.errors import ArmError
from local_azure.certificates import Certificates
from tests.support.answering import answering

TENANT = "00000000-0000-0000-0000-0000000adf50"


class Authority(ThreadingHTTPServer):
    """A cloud's own place to log in, which keeps what it was given."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.given: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Authority  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        tenant = f"{self.server.url}/{TENANT}"
        assert self.path == f"/{TENANT}/v2.0/.well-known/openid-configuration"
        self._answer(
            issuer=f"{tenant}/v2.0",
            authorization_endpoint=f"{tenant}/oauth2/v2.0/authorize",
            token_endpoint=f"{tenant}/oauth2/v2.0/token",
        )

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        self.server.given.append({name: value for name, (value,) in form.items()})
        self._answer(token_type="Bearer", expires_in=3600, access_token="the-token")  # noqa: S106

    def _answer(self, **content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("RESOURCE_MANAGER_ENDPOINT", "RESOURCE_MANAGER_AUDIENCE", "ENVIRONMENT", "TENANT_ID")
    for name in (*names, "CLIENT_ID", "CLIENT_SECRET", "OIDC_TOKEN", "OIDC_TOKEN_FILE_PATH"):
        monkeypatch.delenv(f"ARM_{name}", raising=False)
    monkeypatch.delenv("AZURE_AUTHORITY_HOST", raising=False)


@pytest.fixture
def authority(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    with answering(Authority(), certificates) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", server.url)
        monkeypatch.setenv("ARM_RESOURCE_MANAGER_ENDPOINT", server.url)
        yield server


@pytest.mark.parametrize(
    ("environment", "url", "scope"),
    [
        ({}, "https://management.azure.com", "https://management.azure.com/.default"),
        (
            {"ENVIRONMENT": "public"},
            *("https://management.azure.com", "https://management.azure.com/.default"),
        ),
        (
            {"ENVIRONMENT": "usgovernment"},
            "https://management.usgovcloudapi.net",
            "https://management.core.usgovcloudapi.net/.default",
        ),
        (
            {"ENVIRONMENT": "china"},
            "https://management.chinacloudapi.cn",
            "https://management.chinacloudapi.cn/.default",
        ),
        (
            {"RESOURCE_MANAGER_ENDPOINT": "https://arm.X/", "ENVIRONMENT": "of-nobody"},
            *("https://arm.X", "https://arm.X/.default"),
        ),
        (
            {
                "RESOURCE_MANAGER_ENDPOINT": "https://arm.test",
                "RESOURCE_MANAGER_AUDIENCE": "https://audience.X/",
            },
            *("https://arm.test", "https://audience.X/.default"),
        ),
    ],
)
def test_the_cloud_is_the_one_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, scope: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"ARM_{name}", value)
    assert login.endpoint() == (url, [scope])


def test_a_cloud_that_there_is_not_is_named_with_those_that_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ARM_ENVIRONMENT", "german")
    with pytest.raises(ArmError) as raised:
        login.endpoint()
    assert str(raised.value) == (
        "ARM_ENVIRONMENT is 'german'; allowed: public, usgovernment, china"
    )


def logged_in(authority: Authority) -> dict[str, str]:
    with login.credential() as known:
        assert known.get_token("https://arm.test/.default").token == "the-token"
    (given,) = authority.given
    assert given["scope"].split()[0] == "https://arm.test/.default"
    return given


def test_a_secret_logs_in_and_is_taken_before_a_token(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLIENT_ID", "CLIENT_SECRET", "OIDC_TOKEN"):
        monkeypatch.setenv(f"ARM_{name}", f"my-{name}")
    monkeypatch.setenv("ARM_TENANT_ID", TENANT)
    given = logged_in(authority)
    assert (given["client_id"], given["client_secret"]) == ("my-CLIENT_ID", "my-CLIENT_SECRET")
    assert "client_assertion" not in given


@pytest.mark.parametrize("where", ["OIDC_TOKEN", "OIDC_TOKEN_FILE_PATH", "both"])
def test_a_token_of_a_workflow_logs_in(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    file = tmp_path / "token"
    file.write_text("of-the-file\n")
    monkeypatch.setenv("ARM_TENANT_ID", TENANT)
    monkeypatch.setenv("ARM_CLIENT_ID", "me")
    if where != "OIDC_TOKEN_FILE_PATH":
        monkeypatch.setenv("ARM_OIDC_TOKEN", "itself")
    if where != "OIDC_TOKEN":
        monkeypatch.setenv("ARM_OIDC_TOKEN_FILE_PATH", str(file))
    given = logged_in(authority)
    wanted = "of-the-file" if where == "OIDC_TOKEN_FILE_PATH" else "itself"
    assert (given["client_id"], given["client_assertion"]) == ("me", wanted)


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("TENANT_ID", "CLIENT_ID"),
        ("TENANT_ID", "CLIENT_SECRET"),
        ("CLIENT_ID", "CLIENT_SECRET"),
        ("TENANT_ID", "OIDC_TOKEN"),
        ("CLIENT_ID", "OIDC_TOKEN"),
    ],
)
def test_half_a_login_is_none_and_the_machines_own_is_taken(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    for name in names:
        monkeypatch.setenv(f"ARM_{name}", "x")
    with login.credential() as known:
        assert isinstance(known, DefaultAzureCredential)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("CLIENT_SECRET", ClientSecretCredential), ("OIDC_TOKEN", ClientAssertionCredential)],
)
def test_microsofts_own_place_to_log_in_needs_no_name(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: type
) -> None:
    for each in ("TENANT_ID", "CLIENT_ID", name):
        monkeypatch.setenv(f"ARM_{each}", "x")
    with login.credential() as known:
        assert isinstance(known, kind)


def test_what_azures_packages_warn_of_is_not_written_to_the_screen() -> None:
    """An error says it in its one line; a program without a log would write it there again."""
    code = (
        "import logging, infra.arm.login\n"
        "logging.getLogger('azure.core').error('said twice')\n"
        "logging.getLogger('another').error('said once')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "said once\n"


def test_a_login_that_fails_is_raised_and_not_logged_as_well(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A check asks many questions: its one line of error stood below four warnings."""
    nobody = "https://127.0.0.1:1"
    for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"ARM_{name}", "x")
    monkeypatch.setenv("ARM_RESOURCE_MANAGER_ENDPOINT", nobody)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", nobody)
    with pytest.raises(AzureError):
        login.credential().get_token(f"{nobody}/.default", retry_total=0)
    logging.getLogger("another").warning("is heard")
    names = [one.name for one in caplog.records]
    heard = [name for name in names if name.startswith(("azure.identity", "another"))]
    assert heard == ["another"]
