"""The model is a part of the change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.review import manifests
from infra.review.rendering import markdown
from infra.review.report import Report

ROOT = Path(__file__).resolve().parents[3]
Build = Callable[..., Report]
Make = Callable[..., Any]
OLD, NEW = "b" * 64, "c" * 64


def write(folder: Path, version: str, sha256: str, matrix: list[list[int]], **metrics: Any) -> None:
    place = folder / "some" / version
    place.mkdir(parents=True)
    rows = sum(map(sum, matrix))
    right = sum(row[index] for index, row in enumerate(matrix))
    manifest = {
        "name": "sklearn_mnist",
        "version": version,
        "sha256": sha256,
        "file": "model.pkl",
        "input": {"features": 784},
        "classes": ["cat", "dog", "owl"],
        "metrics": {
            "accuracy": right / rows,
            "rows": rows,
            "data_md5": {"t10k": "x"},
            "confusion_matrix": matrix,
            **metrics,
        },
        "something": "else",
    }
    (place / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "1", OLD, [[90, 5, 5], [0, 100, 0], [1, 2, 97]])
    write(tmp_path, "2", NEW, [[97, 2, 1], [0, 100, 0], [1, 9, 90]])
    return tmp_path


def test_another_model_shows_version_digest_accuracy_and_what_got_worse(
    build: Build, group: Make, group_change: Make, folder: Path
) -> None:
    event = group_change(group("d" * 64, OLD, "1"), group("e" * 64, NEW, "2"))
    made = build(event, found=manifests.find(folder))
    (change,) = made.models
    assert [(cell.true, cell.predicted, cell.before, cell.after) for cell in change.worse] == [
        ("owl", "dog", 2, 9),
        ("owl", "owl", 97, 90),
    ]
    shown = markdown(made)
    for line in (
        "| version | `1` | `2` |",
        f"| sha256 | `{OLD}` | `{NEW}` |",
        "| accuracy | 0.9567 of 300 samples | 0.9567 of 300 samples |",
        "| `owl` | `dog` | 2 | 9 | 7 |",
    ):
        assert line in shown


def test_another_image_of_the_same_model_says_so(
    build: Build, group: Make, group_change: Make, folder: Path
) -> None:
    event = group_change(group("d" * 64, OLD), group("e" * 64, OLD))
    assert "Another image with the same model." in markdown(
        build(event, found=manifests.find(folder))
    )


def test_no_model_part_where_neither_image_nor_model_changes(
    build: Build, group: Make, group_change: Make, folder: Path
) -> None:
    made = build(group_change(group(), group(cpu=2)), found=manifests.find(folder))
    assert made.models == ()
    assert "### Model" not in markdown(made)


def test_a_model_without_a_manifest_is_said_to_be_unknown(
    build: Build, group: Make, group_change: Make, folder: Path
) -> None:
    event = group_change(group("d" * 64, OLD), group("e" * 64, "f" * 64, "3"))
    shown = markdown(build(event, found=manifests.find(folder)))
    assert "no manifest with this sha256" in shown
    assert "cannot be compared: a manifest is missing" in shown


def test_matrices_of_other_test_data_are_not_compared(
    build: Build, group: Make, group_change: Make, tmp_path: Path
) -> None:
    matrix = [[9, 1, 0], [0, 10, 0], [0, 0, 10]]
    write(tmp_path, "1", OLD, matrix)
    write(tmp_path, "2", NEW, matrix, data_md5={"t10k": "y"})
    event = group_change(group("d" * 64, OLD), group("e" * 64, NEW))
    assert "measured on other test data" in markdown(build(event, found=manifests.find(tmp_path)))


def test_the_first_deployment_shows_the_model_it_brings(
    build: Build, group: Make, group_change: Make, folder: Path
) -> None:
    event = group_change(None, group("d" * 64, OLD), "create")
    shown = markdown(build(event, found=manifests.find(folder)))
    assert f"| sha256 | (none) | `{OLD}` |" in shown


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"name": "x"}', '{"name": "x", "version": "1", "sha256": "no"}']
)
def test_a_broken_manifest_is_reported_and_the_others_are_read(folder: Path, content: str) -> None:
    (folder / "broken").mkdir()
    (folder / "broken" / "manifest.json").write_text(content)
    found = manifests.find(folder)
    assert set(found.by_sha256) == {OLD, NEW}
    assert len(found.broken) == 1
    assert found.broken[0].startswith("broken/manifest.json: ")


def test_a_matrix_that_is_not_square_is_a_broken_manifest(tmp_path: Path) -> None:
    write(tmp_path, "1", OLD, [[1, 2], [3, 4]], confusion_matrix=[[1, 2], [3]])
    assert len(manifests.find(tmp_path).broken) == 1


def test_the_committed_models_have_manifests_that_can_be_read() -> None:
    found = manifests.find(ROOT / "model_eval" / "models")
    assert found.broken == ()
    assert found.by_sha256
    for manifest in found.by_sha256.values():
        assert len(manifest.confusion) == len(manifest.classes)
        assert manifest.accuracy
