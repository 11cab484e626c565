"""The pages of a validation and of a smoke test say what their commands say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from defusedxml import ElementTree
from typer.testing import CliRunner

from model_eval import dataset, page
from model_eval.__main__ import app
from model_eval.dataset import Dataset
from model_eval.digest import sha256_of
from model_eval.estimator import load

Serve = Callable[[Path], Any]


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def cells(page: str) -> list[list[int]]:
    """The numbers of the page's confusion matrix."""
    (table,) = re.findall(r'<table class="matrix">.*?</table>', page, re.DOTALL)
    body = table[table.index("<tbody>") :]
    rows = re.findall(r"<tr>.*?</tr>", body, re.DOTALL)
    return [[int(each) for each in re.findall(r"<td [^>]*>(\d+)</td>", row)] for row in rows]


def test_a_validation_writes_one_page_with_what_the_report_says(tmp_path: Path) -> None:
    page = tmp_path / "new" / "validation.html"
    done = run("validate", "--out", tmp_path / "out", "--html", page)
    assert done.exit_code == 0, done.output
    assert f"page: {page}" in done.output
    text = page.read_text(encoding="utf-8")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert cells(text) == report["confusion_matrix"]
    assert "Accuracy 0.9205 on 10,000 rows" in text
    assert "The gate is 0.9000; 795 of 10,000 answers are wrong." in text
    for known in (report["model"]["sha256"], *report["data_md5"].values(), "1.9.1"):
        assert known in text
    # The tutorial's plot and 24 mistakes, in the page itself.
    assert text.count('src="data:image/png;base64,') == 25
    assert "rows predicted a second" in text


def test_below_the_gate_the_page_says_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = run("validate", "--out", tmp_path / "out", "--min-accuracy", "0.93", "--html", page)
    assert done.exit_code == 1
    text = page.read_text(encoding="utf-8")
    assert "<strong>Refused.</strong> The gate is 0.9300" in text
    assert "Passed." not in text


def test_mistakes_without_an_image_are_rows_of_a_table(wine: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    chosen = ["--model", wine.model, "--data", wine.data]
    done = run("validate", *chosen, "--out", tmp_path / "out", "--html", page)
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    assert "barbera" in text
    assert text.count('src="data:image/png;base64,') == 1


def test_a_name_that_is_markup_stays_text(wine: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    file = wine.model / "manifest.json"
    content = json.loads(file.read_text())
    content["estimator"] = "</style><script>alert(1)</script>"
    file.write_text(json.dumps(content))
    chosen = ["--model", wine.model, "--data", wine.data]
    assert run("validate", *chosen, "--out", tmp_path / "out", "--html", page).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_mistakes_are_the_most_confident_first(mnist_model: Path) -> None:
    data = dataset.load(None, lambda _: None)
    model, manifest = load(mnist_model)
    predicted = model.predict(data.features)
    found = page.most_confident(model, data, predicted, manifest.classes, 24)
    sure = [one.confidence or 0 for one in found]
    assert sure == sorted(sure, reverse=True)
    assert len(found) == 24
    assert sure[0] > 0.99
    assert all(data.labels[one.row] == one.truth != one.predicted for one in found)
    # Nothing left out is more confident.
    every = page.most_confident(model, data, predicted, manifest.classes, 10_000)
    assert len(every) == 795
    assert max(one.confidence or 0 for one in every[24:]) <= sure[-1]


def test_a_model_without_probabilities_has_mistakes_in_the_order_of_the_data() -> None:
    data = Dataset(np.zeros((3, 1)), np.array(["a", "b", "a"]), {})
    found = page.most_confident(object(), data, np.array(["b", "b", "b"]), ["a", "b"], 9)
    assert [(one.row, one.truth, one.predicted, one.confidence) for one in found] == [
        (0, "a", "b", None),
        (2, "a", "b", None),
    ]


def test_a_smoke_test_writes_the_samples_the_checks_and_the_address(
    serve: Serve, mnist_model: Path, tmp_path: Path
) -> None:
    service, page = serve(mnist_model), tmp_path / "smoke.html"
    chosen = ["--uri", service.uri, "--seed", 1, "--out", tmp_path / "out", "--html", page]
    done = run("smoke", *chosen)
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    right = re.search(r"(\d+) of 30 labels right", done.output)
    assert right
    assert f"{right[1]} of 30 deployed samples right" in text
    assert text.count('src="data:image/png;base64,') == 30
    assert service.uri in text
    assert sha256_of(mnist_model / "sklearn_mnist_model.pkl") in text
    assert text.count('<span class="tag good">ok</span>') == 3


def test_a_failed_smoke_test_writes_why(serve: Serve, mnist_model: Path, tmp_path: Path) -> None:
    service, page = serve(mnist_model), tmp_path / "smoke.html"
    service.sha256 = "0" * 64
    chosen = ["--uri", service.uri, "--wait", 1, "--out", tmp_path / "out", "--html", page]
    done = run("smoke", *chosen)
    assert done.exit_code == 1
    text = page.read_text(encoding="utf-8")
    assert "<strong>Failed.</strong> the endpoint is ready and serves the expected model: " in text
    assert "The endpoint gave no usable answer" in text
    assert "Nothing was answered" in text


def test_a_page_is_well_formed(wine: Any, tmp_path: Path) -> None:
    """The void elements aside it is XML, so every element that opens closes."""
    page = tmp_path / "page.html"
    chosen = ["--model", wine.model, "--data", wine.data]
    run("validate", *chosen, "--out", tmp_path / "out", "--html", page)
    text = page.read_text(encoding="utf-8").removeprefix("<!doctype html>")
    closed = re.sub(r"<((?:meta|link|img|br)\b[^>]*)>", r"<\1/>", text)
    assert ElementTree.fromstring(closed).tag == "html"
