"""What a command of `exec` sees: the stand-in, and nothing of the user's Azure or Pulumi."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from local_azure.arm.subscriptions import SUBSCRIPTION
from local_azure.environment import ambient, exports, inside
from local_azure.home import Home

URL = "https://127.0.0.1:1234"
USER = {
    "HOME": "/home/ada",
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "AZURE_CLIENT_SECRET": "real",
    "AZURE_CONFIG_DIR": "/home/ada/.azure",
    "ARM_USE_OIDC": "true",
    "ARM_SUBSCRIPTION_ID": "real",
    "PULUMI_ACCESS_TOKEN": "real",
    "PULUMI_CONFIG_PASSPHRASE": "real",
    "AZUREML_RUN_TOKEN": "real",
    "SSL_CERT_FILE": "/etc/ssl/corporate.pem",
}


@pytest.fixture
def made(home: Home) -> Home:
    home.create()
    return home


def test_no_credential_of_the_users_is_left(made: Home):
    wanted = inside(made, URL, None, USER)
    assert "real" not in wanted.values()
    for name in ("PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE", "ARM_USE_OIDC"):
        assert name not in wanted
    assert wanted["LANG"] == "C.UTF-8"


def test_everything_private_lies_in_the_state_folder(made: Home):
    wanted = inside(made, URL, None, USER)
    for name in (
        "HOME",
        "PULUMI_HOME",
        "PULUMI_CONFIG_PASSPHRASE_FILE",
        "SSL_CERT_FILE",
        "NODE_EXTRA_CA_CERTS",
    ):
        assert Path(wanted[name]).is_relative_to(made.root)
    assert wanted["PULUMI_BACKEND_URL"] == f"file://{made.backend}"
    assert wanted["AZURE_SUBSCRIPTION_ID"] == wanted["ARM_SUBSCRIPTION_ID"] == SUBSCRIPTION
    assert wanted["XDG_CACHE_HOME"] == "/home/ada/.cache"


def test_the_client_secret_is_the_owners_alone(made: Home):
    wanted = inside(made, URL, None, USER)
    assert stat.S_IMODE(made.client_secret.stat().st_mode) == 0o600
    assert made.client_secret.read_text() == wanted["AZURE_CLIENT_SECRET"]


def test_the_virtual_environment_and_pulumi_come_first_on_the_path(made: Home):
    path = inside(made, URL, Path("/opt/pulumi"), USER)["PATH"].split(os.pathsep)
    assert path[0] == str(made.programs)
    assert path.index("/opt/pulumi") < path.index("/usr/bin")


def test_from_inside_the_users_own_environment_is_found_again(made: Home):
    user = {name: value for name, value in USER.items() if value != "real"}
    del user["ARM_USE_OIDC"], user["AZURE_CONFIG_DIR"]
    nested = ambient(inside(made, URL, None, user))
    assert {name: nested.get(name) for name in user} == user
    assert "VIRTUAL_ENV" not in nested


def test_an_environment_in_an_environment_is_the_same(made: Home):
    once = inside(made, URL, None, USER)
    assert inside(made, URL, None, once) == once


def test_proxies_are_not_used_for_the_stand_in(made: Home):
    behind = USER | {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "example.org"}
    spared = inside(made, URL, None, behind)["NO_PROXY"].split(",")
    assert "example.org" in spared
    assert "127.0.0.1" in spared
    assert "NO_PROXY" not in inside(made, URL, None, USER)


def test_a_shell_reads_the_exports_as_they_are_meant(made: Home):
    hostile = USER | {"PATH": "/usr/bin:/bin:/a b/'$(touch owned)"}
    wanted = inside(made, URL, None, hostile)
    script = exports(wanted, hostile) + "\nexec env -0"
    shell = shutil.which("sh")
    assert shell
    done = subprocess.run(
        [shell, "-c", script], env=hostile, capture_output=True, cwd=made.root, check=True
    )
    seen = dict(line.split("=", 1) for line in done.stdout.decode().split("\0") if line)
    assert {name: seen.get(name) for name in wanted} == wanted
    assert "PULUMI_ACCESS_TOKEN" not in seen
    assert not (made.root / "owned").exists()
