"""A resource that changes, as it may be shown."""

from __future__ import annotations

from dataclasses import dataclass

from infra.preview.plan import Op
from infra.review.azure import Endpoint


@dataclass(frozen=True)
class Row:
    """A property that changes, as it is shown.

    Attributes:
        path: Where, such as `containers[0].image`.
        label: The list element it belongs to, such as an environment variable's name, or empty.
        before: The value before, or what stands for it.
        after: The value after, the same way.
        forces: Whether it forces a replacement.
    """

    path: str
    label: str
    before: str
    after: str
    forces: bool = False

    @property
    def told(self) -> tuple[str, str, str, str]:
        """What is said of it: equal for the same change of several resources."""
        return self.path, self.label, self.before, self.after


@dataclass(frozen=True)
class ResourceChange:
    """A resource that changes.

    Attributes:
        name: Its name in the program.
        type: Its type without the provider, such as `storage:StorageAccount`.
        op: What Azure will do.
        planned: What the provider says.
        protected: Whether Pulumi will refuse to delete it.
        endpoint: What it means for the scoring endpoint.
        notes: What a reviewer should know.
        rows: Its properties.
        lost: What is destroyed with it and never comes back, or empty.
        vanished: Whether it is made anew because it is gone from the cloud.
        digest: Stands for everything that is planned for it, the hidden values too.
    """

    name: str
    type: str
    op: Op
    planned: Op
    protected: bool
    endpoint: Endpoint
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    lost: str
    vanished: bool
    digest: str

    @property
    def destructive(self) -> bool:
        """Whether something that exists is deleted."""
        return self.op in {Op.DELETE, Op.REPLACE}

    @property
    def forced_by(self) -> tuple[Row, ...]:
        """The properties that force a replacement."""
        return tuple(row for row in self.rows if row.forces)
