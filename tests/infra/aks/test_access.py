"""A cluster that exists is asked before anything is declared; each fault is one line."""

from __future__ import annotations

import base64
import http.server
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from infra.aks import access
from infra.configuration.reader import SettingError
from infra.scoring_service import NAME
from tests.infra.test_program import SERVICE
from tests.support import kubernetes_sdk

KEY = "sklearn-mnist-svc:kubeconfig"
RECORDED = Path(__file__).parents[1] / "recorded"
GATEWAY = {"hostname": "digits.example.com", "gatewayClass": "azure-alb-external"}
TOKEN = "a-token-that-nobody-may-see"


class Cluster(http.server.ThreadingHTTPServer):
    """An API server that answers who asks, and what they may."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1").configure_cert(context)
        self.authority.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.version = 200
        self.reviewed = 201
        self.refused: set[str] = set()
        self.asked: list[dict[str, str]] = []
        self.logins: set[str] = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def kubeconfig(self, user: Any = None, **cluster: Any) -> str:
        given = base64.b64encode(self.authority.cert_pem.bytes()).decode()
        one = {
            "server": f"https://127.0.0.1:{self.server_port}",
            "certificate-authority-data": given,
            **cluster,
        }
        return json.dumps(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "one", "user": "me"}}],
                "clusters": [{"name": "one", "cluster": one}],
                "users": [{"name": "me", "user": {"token": TOKEN} if user is None else user}],
            }
        )


class Handler(http.server.BaseHTTPRequestHandler):
    server: Cluster  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert self.path == "/version"
        assert isinstance(self.connection, ssl.SSLSocket)
        certificate = "a certificate" if self.connection.getpeercert() else ""
        self.server.logins.add(self.headers["authorization"] or certificate)
        self.answer(self.server.version, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert self.path == f"/apis/{body['apiVersion']}/selfsubjectaccessreviews"
        assert (body["apiVersion"], body["kind"]) == (
            "authorization.k8s.io/v1",
            "SelfSubjectAccessReview",
        )
        asked = body["spec"]["resourceAttributes"]
        self.server.asked.append(asked)
        right = f"{asked['verb']} {asked['resource']}"
        allowed = {"status": {"allowed": right not in self.server.refused}}
        self.answer(self.server.reviewed, allowed if self.server.reviewed == 201 else {})

    def answer(self, status: int, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    yield made
    made.shutdown()
    made.server_close()


def refused(kubeconfig: str) -> str:
    with pytest.raises(SettingError) as it:
        access.check(KEY, kubeconfig, "svc", gateway=False)
    line = str(it.value)
    assert "\n" not in line
    assert TOKEN not in line
    assert line.startswith(f"configuration {KEY} ")
    assert line.endswith("set another: cat FILE | pulumi config set --secret kubeconfig")
    return line


def declared(*files: str) -> set[tuple[str, str]]:
    """The group and the kind, as the API has it, of each object that the program declares."""
    found = set()
    for file in files:
        recorded = json.loads((RECORDED / file).read_text())
        for name in recorded["resources"]:
            kind = name.partition(" ")[0]
            if kind.startswith("kubernetes:"):
                version, _, noun = kind.removeprefix("kubernetes:").partition(":")
                plural = re.sub(r"(?<=c)y$", "ie", noun.lower()) + "s"
                found.add((version.partition("/")[0].removeprefix("core"), plural))
    return found


@pytest.mark.parametrize(
    ("files", "gateway"), [(("cluster.json",), False), (("cluster.json", "gateway.json"), True)]
)
def test_who_may_do_all_is_let_through_and_was_asked_for_each_kind_that_is_declared(
    cluster: Cluster, files: tuple[str, ...], gateway: bool
) -> None:
    access.check(KEY, cluster.kubeconfig(), "svc", gateway=gateway)
    assert cluster.logins == {f"Bearer {TOKEN}"}
    wanted = [
        {"group": group, "resource": kind, "verb": verb}
        | ({} if kind == "namespaces" else {"namespace": "svc"})
        for group, kind in declared(*files)
        for verb in ("create", "patch", "delete")
    ]
    key = json.dumps
    assert sorted(cluster.asked, key=key) == sorted(wanted, key=key)


def test_only_the_current_context_is_asked(cluster: Cluster) -> None:
    content = json.loads(cluster.kubeconfig())
    content["contexts"].append({"name": "d", "context": {"cluster": "two", "user": "me"}})
    content["clusters"].append({"name": "two", "cluster": {"server": "https://127.0.0.1:1"}})
    content["users"].append({"name": "other", "user": {"token": "other"}})
    access.check(KEY, json.dumps(content), "svc", gateway=False)
    assert cluster.logins == {f"Bearer {TOKEN}"}
    assert "127.0.0.1:1, which" in refused(json.dumps({**content, "current-context": "d"}))


@pytest.mark.parametrize(
    "changes",
    [
        {"users": None},
        {"users": [{"name": "me"}]},
        {"users": [{"name": "me", "user": {"token": ""}}]},
        {"contexts": [{"name": "c", "context": {"cluster": "one"}}]},
    ],
)
def test_a_kubeconfig_without_a_login_is_asked_for_nobodys_rights(
    cluster: Cluster, changes: dict[str, Any]
) -> None:
    content = json.dumps({**json.loads(cluster.kubeconfig()), **changes})
    access.check(KEY, content, "svc", gateway=False)
    assert cluster.logins == {""}
    assert cluster.asked == []


def test_a_cluster_that_tells_no_rights_is_not_blamed_for_missing_ones(cluster: Cluster) -> None:
    cluster.reviewed = 403
    access.check(KEY, cluster.kubeconfig(), "svc", gateway=False)
    assert cluster.asked


def test_a_name_that_is_nobodys_is_not_asked() -> None:
    content = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "one", "user": "me"}}],
        "clusters": [{"name": "one", "cluster": {"server": "https://x.invalid:1"}}],
        "users": [{"name": "me", "user": {"token": TOKEN}}],
    }
    access.check(KEY, json.dumps(content), "svc", gateway=False)
    content["clusters"] = [{"name": "one", "cluster": {"server": "https://127.0.0.1:1"}}]
    assert "does not answer" in refused(json.dumps(content))


def test_a_cluster_that_does_not_answer_is_named_with_the_reason(cluster: Cluster) -> None:
    kubeconfig = cluster.kubeconfig()
    cluster.shutdown()
    cluster.server_close()
    line = refused(kubeconfig)
    assert f"names https://127.0.0.1:{cluster.server_port}, which does not answer: " in line
    assert "refused" in line


def test_a_cluster_with_another_certificate_does_not_count(cluster: Cluster) -> None:
    other = base64.b64encode(trustme.CA().cert_pem.bytes()).decode()
    assert "certificate" in refused(cluster.kubeconfig(**{"certificate-authority-data": other}))
    access.check(
        KEY,
        cluster.kubeconfig(
            **{"certificate-authority-data": None, "insecure-skip-tls-verify": True}
        ),
        "svc",
        gateway=False,
    )


def test_a_right_that_is_missing_is_named_with_what_it_is_on(cluster: Cluster) -> None:
    cluster.refused = {"create namespaces", "patch deployments"}
    line = refused(cluster.kubeconfig())
    assert "gives no right to create namespaces, patch deployments.apps at https://" in line
    assert "allowed: one that may create, patch, delete these in the namespace svc;" in line


def test_a_token_that_has_expired_is_no_missing_right(cluster: Cluster) -> None:
    cluster.version = 401
    assert "logs nobody in at https://127.0.0.1" in refused(cluster.kubeconfig())
    assert cluster.asked == []


def test_a_certificate_logs_in_as_a_token_does(cluster: Cluster) -> None:
    made = cluster.authority.issue_cert("me")
    user = {
        "client-certificate-data": base64.b64encode(made.cert_chain_pems[0].bytes()).decode(),
        "client-key-data": base64.b64encode(made.private_key_pem.bytes()).decode(),
    }
    access.check(KEY, cluster.kubeconfig(user), "svc", gateway=False)
    assert cluster.asked
    assert cluster.logins == {"a certificate"}


@pytest.mark.parametrize("version", [200, 401])
def test_another_way_to_log_in_is_left_to_the_provider(cluster: Cluster, version: int) -> None:
    cluster.version = version
    access.check(KEY, cluster.kubeconfig({"exec": {"command": "kubelogin"}}), "svc", gateway=False)
    assert cluster.asked == []


@pytest.mark.parametrize("way", ["proxy-url", "tls-server-name"])
def test_a_cluster_behind_something_else_is_believed(cluster: Cluster, way: str) -> None:
    access.check(KEY, cluster.kubeconfig(**{way: "https://other"}), "svc", gateway=False)
    assert cluster.logins == set()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("more", [{}, GATEWAY])
def test_the_program_asks_for_the_rights_on_what_it_would_declare(
    cluster: Cluster, run: Callable[..., Any], more: dict[str, str]
) -> None:
    kubernetes_sdk.use()
    config = {**SERVICE, "target": "aks", "kubeconfig": cluster.kubeconfig(), **more}
    run(config, secrets=("kubeconfig",))
    assert {one["namespace"] for one in cluster.asked if one.get("namespace")} == {NAME}
    groups = {one["group"] for one in cluster.asked}
    assert ("gateway.networking.k8s.io" in groups) is bool(more)
    cluster.version = 401
    with pytest.raises(SettingError, match=f"configuration {KEY} logs nobody in"):
        run(config, secrets=("kubeconfig",))
