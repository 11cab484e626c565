"""What a cluster would refuse is one line, and nothing that serves is touched."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from infra.aks import access
from infra.configuration.reader import SettingError
from infra.scoring_service import NAME
from journey.stand import Stand
from tests.aks.conftest import asked

KEY = "sklearn-mnist-svc:kubeconfig"


def kubeconfig(stand: Stand, token: str) -> str:
    """The cluster, for who has the token."""
    authority = base64.b64encode((stand.folder / "keys" / "ca.crt").read_bytes()).decode()
    server = f"https://127.0.0.1:{(stand.folder / 'port').read_text()}"
    return json.dumps(
        {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "one", "user": "me"}}],
            "clusters": [
                {
                    "name": "one",
                    "cluster": {"server": server, "certificate-authority-data": authority},
                }
            ],
            "users": [{"name": "me", "user": {"token": token}}],
        }
    )


def test_rights_that_a_kubeconfig_has_not_are_named(stand: Stand) -> None:
    stand.kubectl("create", "serviceaccount", "weak")
    try:
        token = stand.kubectl("create", "token", "weak").strip()
        with pytest.raises(SettingError, match="gives no right to create namespaces, ") as it:
            access.check(KEY, kubeconfig(stand, token), NAME, gateway=True)
        assert "patch deployments.apps" in str(it.value)
        assert "create httproutes.gateway.networking.k8s.io" in str(it.value)
        role = ("create", "clusterrolebinding", "weak", "--clusterrole=cluster-admin")
        stand.kubectl(*role, "--serviceaccount=default:weak")
        access.check(KEY, kubeconfig(stand, token), NAME, gateway=True)
        with pytest.raises(SettingError, match="logs nobody in at https://127"):
            access.check(KEY, kubeconfig(stand, f"{token}x"), NAME, gateway=False)
    finally:
        stand.kubectl("delete", "clusterrolebinding", "weak", "--ignore-not-found")
        stand.kubectl("delete", "serviceaccount", "weak")


@pytest.mark.parametrize(
    ("key", "value", "reviewed", "refused"),
    [
        ("kubernetesVersion", "1.30", None, "1.30 is not supported in this region"),
        ("nodeSize", "Standard_D8s_v5", "to change vmSize of a pool", "PropertyChangeNotAllowed"),
    ],
)
def test_what_aks_refuses_changes_nothing(
    stand: Stand, tmp_path: Path, key: str, value: str, reviewed: str | None, refused: str
) -> None:
    before = {pod["metadata"]["uid"] for pod in stand.pods()}
    stand.inside("pulumi", "config", "set", key, value)
    try:
        if reviewed:
            code, report = asked(stand, "review", tmp_path / "review.json")
            assert code == 1
            assert reviewed in report["verdict"]
        failed = stand.up(check=False)
        said = failed.stdout + failed.stderr
        assert failed.returncode != 0, said
        assert refused in said, said
    finally:
        stand.inside("pulumi", "config", "rm", key)
    assert {pod["metadata"]["uid"] for pod in stand.pods()} == before
