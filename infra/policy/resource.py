"""What a rule looks at: the type and the inputs of one resource."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.policy.limits import Limits
from infra.preview import paths
from infra.preview.untold import MISSING, SECRET, UNKNOWN

_VERSION = re.compile(r"/v\d{8}\w*(?=:)")


class NotKnownYetError(Exception):
    """A rule met a value that only the update itself will produce, or one kept secret."""


@dataclass(frozen=True)
class Resource:
    """One resource as the program declares it.

    Attributes:
        token: The provider's type token, such as `azure-native:storage:StorageAccount`.
        inputs: Its inputs by the provider's own property names; `UNKNOWN` where not known yet,
            `SECRET` where secret.
        limits: What the organisation allows.
    """

    token: str
    inputs: Mapping[str, Any]
    limits: Limits = field(default_factory=Limits)

    @property
    def type(self) -> str:
        """The token without an API version: one resource type has one name."""
        return _VERSION.sub("", self.token)

    def at(self, path: str) -> Any:
        """The value at a path such as `ipAddress.ports[0].port`; None where it is not set.

        Raises:
            NotKnownYetError: The value, or one on the way to it, is not known before the update;
                or one on the way is secret as a whole.
        """
        value: Any = self.inputs
        for step in paths.parse(path):
            if value is SECRET:
                raise NotKnownYetError(path)
            value = paths.at(value, (step,))
            if value is UNKNOWN:
                raise NotKnownYetError(path)
        return None if value is MISSING else value

    def count(self, path: str) -> range:
        """The indices of the list at a path; none where it is not set.

        Raises:
            NotKnownYetError: The list is not known before the update, or secret as a whole.
        """
        value = self.at(path)
        if value is SECRET:
            raise NotKnownYetError(path)
        return range(len(value) if isinstance(value, Sequence) else 0)
