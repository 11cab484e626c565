"""The workspace through azureml-core, SDK v1; the only module that loads it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from model_eval.errors import RegistryError
from model_eval.sdk import Registered
from model_eval.workspace_config import Workspace

METADATA_SERVICE = ("169.254.169.254", 80)
"""Answers for the managed identity of a virtual machine."""

METADATA_SECONDS = 1.0

_PRINCIPALS = (
    tuple(f"AZUREML_SERVICE_PRINCIPAL_{part}" for part in ("TENANT_ID", "ID", "PASSWORD")),
    tuple(f"AZURE_{part}" for part in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")),
)


@dataclass(frozen=True)
class SdkV1:
    """The calls of azureml-core.

    Attributes:
        workspace: Its workspace.
    """

    workspace: Any

    def info(self) -> dict[str, str]:
        """The SDK's version, and the workspace's names."""
        from azureml.core import VERSION

        names = ("name", "resource_group", "location", "subscription_id")
        return {
            "azureml-core": str(VERSION),
            **{name: str(getattr(self.workspace, name)) for name in names},
        }

    def list(self, name: str | None) -> list[Registered]:
        """All models, newest first, or those of one name."""
        from azureml.core import Model

        return [Registered.of(model) for model in Model.list(self.workspace, name=name)]

    def register(
        self,
        folder: Path,
        name: str,
        tags: Mapping[str, str],
        properties: Mapping[str, str],
        description: str,
    ) -> Registered:
        """Upload a folder as the next version of a model."""
        from azureml.core import Model

        with _inside(folder.parent):
            model = Model.register(
                self.workspace,
                model_path=folder.name,
                model_name=name,
                tags=dict(tags),
                properties=dict(properties),
                description=description,
            )
        return Registered.of(model, created=True)

    def download(self, name: str, version: int | None, to: Path) -> tuple[Registered, Path]:
        """Download a version, or the latest."""
        from azureml.core import Model

        model = Model(self.workspace, name=name, version=version)
        return Registered.of(model), Path(model.download(str(to), exist_ok=True))


def connect(workspace: Workspace) -> SdkV1:
    """Open a workspace: with a service principal from the environment, else the Azure CLI's login,
    else the machine's managed identity; never a browser window.

    Raises:
        RegistryError: No login was taken.
    """
    from azureml.core import Workspace as AzureWorkspace
    from azureml.exceptions import AuthenticationException

    refused: list[str] = []
    for name, login in _logins():
        try:
            opened = AzureWorkspace.get(
                workspace.name,
                auth=login(),
                subscription_id=workspace.subscription,
                resource_group=workspace.group,
            )
        except AuthenticationException as error:
            refused.append(f"{name}: {' '.join(str(error.message).split())[:120]}")
        else:
            return SdkV1(opened)
    raise RegistryError(
        "the login was refused or has expired; sign in again: az login (tried "
        + "; ".join(refused)
        + ")"
    )


def _logins() -> Iterator[tuple[str, Callable[[], Any]]]:
    from azureml.core.authentication import AzureCliAuthentication, ServicePrincipalAuthentication

    for names in _PRINCIPALS:
        tenant, client, password = (os.environ.get(name, "") for name in names)
        if tenant and client and password:
            login = partial(ServicePrincipalAuthentication, tenant, client, password)
            yield "the service principal", login
            return  # whoever sets one means it
    if shutil.which("az"):
        yield "the Azure CLI", AzureCliAuthentication
    if _has_identity():
        yield "the managed identity", _identity
    if not shutil.which("az"):
        yield "the Azure CLI", AzureCliAuthentication


def _identity() -> Any:
    """The machine's managed identity, which gave a token.

    Raises:
        AuthenticationException: It gave none, for whatever reason.
    """
    from azureml.core.authentication import MsiAuthentication
    from azureml.exceptions import AuthenticationException

    identity = MsiAuthentication()
    try:
        identity.get_authentication_header()
    except Exception as error:  # of many libraries
        raise AuthenticationException(str(error)) from error
    return identity


def _has_identity() -> bool:
    """Whether this machine may have a managed identity: asked before anything is said to expire."""
    if os.environ.get("MSI_ENDPOINT"):
        return True
    with contextlib.suppress(OSError):
        socket.create_connection(METADATA_SERVICE, METADATA_SECONDS).close()
        return True
    return False


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """The SDK takes only paths inside the working directory."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
