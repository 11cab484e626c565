"""Names of the resources: pure functions of prefix, stack and a stable suffix.

Lengths and alphabets are Azure's (resource naming rules of each provider); the abbreviations are
the Cloud Adoption Framework's.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass

_ROLE_NAMESPACE = uuid.UUID("0d0a5cd5-6ec5-4f4f-9d2b-8a0d7f9a4f67")


@dataclass(frozen=True)
class Names:
    """The name of every resource of one stack.

    Attributes:
        prefix: 2 to 10 lower-case letters and digits, a letter first.
        stack: The stack's name, shortened to what every name has room for.
        suffix: 8 hexadecimal digits that keep global names apart and never change for a stack.
    """

    prefix: str
    stack: str
    suffix: str

    @classmethod
    def of(cls, prefix: str, subscription: str, project: str, stack: str) -> Names:
        """Names that are the same at every run and differ between subscriptions and stacks."""
        digest = hashlib.sha256(f"{subscription}/{project}/{stack}".lower().encode()).hexdigest()
        short = re.sub(r"[^a-z0-9]", "", stack.lower())[:6] or "stack"
        return cls(prefix, short, digest[:8])

    @property
    def resource_group(self) -> str:
        """Unique in the subscription."""
        return f"rg-{self._dashed}"

    @property
    def log_analytics(self) -> str:
        """4 to 63 characters."""
        return f"log-{self._dashed}"

    @property
    def application_insights(self) -> str:
        """1 to 260 characters."""
        return f"appi-{self._dashed}"

    @property
    def storage_account(self) -> str:
        """3 to 24 lower-case letters and digits, unique in all of Azure."""
        return f"st{self._plain}"[:24]

    @property
    def key_vault(self) -> str:
        """3 to 24 characters, unique in all of Azure."""
        return f"kv{self._plain}"[:24]

    @property
    def workspace(self) -> str:
        """3 to 33 characters."""
        return f"mlw-{self._dashed}"

    @property
    def registry(self) -> str:
        """5 to 50 letters and digits, unique in all of Azure."""
        return f"cr{self._plain}"

    @property
    def identity(self) -> str:
        """3 to 128 characters."""
        return f"id-{self._dashed}"

    @property
    def cluster(self) -> str:
        """1 to 63 characters."""
        return f"aks-{self._dashed}"

    @property
    def cluster_identity(self) -> str:
        """3 to 128 characters."""
        return f"id-aks-{self._dashed}"

    @property
    def dns_label(self) -> str:
        """5 to 63 lower-case letters, digits and hyphens."""
        return self._dashed

    @property
    def _dashed(self) -> str:
        return f"{self.prefix}-{self.stack}-{self.suffix}"

    @property
    def _plain(self) -> str:
        return f"{self.prefix}{self.stack}{self.suffix}"


def role_definition(subscription: str, role: str) -> str:
    """The id of a built-in role in a subscription."""
    return f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"


def role_assignment(*parts: str) -> str:
    """The GUID that a role assignment must have as its name: the same for the same parts."""
    return str(uuid.uuid5(_ROLE_NAMESPACE, "/".join(parts).lower()))
