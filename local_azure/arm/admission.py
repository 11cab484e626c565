"""What a subscription refuses whatever is asked for: a provider, a right, all that writes.

Sources: "Azure resource providers and types" (registration), "List Azure role permissions" (REST),
"Azure subscription states".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure.arm.conditions import Conditions
from local_azure.arm.errors import ArmError
from local_azure.arm.requests import admitted
from local_azure.arm.subscriptions import SUBSCRIPTION


@dataclass(frozen=True)
class Admission:
    """Lets changes in, or not, as `conditions.json` says.

    Attributes:
        conditions: What is refused on purpose, as it is now.
    """

    conditions: Callable[[], Conditions] = Conditions
    _registered: set[str] = field(default_factory=set, init=False)

    def routes(self) -> list[Route]:
        """What the caller may do at a scope, and making a namespace usable."""
        one = "/subscriptions/{subscription}"
        rights = "providers/Microsoft.Authorization/permissions"
        return [
            Route(f"{one}/{rights}", self.permissions),
            Route(f"{one}/resourceGroups/{{group}}/{rights}", self.permissions),
        ]

    def check(self, scope: str, type_name: str, verb: str) -> None:
        """Let a change of a resource in.

        Raises:
            ArmError: 403 `AuthorizationFailed`; 409 `ReadOnlyDisabledSubscription`,
                `MissingSubscriptionRegistration`.
        """
        action, now = f"{type_name}/{verb}", self.conditions()
        if action.lower() in map(str.lower, now.deniedActions):
            raise ArmError(
                403,
                "AuthorizationFailed",
                f"The client does not have authorization to perform action '{action}' over scope "
                f"'{scope}' or the scope is invalid. If access was recently granted, please "
                "refresh your credentials.",
            )
        if now.disabledSubscription:
            raise ArmError(
                409,
                "ReadOnlyDisabledSubscription",
                f"The subscription '{SUBSCRIPTION}' is disabled and therefore marked as read only. "
                "You cannot perform any write actions on this subscription until it is re-enabled.",
            )
        namespace = type_name.partition("/")[0]
        if not self.is_registered(namespace):
            raise ArmError(
                409,
                "MissingSubscriptionRegistration",
                "The subscription is not registered to use namespace "
                f"'{namespace}'. See https://aka.ms/rps-not-found for how to register "
                "subscriptions.",
            )

    def is_registered(self, namespace: str) -> bool:
        """Whether resources of a namespace may be made."""
        refused = {each.lower() for each in self.conditions().unregisteredProviders}
        return namespace.lower() not in refused - self._registered

    def register(self, namespace: str) -> None:
        """From now on they may."""
        self._registered.add(namespace.lower())

    async def permissions(self, request: Request) -> Response:
        """Everything, but for what is denied."""
        admitted(request)
        rights = {"actions": ["*"], "notActions": list(self.conditions().deniedActions)}
        return JSONResponse({"value": [{**rights, "dataActions": [], "notDataActions": []}]})
