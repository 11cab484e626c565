"""crane, unmodified, against a registry: what somebody who moves images about does with it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.go_program import built

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CRANE = "0.20.6"
NOBODY = "00000000-0000-0000-0000-000000000000"
"""The name that stands for a token in a login to Azure's registries."""

Crane = Callable[..., str]


@pytest.fixture
def crane(registry: Any, tmp_path: Path) -> Crane:
    """Runs it, logged in as `az acr login --expose-token` would."""
    program = built("github.com/google/go-containerregistry/cmd/crane", CRANE)
    environment = {
        **os.environ,
        "SSL_CERT_FILE": registry.authority,
        "DOCKER_CONFIG": str(tmp_path / "docker"),
    }

    def run(*words: str, given: str = "") -> str:
        done = subprocess.run(
            [program, *words],
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert done.returncode == 0, f"crane {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    entra = registry.credential.get_token("https://containerregistry.azure.net/.default").token
    token = registry.refresh_token(entra).json()["refresh_token"]
    run("auth", "login", registry.server, "--username", NOBODY, "--password-stdin", given=token)
    return run


def test_an_image_is_made_read_copied_pulled_and_deleted(
    registry: Any, crane: Crane, tmp_path: Path
) -> None:
    layer = tmp_path / "layer.tar"
    with tarfile.open(layer, "w") as archive:
        member = tarfile.TarInfo("app/hello")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"hello"))
    first, second = (f"{registry.server}/{each}" for each in ("svc:1", "team/svc:2"))
    crane("append", "--new_layer", str(layer), "--new_tag", first)
    digest = crane("digest", first).strip()
    assert json.loads(crane("manifest", first))["layers"]
    assert json.loads(crane("config", first))["rootfs"]["type"] == "layers"
    crane("validate", "--remote", first)
    crane("copy", first, second)
    assert crane("digest", second).strip() == digest
    assert crane("ls", f"{registry.server}/svc").split() == ["1"]
    assert crane("catalog", registry.server).split() == ["svc", "team/svc"]
    crane("pull", "--format", "oci", second, str(tmp_path / "pulled"))
    (pulled,) = json.loads((tmp_path / "pulled" / "index.json").read_bytes())["manifests"]
    assert pulled["digest"] == digest
    crane("delete", f"{registry.server}/svc@{digest}")
    assert crane("catalog", registry.server).split() == ["team/svc"]
