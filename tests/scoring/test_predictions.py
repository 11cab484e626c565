"""The fused linear path and the script's two ways in give scikit-learn's own answers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from scoring import score
from scoring.errors import ModelError, Rejection, RowError
from scoring.manifest import Manifest
from scoring.model.linear import LinearModel
from scoring.model.load import load_model
from scoring.model.pickles import LinearParts, linear_parts
from scoring.routes.json_rows import RowReader
from scoring.routes.limits import Limits


@pytest.fixture(scope="module")
def model(model_dir) -> LinearModel:
    loaded = load_model(model_dir)
    assert isinstance(loaded, LinearModel)
    return loaded


def test_all_test_images_are_labelled_as_by_scikit_learn(model, estimator, images):
    assert np.array_equal(model.answer(images), estimator.predict(images))
    for first in range(0, 300, 7):
        rows = images[first : first + 1]
        assert model.answer(rows)[0] == estimator.predict(rows)[0]


@pytest.mark.parametrize("scale", [0.0, 1e-300, 1.0, 1e6, 1e290])
def test_random_rows_are_labelled_as_by_scikit_learn(model, estimator, scale):
    rows = np.random.default_rng(7).normal(size=(500, 784)) * scale
    with np.errstate(over="ignore"):
        assert np.array_equal(model.answer(rows), estimator.predict(rows))


@pytest.mark.parametrize("kind", ["u1", "<f4"])
@pytest.mark.parametrize("rows", [2, 64, 65, 1000, 10_000])
def test_narrow_rows_are_labelled_as_the_float64_of_their_values(
    model, estimator, images, kind, rows
):
    narrow = (images * (255 if kind == "u1" else 1)).round(6).astype(kind)[:rows]
    labels = estimator.predict(narrow.astype(np.float64))
    assert np.array_equal(model.answer(narrow), labels)
    odd = np.frombuffer(b"." + narrow.tobytes(), kind, offset=1).reshape(narrow.shape)
    assert np.array_equal(model.answer(odd), labels)


@pytest.mark.parametrize("scale", [0.0, 1e-44, 1e-25, 1e-20, 1e-12, 1.0, 1e15, 1e25, 1e37])
def test_random_float32_rows_are_labelled_as_by_scikit_learn(model, estimator, scale):
    rows = (np.random.default_rng(7).uniform(-9, 9, size=(500, 784)) * scale).astype(np.float32)
    with np.errstate(over="ignore"):
        assert np.array_equal(model.answer(rows), estimator.predict(rows.astype(np.float64)))


def classifier(coefficients: Any, intercepts: Any) -> LinearModel:
    """One class a row of weights."""
    weights = np.array(coefficients, np.float64)
    parts = LinearParts(
        weights,
        np.array(intercepts, np.float64),
        np.arange(len(weights)),
        "logistic",
        separate=True,
    )
    return LinearModel(parts)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint8])
def test_what_float32_cannot_tell_apart_is_told_by_float64(kind):
    """Weights that are one and the same in float32; each row's best class is the one in `best`."""
    steps = np.arange(3) * 1e-12
    model = classifier(1 + steps[:, None] * np.ones((3, 7)), [0.0, 0.0, 0.0])
    best = np.arange(300) % 2 * 2  # a row of negative numbers has the other end
    if kind != np.uint8:  # which knows no negative ones
        rows = np.where(best[:, None] == 2, 1, -1) * np.ones((300, 7), kind)
        assert np.array_equal(model.answer(rows), best)
    model = classifier([[1, 0], [1 + 1e-12, 0], [0, 1]], [0.0, 0.0, 0.0])
    for every in (10, 100):  # some that are close among many that are not, or few
        many = np.tile(np.array([[1, 50]], kind), (300, 1))
        many[::every] = [50, 1]
        assert np.array_equal(model.answer(many), np.where(np.arange(300) % every, 2, 1))


def test_a_float64_that_float32_cannot_hold_is_scored_as_it_is():
    model = classifier([[1, 0], [0, 1]], [0.0, 0.0])
    for one, other in ((1 + 1e-12, 1.0), (2e300, 1e300), (2e-300, 1e-300)):
        rows = np.tile([[one, other], [other, one]], (50, 1))
        assert np.array_equal(model.answer(rows), np.tile([0, 1], 50))


@pytest.mark.parametrize("weight", [1e-40, 1e-20, 1e20, 1e35, 1e300])
def test_weights_beyond_float32_go_by_float64(weight):
    model = classifier([[weight, 0], [0, weight], [weight * (1 + 1e-9), 0]], [0.0, 0.0, 0.0])
    rows = np.tile(np.array([[3.0, 1.0], [1.0, 3.0]], np.float32), (200, 1))
    assert np.array_equal(model.answer(rows), np.tile([2, 1], 200))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 70, 299])
def test_a_float32_that_is_not_finite_is_named_among_many(model, value, place):
    rows = np.zeros((300, 784), np.float32)
    rows[place, 5] = value
    with pytest.raises(RowError, match=f"row {place}, value 5 is not a finite"):
        model.answer(rows)


