"""The cluster that a kubeconfig names: whether it answers, and lets the service be made on it.

It is asked before anything is declared. Pulumi's provider finds out in the middle of an update,
and takes what it could not make for replaced: the next update would remove what serves.
"""

from __future__ import annotations

import base64
import ssl
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from infra.aks.settings import chosen
from infra.configuration.reader import Problem, SettingError

KINDS = (
    ("", "namespaces"),
    ("", "services"),
    ("", "secrets"),
    ("apps", "deployments"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("policy", "poddisruptionbudgets"),
    ("networking.k8s.io", "networkpolicies"),
)
GATEWAYS = (("gateway.networking.k8s.io", "gateways"), ("gateway.networking.k8s.io", "httproutes"))
VERBS = ("create", "patch", "delete")

_SECONDS = 15.0
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_REACHED = "a cluster that answers here"


def check(key: str, kubeconfig: str, namespace: str, *, gateway: bool) -> None:
    """Ask the cluster for its version and, of each kind of object, for the rights on it.

    A kubeconfig with a proxy or a server name of its own is believed. Rights are asked for where
    it holds a token or a certificate: other ways to log in are the provider's.

    Args:
        key: The whole name of the setting.
        kubeconfig: A good one.
        namespace: Where the service would be.
        gateway: Whether it would have one.

    Raises:
        SettingError: The cluster does not answer, refuses who asks, or a right is missing.
    """
    cluster, user = chosen(kubeconfig)
    server = str(cluster["server"])
    # A name below .invalid is nobody's (RFC 2606): reviews run the program with one, offline.
    nobody = (urlsplit(server).hostname or "").endswith(".invalid")
    if nobody or cluster.get("proxy-url") or cluster.get("tls-server-name"):
        return
    headers = {"Authorization": f"Bearer {user['token']}"} if user.get("token") else {}
    try:
        context = _tls(cluster, user)
        with httpx.Client(
            base_url=server, verify=context, headers=headers, timeout=_SECONDS
        ) as client:
            answer = client.get("/version")
            if not (user.get("token") or "client-certificate-data" in user):
                return
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                raise _error(key, f"logs nobody in at {server} (401)", "one that is still valid")
            missing = _missing(client, namespace, (*KINDS, *(GATEWAYS if gateway else ())))
    except (httpx.HTTPError, OSError, ValueError) as error:
        why = f"names {server}, which does not answer: {error or type(error).__name__}"
        raise _error(key, why, _REACHED) from error
    if missing:
        raise _error(
            key,
            f"gives no right to {', '.join(missing)} at {server}",
            f"one that may {', '.join(VERBS)} these in the namespace {namespace}",
        )


def _error(key: str, found: str, allowed: str) -> SettingError:
    short = key.rpartition(":")[2]
    remedy = f"nothing was changed; set another: cat FILE | pulumi config set --secret {short}"
    return SettingError([Problem(key, " ".join(found.split()), allowed, remedy)])


def _missing(client: httpx.Client, namespace: str, kinds: tuple[tuple[str, str], ...]) -> list[str]:
    """Each missing right, such as `create deployments.apps`."""
    found = []
    for group, kind in kinds:
        for verb in VERBS:
            attributes = {"group": group, "resource": kind, "verb": verb}
            if kind != "namespaces":
                attributes["namespace"] = namespace
            review = {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            }
            answer = client.post(_REVIEW, json=review)
            if answer.is_success and not answer.json()["status"].get("allowed"):
                found.append(f"{verb} {kind}{'.' if group else ''}{group}")
    return found


def _tls(cluster: dict[str, Any], user: dict[str, Any]) -> ssl.SSLContext:
    given = cluster.get("certificate-authority-data")
    context = ssl.create_default_context(cadata=_text(given) if given else None)
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if "client-certificate-data" in user:
        # Python takes a certificate from a file alone; it is gone before anything is asked.
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "both.pem"
            file.touch(mode=0o600)
            file.write_text(
                f"{_text(user['client-certificate-data'])}\n{_text(user['client-key-data'])}"
            )
            context.load_cert_chain(file)
    return context


def _text(value: str) -> str:
    return base64.b64decode(value).decode()
