"""What can be asked before a resource is made: whether its name is free, what the quota leaves.

Sources: the REST references "Check Name Availability" of registries, storage accounts and vaults,
"Location - List Usage" of Container Instances (its default of 100 cores: "Service quotas") and
"Usage - List" of Compute.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure.arm.bodies import parsed
from local_azure.arm.conditions import Conditions
from local_azure.arm.errors import ArmError
from local_azure.arm.names import GLOBAL, Names
from local_azure.arm.requests import admitted
from local_azure.arm.service import Lookup, Resource

CONTAINER_GROUPS = "Microsoft.ContainerInstance/containerGroups"
CLUSTERS = "Microsoft.ContainerService/managedClusters"
_SIZE = re.compile(r"Standard_[A-Z]+(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Availability:
    """The routes.

    Attributes:
        names: Which names are held.
        conditions: The quota, as it is now.
    """

    names: Names
    conditions: Callable[[], Conditions] = Conditions

    def routes(self) -> list[Route]:
        """Names, and usages by region."""
        one = "/subscriptions/{subscription}/providers"
        usages = "locations/{location}/usages"
        return [
            *(
                Route(
                    f"{one}/{each.partition('/')[0]}/checkNameAvailability",
                    self.name,
                    methods=["POST"],
                )
                for each in GLOBAL
            ),
            Route(f"{one}/Microsoft.ContainerInstance/{usages}", self.container_usages),
            Route(f"{one}/Microsoft.Compute/{usages}", self.compute_usages),
        ]

    async def name(self, request: Request) -> Response:
        """Whether a global name is free."""
        admitted(request)
        body = parsed(await request.body())
        asked = body if isinstance(body, dict) else {}
        kind, kinds = asked.get("type"), tuple(GLOBAL)
        if kind not in kinds or not isinstance(asked.get("name"), str):
            raise ArmError(
                400, "InvalidRequestContent", f"Expected a name, and as type one of {kinds}."
            )
        held = self.names.held(kind, asked["name"])
        said = {"reason": "AlreadyExists", "message": held} if held else {}
        return JSONResponse({"nameAvailable": not held, **said})

    async def container_usages(self, request: Request) -> Response:
        """The cores of all container groups of a region."""
        location = _location(request)
        used = container_cores(self.names.store, location)
        return self._usage("StandardCores", "Standard Cores", used)

    async def compute_usages(self, request: Request) -> Response:
        """The cores of all nodes of a region."""
        location = _location(request)
        used = sum(
            int(each.get("count") or 1) * int(found[1])
            for cluster in self.names.store.list(CLUSTERS)
            if cluster.body.get("location") == location
            for each in cluster.body["properties"]["agentPoolProfiles"]
            if (found := _SIZE.match(each.get("vmSize") or ""))
        )
        return self._usage("cores", "Total Regional vCPUs", used)

    def _usage(self, name: str, shown: str, used: float) -> Response:
        usage = {
            "unit": "Count",
            "currentValue": used,
            "limit": self.conditions().coreQuota,
            "name": {"value": name, "localizedValue": shown},
        }
        return JSONResponse({"value": [usage]})


def _location(request: Request) -> str:
    admitted(request)
    return request.path_params["location"].lower()


def container_cores(lookup: Lookup, location: str, besides: str = "") -> float:
    """The cores of the container groups of a region, but for one group."""
    return sum(
        cores(each)
        for each in lookup.list(CONTAINER_GROUPS)
        if each.body.get("location") == location and each.id.lower() != besides.lower()
    )


def cores(group: Resource) -> float:
    """What the containers of a group ask for."""
    return sum(
        float(each["properties"]["resources"]["requests"]["cpu"])
        for each in group.body["properties"]["containers"]
    )