def test_equal_scores_go_to_the_class_that_scikit_learn_takes():
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(60, 5))
    fitted: Any = OneVsRestClassifier(LogisticRegression()).fit(rows, np.arange(60) % 3)
    for one in fitted.estimators_:  # all three classes score the same, always
        one.coef_ = fitted.estimators_[0].coef_
        one.intercept_ = fitted.estimators_[0].intercept_
    model = LinearModel(
        LinearParts(
            np.concatenate([one.coef_ for one in fitted.estimators_]),
            np.concatenate([one.intercept_ for one in fitted.estimators_]),
            fitted.classes_,
            "logistic",
            separate=True,
        )
    )
    assert np.array_equal(model.answer(rows), fitted.predict(rows))


def test_run_gives_what_scikit_learn_gives(model_dir, estimator, images, monkeypatch):
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(model_dir))
    monkeypatch.delenv("MODEL_SHA256", raising=False)
    score.init()
    assert json.loads(score.run(json.dumps({"data": images[:100].tolist()}))) == (
        estimator.predict(images[:100]).tolist()
    )


def reader(features: int, rows: int) -> RowReader:
    limits = Limits(features=features, rows=rows, memory=1 << 20, answer=1000, classes=1)
    return RowReader(limits, ("predict",))


number = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-1000, 1000, allow_nan=False, places=40).map(lambda each: f"{each:E}"),
)
space = st.text(" \t\r\n", max_size=3)


@given(
    rows=st.lists(st.lists(number, min_size=3, max_size=3), min_size=1, max_size=4),
    blank=space,
    method=st.booleans(),
    data_last=st.booleans(),
)
def test_every_legal_number_reads_as_json_loads_reads_it(rows, blank, method, data_last):
    listed = f",{blank}".join(f"[{blank}{f'{blank},'.join(row)}]" for row in rows)
    parts = [f'{blank}"data"{blank}:[{listed}]']
    others = [f'"method":{blank}"predict"'] if method else []
    parts = others + parts if data_last else parts + others
    body = f"{blank}{{{','.join(parts)}}}{blank}".encode()
    found, asked = reader(3, 10).read(body)
    assert asked == "predict"
    assert found.tolist() == np.array(json.loads(body)["data"], dtype=np.float64).tolist()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["data", "x"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused_with_a_reason(value):
    small = reader(2, 3)
    refusal = Rejection(0, "", "")
    for content in (value, {"data": value}):
        rows = None
        try:
            rows, _ = small.read(json.dumps(content).encode())
        except Rejection as rejection:
            refusal = rejection
        if rows is None:
            assert 400 <= refusal.status < 500
            assert refusal.message
        else:
            assert rows.shape[1] == 2
            assert np.isfinite(rows).all()


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(body):
    with pytest.raises(Rejection) as refused:
        reader(2, 3).read(body)
    assert refused.value.status == 400


OLD = Path(__file__).with_name("pickles")


@pytest.mark.parametrize("kind", ["liblinear", "ovr"])
def test_a_linear_pickle_of_an_older_scikit_learn_is_refused_whatever_its_manifest_says(
    kind, tmp_path
):
    """1.5 normalises a logistic for each class; today's softmax gives another answer."""
    content = (OLD / f"{kind}-1.5.2.pkl").read_bytes()
    assert linear_parts(content) is None
    write_model(
        tmp_path, content, features=4, classes=[0, 1, 2], framework={"scikit-learn": "1.9.1"}
    )
    with pytest.raises(ModelError, match=r"written by scikit-learn 1\.5\.2"):
        load_model(tmp_path)


def test_a_part_of_another_version_keeps_the_whole_off_the_fast_path(model_dir):
    content = (model_dir / Manifest.read(model_dir).file).read_bytes()
    assert linear_parts(content) is not None
    assert content.count(b"1.9.1") == 1  # the memo repeats it
    assert linear_parts(content.replace(b"1.9.1", b"1.9.0")) is None


def test_an_installed_version_of_unknown_arithmetic_goes_the_general_way(model_dir, monkeypatch):
    content = (model_dir / Manifest.read(model_dir).file).read_bytes()
    monkeypatch.setattr("importlib.metadata.version", lambda _: "1.5.2")
    assert linear_parts(content.replace(b"1.9.1", b"1.5.2")) is None
    assert linear_parts(content) is None


def write_model(folder: Path, content: bytes, **manifest: Any) -> None:
    """A model directory around a pickle's bytes."""
    folder.mkdir(exist_ok=True)
    (folder / "model.pkl").write_bytes(content)
    described = {
        "name": "own",
        "version": "1",
        "file": "model.pkl",
        "sha256": hashlib.sha256(content).hexdigest(),
        "estimator": "Own",
        "framework": {"scikit-learn": "1.9.1"},
        "input": {"features": manifest.pop("features")},
        **manifest,
    }
    (folder / "manifest.json").write_text(json.dumps(described))
