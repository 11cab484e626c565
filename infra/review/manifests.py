"""The manifests of models, found by the SHA-256 of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.github.workflow import blob_url
from scoring import manifest as manifests
from scoring.errors import ModelError


@dataclass(frozen=True)
class Manifest:
    """What a reviewer wants to know of a model.

    Attributes:
        name: The model's name.
        version: Its version.
        sha256: The SHA-256 of its file.
        accuracy: 0 to 1 on the test data, or None.
        rows: How many samples that was measured on, or None.
        data: MD5 of each file of the test data.
        classes: The labels, in the order of the confusion matrix.
        confusion: Rows true, columns predicted; empty where not recorded.
        url: Where it can be looked at, or empty.
    """

    name: str
    version: str
    sha256: str
    accuracy: float | None
    rows: int | None
    data: Mapping[str, str]
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    url: str


@dataclass(frozen=True)
class Manifests:
    """All that were found.

    Attributes:
        by_sha256: The manifests.
        broken: What could not be read, a sentence each.
    """

    by_sha256: Mapping[str, Manifest]
    broken: tuple[str, ...] = ()


def find(folder: Path) -> Manifests:
    """Read every `manifest.json` below a folder; a broken one is reported, not fatal."""
    found: dict[str, Manifest] = {}
    broken: list[str] = []
    for path in sorted(folder.rglob("manifest.json")):
        shown = path.relative_to(folder).as_posix()
        try:
            manifest = _read(path)
        except ModelError as error:
            broken.append(f"{shown}: {str(error).removeprefix(f'{path} ')}")
        else:
            found.setdefault(manifest.sha256, manifest)
    return Manifests(found, tuple(broken))


def _url(path: Path) -> str:
    """Where a workflow's reader finds the file; empty outside of one or of the repository."""
    try:
        return blob_url(path.resolve().relative_to(Path.cwd()).as_posix())
    except ValueError:
        return ""


def _read(path: Path) -> Manifest:
    read = manifests.Manifest.read(path.parent)
    matrix = read.confusion
    classes = read.classes if len(read.classes) == len(matrix) else range(len(matrix))
    return Manifest(
        read.name,
        read.version,
        read.sha256,
        read.accuracy,
        read.rows,
        read.data_md5,
        tuple(map(str, classes)),
        matrix,
        _url(path),
    )
