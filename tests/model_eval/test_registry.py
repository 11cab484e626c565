"""The registry's commands against a workspace of the stand-in, with the unmodified SDK."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

import pytest

from scoring.manifest import Manifest
from tests.support.cellar import DATA, PRINCIPAL, Cellar, credential, opened

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

BARE = """
from azureml.core import Model, Workspace
Model.register(Workspace.from_config("plain.json"), "outputs/wine.pkl", "bare")
"""


@pytest.fixture(scope="module")
def cellar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cellar]:
    with opened(tmp_path_factory.mktemp("cellar")) as found:
        yield found


def test_a_bare_pickle_is_retrieved_gets_its_manifest_and_is_registered(cellar: Cellar) -> None:
    """The tutorial registers `outputs/sklearn_mnist_model.pkl` so: one file, no tags."""
    text = (cellar.folder / "config.json").read_text(encoding="utf-8-sig")
    (cellar.folder / "plain.json").write_text(text)
    subprocess.run(
        [sys.executable, "-c", BARE],
        cwd=cellar.folder,
        env=cellar.environment,
        check=True,
        capture_output=True,
    )
    said = cellar.good("retrieve", "--name", "bare", "--out", "model")
    assert "python -m model_eval manifest model/wine.pkl --data FILE --name bare" in said
    pickle = (cellar.folder / "outputs" / "wine.pkl").read_bytes()
    assert (cellar.folder / "model" / "wine.pkl").read_bytes() == pickle
    assert "model_eval manifest" in cellar.bad("validate", "--model", "model", *DATA)
    cellar.good("manifest", "model/wine.pkl", "--name", "wine", *DATA)
    cellar.good("validate", "--model", "model", *DATA)
    again = ("register", "--model", "model", *DATA, "--report", "out/report.json")
    assert "registered: wine 1" in cellar.good(*again)
    assert "already registered: wine 1" in cellar.good(*again)
    cellar.good("retrieve", "--name", "wine", "--out", "back")
    back = Manifest.read(cellar.folder / "back")
    assert (back.name, back.version) == ("wine", "1")
    assert back.content == Manifest.read(cellar.folder / "model").content


def test_the_list_and_the_workspace_are_shown(cellar: Cellar) -> None:
    sha256 = Manifest.read(cellar.folder / "model").sha256
    assert cellar.good("list", "--name", "wine").splitlines() == [f"wine 1, sha256 {sha256}"]
    assert "bare 1, sha256 not recorded" in cellar.good("list")
    assert "name: wsp" in cellar.good("info")


@pytest.mark.parametrize("version", ["0", "-1", "1.0", "latest ", "\u0661"])
def test_a_version_is_a_number_from_one(cellar: Cellar, version: str) -> None:
    done = cellar.run("retrieve", f"--version={version}", "--out", "none")
    assert done.returncode == 2
    assert "a number from 1" in done.stderr


@pytest.mark.parametrize("content", ["", "[]", '{"workspace_name": ""}', '{"workspace_name": 1}'])
def test_a_wrong_config_names_the_command(cellar: Cellar, content: str) -> None:
    (cellar.folder / "wrong.json").write_text(content)
    said = cellar.bad("list", "--config", "wrong.json")
    assert "python -m model_eval config" in said
    assert "wrong.json" in said


@pytest.fixture
def machine_of_azure(cellar: Cellar, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of a machine with a managed identity, whose `az` was never signed in."""
    az = tmp_path / "az"
    az.write_text("#!/bin/sh\necho 'ERROR: Please run az login' >&2\nexit 1\n")
    az.chmod(0o755)
    asked: list[str] = []

    class Identity(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            (resource,) = parse_qs(self.rfile.read(length).decode())["resource"]
            asked.append(resource)
            given = credential(cellar.environment).get_token(f"{resource.rstrip('/')}/.default")
            answer = {
                "access_token": given.token,
                "expires_on": str(given.expires_on),
                "token_type": "Bearer",
            }
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Identity) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield {
            "PATH": f"{tmp_path}{os.pathsep}{cellar.environment['PATH']}",
            "MSI_ENDPOINT": f"http://127.0.0.1:{server.server_port}/token",
            f"{PRINCIPAL}_PASSWORD": "",
            "AZURE_CLIENT_SECRET": "",
        }
        server.shutdown()
        thread.join()
    assert asked, "nobody asked the managed identity"


def test_a_managed_identity_is_tried_before_a_login_is_called_expired(
    cellar: Cellar, machine_of_azure: dict[str, str]
) -> None:
    assert "name: wsp" in cellar.good("info", **machine_of_azure)


def test_no_login_at_all_is_one_line_that_names_what_was_tried(
    cellar: Cellar, machine_of_azure: dict[str, str], closed_port: int
) -> None:
    closed = f"http://127.0.0.1:{closed_port}/token"
    cellar.good("info", **machine_of_azure)
    said = cellar.bad("info", **machine_of_azure | {"MSI_ENDPOINT": closed})
    assert "the login was refused or has expired; sign in again: az login (tried " in said
    assert "the Azure CLI: " in said
    assert "the managed identity: " in said


def test_a_refused_login_is_one_line(cellar: Cellar) -> None:
    said = cellar.bad("list", **{f"{PRINCIPAL}_PASSWORD": "wrong"})
    assert "the login was refused or has expired" in said
