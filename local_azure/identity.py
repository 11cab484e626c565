"""The service principal of a state folder."""

from __future__ import annotations

import uuid

from local_azure.arm.subscriptions import TENANT
from local_azure.arm.tokens import Identity
from local_azure.home import Home, kept_secret


def identity(home: Home) -> Identity:
    """The same at every start; its password is random and lives in the state folder alone."""
    namespace = uuid.UUID(int=int(home.identity, 16))
    return Identity(
        client_id=str(uuid.uuid5(namespace, "client")),
        client_secret=kept_secret(home.client_secret),
        object_id=str(uuid.uuid5(namespace, "object")),
        tenant=TENANT,
    )
