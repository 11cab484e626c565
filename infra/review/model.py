"""The model as a part of the change: which one answers before and after, and where it got worse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra import azure_facts
from infra.preview import paths
from infra.preview.paths import Path
from infra.preview.plan import Plan, State
from infra.preview.untold import SECRET, UNKNOWN
from infra.review.manifests import Manifest, Manifests

_VARIABLE = "MODEL_SHA256"


@dataclass(frozen=True)
class _Form:
    """Where a resource that runs the service says what it runs."""

    target: str
    containers: Path
    variables: str
    tags: Path


_FORMS = {
    azure_facts.CONTAINER_GROUP: _Form("aci", ("containers",), "environmentVariables", ("tags",)),
    azure_facts.DEPLOYMENT: _Form(
        "aks",
        ("spec", "template", "spec", "containers"),
        "env",
        ("spec", "template", "metadata", "annotations"),
    ),
}


@dataclass(frozen=True)
class Side:
    """The model before or after the change.

    Attributes:
        images: The images of the containers; None for one that is not known before the update.
        sha256: The declared SHA-256 of the model, or None.
        version: The version the container group names, or the manifest's.
        manifest: What is known of the model, or None.
        url: Where its manifest can be looked at, or empty.
        target: What it runs on, `aci` or `aks`.
    """

    images: tuple[str | None, ...]
    sha256: str | None
    version: str | None
    manifest: Manifest | None
    url: str
    target: str


@dataclass(frozen=True)
class Cell:
    """A cell of the confusion matrix that got worse.

    Attributes:
        true: The true label.
        predicted: The predicted one; the same as `true` on the diagonal.
        before: Samples in the cell with the old model.
        after: Samples with the new one.
    """

    true: str
    predicted: str
    before: int
    after: int

    @property
    def worse_by(self) -> int:
        """How many samples worse, at least 1."""
        return abs(self.after - self.before)


@dataclass(frozen=True)
class ModelChange:
    """What happens to the model of one container group, or of one Deployment.

    Attributes:
        group: Its name in the program.
        old: Before, or None where there was none.
        new: After, or None where there will be none.
        worse: Cells of the confusion matrix that got worse, the worst first.
        incomparable: Why the matrices cannot be compared, or empty.
    """

    group: str
    old: Side | None
    new: Side | None
    worse: tuple[Cell, ...]
    incomparable: str

    @property
    def same_model(self) -> bool:
        """Whether another image carries the same model."""
        return bool(self.old and self.new and self.old.sha256 == self.new.sha256)

    @property
    def moves(self) -> bool:
        """Whether it runs on another target from then on."""
        return bool(self.old and self.new and self.old.target != self.new.target)

    @property
    def same_image(self) -> bool:
        """Whether another model is declared for the very images that run."""
        return bool(self.old and self.new and self.old.images == self.new.images)


def changes(plan: Plan, manifests: Manifests) -> list[ModelChange]:
    """What runs the service in a plan and gets another image or model, or another place."""
    found: list[ModelChange] = []
    for step in plan.steps:
        form = _FORMS.get(step.type)
        if form is None:
            continue
        old, new = (_side(state, form, manifests) for state in (step.old, step.new))
        if old is None and new is None:
            continue
        if old is None or new is None or _differ(old, new):
            found.append(_compare(step.name, old, new))
    gone, come = (
        [one for one in found if one.new is None],
        [one for one in found if one.old is None],
    )
    if len(gone) == len(come) == 1:
        moved = _compare(come[0].group, gone[0].old, come[0].new)
        if moved.moves:
            return [moved, *(each for each in found if each not in (*gone, *come))]
    return found


def _differ(old: Side, new: Side) -> bool:
    """Whether the model differs, or the images do: one that is not known names no other image."""
    if old.sha256 != new.sha256:
        return True
    known = None not in old.images and None not in new.images
    return known and old.images != new.images


def _side(state: State | None, form: _Form, manifests: Manifests) -> Side | None:
    if state is None:
        return None
    containers = paths.at(state.inputs, form.containers)
    containers = containers if isinstance(containers, list) else []
    tags = paths.at(state.inputs, form.tags)
    tags = tags if isinstance(tags, Mapping) else {}
    images = tuple(_image(_get(one, "image")) for one in containers)
    sha256 = _variable(containers, form) or _plain(tags.get("modelSha256"))
    manifest = manifests.by_sha256.get(sha256 or "")
    version = _plain(tags.get("modelVersion")) or (manifest.version if manifest else None)
    url = manifest.url if manifest else ""
    return Side(images, sha256, version, manifest, url, form.target)


def _variable(containers: list[Any], form: _Form) -> str | None:
    for container in containers:
        for variable in _get(container, form.variables) or ():
            if _get(variable, "name") == _VARIABLE:
                return _plain(_get(variable, "value"))
    return None


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _image(value: Any) -> str | None:
    return None if value in (UNKNOWN, SECRET) else str(value or "")


def _plain(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _compare(name: str, old: Side | None, new: Side | None) -> ModelChange:
    before = old.manifest if old else None
    after = new.manifest if new else None
    if not (before and after) or before == after:
        return ModelChange(name, old, new, (), "")
    if not before.confusion or not after.confusion:
        reason = "a manifest has no confusion matrix"
    elif before.classes != after.classes:
        reason = "the models have other classes"
    elif before.data != after.data or before.rows != after.rows:
        reason = "the models were measured on other test data"
    else:
        return ModelChange(name, old, new, _worse(before, after), "")
    return ModelChange(name, old, new, (), reason)


def _worse(before: Manifest, after: Manifest) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for row, true in enumerate(before.classes):
        for column, predicted in enumerate(before.classes):
            was, will_be = before.confusion[row][column], after.confusion[row][column]
            # Right answers are on the diagonal: fewer is worse there, more is worse elsewhere.
            if will_be < was if row == column else will_be > was:
                cells.append(Cell(true, predicted, was, will_be))
    # Stable: cells that got equally worse stay in the order of the matrix.
    return tuple(sorted(cells, key=lambda one: -one.worse_by))
