"""The addresses of a workspace's services."""

from __future__ import annotations

from starlette.requests import Request

from local_azure.arm.errors import ArmError
from local_azure.arm.service import Lookup, Resource
from local_azure.machinelearning.errors import ModelManagementError

TYPE = "Microsoft.MachineLearningServices/workspaces"
WORKSPACE = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/" + TYPE + "/{workspace}"
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
