"""The environment of a command that runs against the stand-in and nothing else of the user's."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from local_azure.arm.login import CLOUD
from local_azure.arm.subscriptions import SUBSCRIPTION
from local_azure.certificates import Certificates
from local_azure.home import VARIABLE, Home
from local_azure.identity import identity

STACK = "local"
"""The Pulumi stack of the stand-in."""

AMBIENT = "LOCAL_AZURE_AMBIENT"
"""Keeps the values that were replaced, as JSON: a stand-in started from inside gets them back."""

ADOPT = "LOCAL_AZURE_ADOPT"
"""Set to 1, it lets the plugin take over what exists instead of refusing to create it."""

TENANT_NAME = "adfs"
"""The one tenant whose authority Microsoft's libraries use without asking Microsoft first."""

_FOREIGN = (
    "AZURE_",
    "ARM_",
    "AZUREML_",
    "PULUMI_",
    "AZD_",
    "MSI_",
    "IDENTITY_",
    "TF_VAR_",
    "OTEL_",
)
_REPLACED = (
    "HOME",
    "PATH",
    "VIRTUAL_ENV",
    "KUBECONFIG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "CURL_CA_BUNDLE",
)
_DROPPED = ("SSL_CERT_DIR", "CURL_CA_BUNDLE", "PYTHONDONTWRITEBYTECODE", "PYTHONHOME", AMBIENT)


def ambient(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The user's own environment, also when asked from inside `exec`."""
    outside = dict(environment)
    kept = outside.pop(AMBIENT, None)
    if kept is None:
        return outside
    replaced: dict[str, str | None] = json.loads(kept)
    for name, value in replaced.items():
        if value is None:
            outside.pop(name, None)
        else:
            outside[name] = value
    return outside


def inside(
    home: Home, url: str, pulumi: Path | None, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The whole environment of a command.

    Args:
        home: The state folder.
        url: The stand-in's base URL.
        pulumi: The folder of the Pulumi CLI; None leaves the one on `PATH`.
        environment: What the user has; its Azure and Pulumi settings are left out.
    """
    outside = ambient(environment)
    kept = {
        name: value
        for name, value in outside.items()
        if not name.startswith(_FOREIGN) and name not in _DROPPED
    }
    return (
        kept
        | _added(home, url, pulumi, outside)
        | {AMBIENT: json.dumps({name: outside.get(name) for name in _REPLACED})}
    )


def exports(wanted: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> str:
    """An environment as lines for `eval` in a POSIX shell: what to unset, then what to set."""
    unset = sorted(name for name in environment if name not in wanted)
    changed = {name: value for name, value in wanted.items() if environment.get(name) != value}
    lines = [f"unset {name}" for name in unset]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(changed.items())]
    return "\n".join(lines)


def _added(home: Home, url: str, pulumi: Path | None, outside: Mapping[str, str]) -> dict[str, str]:
    who = identity(home)
    address = urlsplit(url).netloc
    authority = Certificates.at(home.certificates).authority
    programs = [home.programs, Path(sys.executable).parent, *([pulumi] if pulumi else [])]
    path = os.pathsep.join([*map(str, programs), outside.get("PATH", os.defpath)])
    added = {
        VARIABLE: str(home.root),
        "PATH": path,
        "VIRTUAL_ENV": sys.prefix,
        "HOME": str(home.user),
        "XDG_CACHE_HOME": outside.get("XDG_CACHE_HOME")
        or str(Path(outside.get("HOME", "~")).expanduser() / ".cache"),
        # TLS: the stand-in's own authority and no other, so that no call can leave the machine.
        "SSL_CERT_FILE": str(authority),
        "REQUESTS_CA_BUNDLE": str(authority),
        "NODE_EXTRA_CA_CERTS": str(authority),
        # Pulumi.
        "PULUMI_HOME": str(home.pulumi_home),
        "PULUMI_BACKEND_URL": f"file://{home.backend}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(home.passphrase),
        "PULUMI_STACK": STACK,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # kubectl, and everybody else who would look for the user's own clusters.
        "KUBECONFIG": str(home.kubeconfig),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # The azure-native provider and Terraform's relatives.
        "ARM_SUBSCRIPTION_ID": SUBSCRIPTION,
        "ARM_TENANT_ID": TENANT_NAME,
        "ARM_CLIENT_ID": who.client_id,
        "ARM_CLIENT_SECRET": who.client_secret,
        "ARM_METADATA_HOSTNAME": address,
        "ARM_CLOUD_METADATA_URL": f"{url}/metadata/endpoints",
        "ARM_RESOURCE_MANAGER_ENDPOINT": url,
        "ARM_RESOURCE_MANAGER_AUDIENCE": url,
        "ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST": url,
        # azure-identity's EnvironmentCredential.
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "AZURE_TENANT_ID": TENANT_NAME,
        "AZURE_CLIENT_ID": who.client_id,
        "AZURE_CLIENT_SECRET": who.client_secret,
        "AZURE_AUTHORITY_HOST": url,
        # azureml-core.
        "AZUREML_CURRENT_CLOUD": CLOUD,
        "AZUREML_SERVICE_PRINCIPAL_TENANT_ID": TENANT_NAME,
        "AZUREML_SERVICE_PRINCIPAL_ID": who.client_id,
        "AZUREML_SERVICE_PRINCIPAL_PASSWORD": who.client_secret,
    }
    if any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in outside):
        listed = outside.get("NO_PROXY") or outside.get("no_proxy") or ""
        spared = ",".join(filter(None, [listed, "127.0.0.0/8,127.0.0.1,localhost"]))
        added |= {"NO_PROXY": spared, "no_proxy": spared}
    return added
