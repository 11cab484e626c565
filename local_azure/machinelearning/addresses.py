"""The addresses of a workspace's services."""

from __future__ import annotations

import re

from starlette.requests import Request

from local_azure.arm.errors import ArmError
from local_azure.arm.service import Lookup, Resource
from local_azure.machinelearning.errors import ModelManagementError

TYPE = "Microsoft.MachineLearningServices/workspaces"
WORKSPACE = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/" + TYPE + "/{workspace}"
)

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}")


def bad_name(name: str) -> str:
    """What is wrong with a model's name; empty where nothing is."""
    if _NAME.fullmatch(name):
        return ""
    return (
        f"The model name '{name}' must be 1 to 255 letters, digits and ._- and begin with "
        "a letter or digit."
    )


def arm_workspace_of(request: Request, lookup: Lookup) -> Resource:
    """The workspace that a request's path names, for what answers as ARM does.

    Raises:
        ArmError: 404.
    """
    try:
        return workspace_of(request, lookup)
    except ModelManagementError as error:
        raise ArmError(error.status, "ResourceNotFound", error.message) from error


def workspace_of(request: Request, lookup: Lookup) -> Resource:
    """The workspace that a request's path names.

    Raises:
        ModelManagementError: 404.
    """
    names = request.path_params
    identifier = WORKSPACE.format(
        subscription=names["subscription"], group=names["group"], workspace=names["workspace"]
    )
    found = lookup.get(identifier)
    if found is None:
        raise ModelManagementError(
            404,
            "WorkspaceNotFound",
            f"The workspace '{names['workspace']}' in the resource group '{names['group']}' "
            "does not exist.",
        )
    return found
