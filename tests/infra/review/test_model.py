"""The model is a part of the change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.azure_facts import CONTAINER_GROUP, DEPLOYMENT
from infra.preview.plan import Op, Plan, State, Step
from infra.preview.untold import SECRET, UNKNOWN
from infra.review import manifests
from infra.review.model import ModelChange, changes
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
    (said,) = found.broken
    assert said.startswith("broken/manifest.json: ")
    assert len(said.removeprefix("broken/manifest.json: ")) > len("None")
    assert str(folder) not in said


def test_a_manifest_tells_what_a_reviewer_wants_to_know(folder: Path) -> None:
    one = manifests.find(folder).by_sha256[OLD]
    assert (one.name, one.version, one.sha256) == ("sklearn_mnist", "1", OLD)
    assert (one.accuracy, one.rows, one.data) == (287 / 300, 300, {"t10k": "x"})
    assert one.classes == ("cat", "dog", "owl")
    assert one.confusion == ((90, 5, 5), (0, 100, 0), (1, 2, 97))


def test_labels_that_do_not_fit_the_matrix_are_numbered(tmp_path: Path) -> None:
    write(tmp_path, "1", OLD, [[1, 2], [3, 4]])
    assert manifests.find(tmp_path).by_sha256[OLD].classes == ("0", "1")


def test_the_first_of_two_manifests_of_a_model_counts(tmp_path: Path) -> None:
    for version in ("2", "1"):
        write(tmp_path, version, OLD, [[1]])
    assert manifests.find(tmp_path).by_sha256[OLD].version == "1"


def test_a_workflows_reader_finds_a_manifest_in_the_repository_and_nowhere_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert manifests.find(folder / "some").by_sha256[OLD].url == ""
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "o/r")
    monkeypatch.setenv("GITHUB_SHA", "a" * 40)
    place = f"https://github.com/o/r/blob/{'a' * 40}/some/1/manifest.json"
    for start in (folder / "some", Path("some")):
        assert manifests.find(start).by_sha256[OLD].url == place
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert manifests.find(folder).by_sha256[OLD].url == ""


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


def manifest(sha256: str, **more: Any) -> manifests.Manifest:
    known: dict[str, Any] = {
        "name": "pets",
        "version": f"v{sha256}",
        "accuracy": 0.9,
        "rows": 10,
        "data": {"t10k": "x"},
        "classes": ("cat", "dog"),
        "confusion": ((5, 1), (2, 2)),
        "url": f"https://example.com/{sha256}",
    }
    return manifests.Manifest(sha256=sha256, **{**known, **more})


def running(
    name: str = "svc",
    kind: str = CONTAINER_GROUP,
    *,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
) -> Step:
    old_state, new_state = (None if each is None else State(each) for each in (old, new))
    op = Op.CREATE if old is None else Op.DELETE if new is None else Op.UPDATE
    return Step(op, f"urn::{name}", kind, old_state, new_state)


def on_aci(sha256: Any = "a", image: Any = "cr.example/svc:1", **tags: Any) -> dict[str, Any]:
    """A container group beside whose model another container runs."""
    variables = [{"name": "SCORING_PORT", "value": "1"}, {"name": "MODEL_SHA256", "value": sha256}]
    containers = [{"image": "cr.example/side:1"}, {"image": image}]
    containers[1]["environmentVariables"] = variables
    return {"containers": containers, "tags": tags}


def on_aks(sha256: Any = "a", image: Any = "cr.example/svc:1", **tags: Any) -> dict[str, Any]:
    variables = [{"name": "MODEL_SHA256", "value": sha256}]
    containers = [{"image": image, "env": variables}]
    return {"spec": {"template": {"metadata": {"annotations": tags}, "spec": {
        "containers": containers}}}}  # fmt: skip


def found(*steps: Step, known: Any = ()) -> list[ModelChange]:
    return changes(Plan(steps), manifests.Manifests({one.sha256: one for one in known}))


@pytest.mark.parametrize(
    ("kind", "inputs", "target"), [(CONTAINER_GROUP, on_aci, "aci"), (DEPLOYMENT, on_aks, "aks")]
)
def test_a_side_tells_what_the_resource_declares_and_its_manifest_knows(
    kind: str, inputs: Make, target: str
) -> None:
    known = manifest("a")
    (one,) = found(running(kind=kind, new=inputs(modelVersion="7")), known=[known])
    assert one.group == "svc"
    assert one.old is None
    assert one.new
    assert one.new.images[-1] == "cr.example/svc:1"
    assert (one.new.sha256, one.new.version, one.new.target) == ("a", "7", target)
    assert (one.new.manifest, one.new.url) == (known, "https://example.com/a")
    (unversioned,) = found(running(kind=kind, new=inputs()), known=[known])
    assert unversioned.new
    assert unversioned.new.version == "va"
    (unknown,) = found(running(kind=kind, new=inputs("b")), known=[known])
    assert unknown.new
    assert (unknown.new.version, unknown.new.manifest, unknown.new.url) == (None, None, "")


@pytest.mark.parametrize(
    "inputs",
    [
        {"containers": [{"image": "i"}], "tags": {"modelSha256": "a"}},
        {
            "containers": [{"image": "i", "environmentVariables": [{"name": "MODEL_SHA256"}]}],
            "tags": {"modelSha256": "a"},
        },
    ],
)
def test_the_tag_names_the_model_where_no_variable_does(inputs: dict[str, Any]) -> None:
    (one,) = found(running(new=inputs))
    assert one.new
    assert one.new.sha256 == "a"


@pytest.mark.parametrize("value", [UNKNOWN, SECRET, 7, None])
def test_a_model_whose_sha256_is_no_text_is_not_known(value: Any) -> None:
    (one,) = found(running(new=on_aci(value)))
    assert one.new
    assert one.new.sha256 is None
    (tagged,) = found(running(new={"containers": [], "tags": {"modelSha256": value}}))
    assert tagged.new
    assert tagged.new.sha256 is None


def test_what_is_no_object_in_a_list_says_nothing() -> None:
    containers = [SECRET, {"image": "i", "environmentVariables": [SECRET, "x"]}]
    (one,) = found(running(new={"containers": containers, "tags": {}}))
    assert one.new
    assert (one.new.images, one.new.sha256) == (("", "i"), None)


def test_a_resource_that_runs_no_service_ends_nothing() -> None:
    others = [running(kind="t", new=on_aci()), Step(Op.SAME, "urn::x", CONTAINER_GROUP)]
    assert [one.group for one in found(*others, running(new=on_aci()))] == ["svc"]


@pytest.mark.parametrize("odd", [{"containers": SECRET, "tags": UNKNOWN}, {"containers": 3}, {}])
def test_what_is_not_told_of_a_resource_is_not_known(odd: dict[str, Any]) -> None:
    (one,) = found(running(new=odd))
    assert one.new
    assert (one.new.images, one.new.sha256, one.new.version) == ((), None, None)


@pytest.mark.parametrize("image", [UNKNOWN, SECRET])
def test_an_image_that_is_not_known_is_no_other_one(image: Any) -> None:
    assert found(running(old=on_aci(), new=on_aci(image=image))) == []
    assert found(running(old=on_aci(image=image), new=on_aci())) == []
    (one,) = found(running(old=on_aci(), new=on_aci("b", image)))
    assert one.new
    assert one.new.images == ("cr.example/side:1", None)
    (other,) = found(running(old=on_aci(), new=on_aci(image=None)))
    assert other.new
    assert other.new.images == ("cr.example/side:1", "")


@pytest.mark.parametrize(
    ("new", "same_model", "same_image"),
    [
        (on_aci(image="cr.example/svc:2"), True, False),
        (on_aci("b"), False, True),
        (on_aci("b", "cr.example/svc:2"), False, False),
    ],
)
def test_another_model_is_told_from_another_image(
    new: dict[str, Any], same_model: bool, same_image: bool
) -> None:
    (one,) = found(running(old=on_aci(), new=new))
    assert (one.same_model, one.same_image, one.moves) == (same_model, same_image, False)
    assert found(running(old=new, new=new)) == []


def test_a_service_that_comes_or_goes_is_neither_the_same_nor_moved() -> None:
    for one in (running(new=on_aci()), running(old=on_aci())):
        (change,) = found(one)
        assert (change.same_model, change.same_image, change.moves) == (False, False, False)
    assert found(Step(Op.SAME, "urn::x", CONTAINER_GROUP)) == []
    assert found(running(kind="t", new=on_aci())) == []


@pytest.mark.parametrize("kinds", [(CONTAINER_GROUP, DEPLOYMENT), (DEPLOYMENT, CONTAINER_GROUP)])
def test_a_service_that_goes_here_and_comes_there_has_moved(kinds: tuple[str, str]) -> None:
    inputs = {CONTAINER_GROUP: on_aci, DEPLOYMENT: on_aks}
    gone = running("old", kinds[0], old=inputs[kinds[0]]("a"))
    come = running("new", kinds[1], new=inputs[kinds[1]]("b"))
    third = running("third", old=on_aci("a"), new=on_aci("c"))
    known = [manifest("a"), manifest("b", confusion=((5, 1), (3, 1)))]
    for steps in ((gone, third, come), (come, third, gone)):
        moved, other = found(*steps, known=known)
        assert (moved.group, moved.moves, other.group) == ("new", True, "third")
        assert moved.old
        assert moved.new
        assert (moved.old.sha256, moved.new.sha256) == ("a", "b")
        assert len(moved.worse) == 2


def test_a_service_that_is_declared_under_another_name_has_not_moved() -> None:
    gone, come = running("old", old=on_aci("a")), running("new", new=on_aci("b"))
    assert [(one.group, one.moves) for one in found(gone, come)] == [("old", False), ("new", False)]
    more = running("more", DEPLOYMENT, new=on_aks("b"))
    assert [one.group for one in found(gone, come, more)] == ["old", "new", "more"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"confusion": ()}, "a manifest has no confusion matrix"),
        ({"classes": ("cat", "owl")}, "the models have other classes"),
        ({"data": {"t10k": "y"}}, "the models were measured on other test data"),
        ({"rows": 9}, "the models were measured on other test data"),
        ({"accuracy": 0.1}, ""),
    ],
)
def test_two_matrices_are_compared_only_where_they_can_be(
    more: dict[str, Any], reason: str
) -> None:
    for two in (
        [manifest("a"), manifest("b", **more)],
        [manifest("a", **more), manifest("b")],
    ):
        (change,) = found(running(old=on_aci("a"), new=on_aci("b")), known=two)
        assert (change.incomparable, change.worse) == (reason, ())


def test_what_got_worse_is_told_from_what_got_better_the_worst_first() -> None:
    old = manifest("a", confusion=((9, 1, 0), (0, 9, 1), (1, 1, 8)), classes=("a", "b", "c"))
    new = manifest("b", confusion=((8, 2, 0), (0, 6, 4), (0, 0, 10)), classes=("a", "b", "c"))
    (change,) = found(running(old=on_aci("a"), new=on_aci("b")), known=[old, new])
    assert [(one.true, one.predicted, one.before, one.after) for one in change.worse] == [
        ("b", "b", 9, 6),
        ("b", "c", 1, 4),
        ("a", "a", 9, 8),
        ("a", "b", 1, 2),
    ]
    assert [one.worse_by for one in change.worse] == [3, 3, 1, 1]


def test_a_model_without_a_manifest_or_with_the_same_one_is_not_compared() -> None:
    steps = running(old=on_aci("a"), new=on_aci("b"))
    for known in ([], [manifest("a")], [manifest("b")]):
        assert [(one.worse, one.incomparable) for one in found(steps, known=known)] == [((), "")]
    same = manifest("a", confusion=())
    again = running(old=on_aci("a"), new=on_aci("a", "cr.example/svc:2"))
    assert [one.incomparable for one in found(again, known=[same])] == [""]
