"""`check` and `build` start a model as its image will, with its files and packages alone."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from scoring.image.build import ROOM
from scoring.image.check import START

pytestmark = pytest.mark.timeout(600)  # the first check of a lock installs its packages

ROOT = Path(__file__).resolve().parents[2]
OLD = Path(__file__).with_name("pickles") / "ovr-1.5.2.pkl"
FLOWERS, NUMBERS = load_iris(return_X_y=True)


def write(folder: Path, content: bytes, **changes: Any) -> Path:
    folder.mkdir()
    (folder / "model.pkl").write_bytes(content)
    manifest = {
        "name": "own",
        "version": "1",
        "file": "model.pkl",
        "sha256": hashlib.sha256(content).hexdigest(),
        "input": {"features": 4},
        "classes": [0, 1, 2],
        **changes,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def dumped(estimator: Any, folder: Path) -> bytes:
    joblib.dump(estimator, folder / "dumped.pkl")
    return (folder / "dumped.pkl").read_bytes()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    tree = DecisionTreeClassifier(max_depth=2, random_state=1).fit(FLOWERS, NUMBERS)
    return write(tmp_path / "model", dumped(tree, tmp_path))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of a class in a module that lies on this machine's path, and in no image."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "shop.py").write_text(
        "from sklearn.tree import DecisionTreeClassifier\n\n\n"
        "class Tuned(DecisionTreeClassifier):\n    pass\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{modules}{os.pathsep}{ROOT}")
    monkeypatch.syspath_prepend(modules)
    from shop import Tuned  # pyright: ignore[reportMissingImports]

    content = dumped(Tuned(max_depth=2).fit(FLOWERS, NUMBERS), tmp_path)
    return write(tmp_path / "model", content)


def scoring(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scoring", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def test_a_model_that_starts_in_its_image_is_named_and_left_as_it_was(model):
    before = sorted(model.rglob("*"))
    done = scoring("check", "--model", model)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("own 1, sha256 ")
    assert sorted(model.rglob("*")) == before


@pytest.mark.parametrize("command", ["check", "build"])
def test_a_module_that_only_this_machine_has_is_refused_before_anything_is_written(
    command, shop, tmp_path
):
    out = tmp_path / "image"
    done = scoring(command, "--model", shop, *(("--out", out) if command == "build" else ()))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "No module named 'shop'; the image has the packages of scoring/requirements" in line
    assert not out.exists()


@pytest.mark.parametrize("package", ["matplotlib.colors:Normalize", "scoring.errors:ImageError"])
def test_packages_of_the_checkout_are_not_the_image_s(package, tmp_path):
    """Its own modules are: a pickle of one is read, and is no estimator."""
    module, name = package.split(":")
    content = f"c{module}\n{name}\n.".encode()
    done = scoring("check", "--model", write(tmp_path / "model", content))
    assert done.returncode == 1
    wanted = "cannot predict" if module.startswith("scoring") else "No module named 'matplotlib'"
    assert wanted in done.stderr


def test_the_version_in_the_pickle_decides_and_not_the_manifest_s(model, tmp_path):
    said = {"framework": {"scikit-learn": "1.9.1"}}
    old = write(tmp_path / "old", OLD.read_bytes(), **said)
    done = scoring("build", "--model", old, "--out", tmp_path / "image")
    assert done.returncode == 1
    assert "the pickle was written by scikit-learn 1.5.2, 1.9.1 is installed" in done.stderr

    manifest = json.loads((model / "manifest.json").read_text())
    manifest["framework"] = {"scikit-learn": "1.5.2"}
    (model / "manifest.json").write_text(json.dumps(manifest))
    assert scoring("build", "--model", model, "--out", tmp_path / "image").returncode == 0


def test_a_pickle_that_ends_its_process_is_one_line(tmp_path):
    model = write(tmp_path / "model", b"cos\nabort\n(tR.")
    done = scoring("check", "--model", model)
    assert done.returncode == 1
    assert "ended by signal 6" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_image_that_is_there_is_not_checked_again(model, tmp_path):
    out = tmp_path / "image"
    first = scoring("build", "--model", model, "--out", out)
    assert first.returncode == 0, first.stderr
    nowhere = str(model / "model.pkl")  # a file: no environment can be made or found below it
    again = scoring("build", "--model", model, "--out", out, XDG_CACHE_HOME=nowhere)
    assert (again.returncode, again.stdout) == (0, first.stdout)
    other = scoring("build", "--model", model, "--out", tmp_path / "b", XDG_CACHE_HOME=nowhere)
    assert other.returncode == 1
    assert "cannot be used: Not a directory; name another in XDG_CACHE_HOME" in other.stderr


def test_packages_that_cannot_be_installed_are_one_line_and_installed_the_next_time(
    model, tmp_path
):
    cache = tmp_path / "cache"
    done = scoring(
        *("check", "--model", model),
        XDG_CACHE_HOME=str(cache),
        UV_CACHE_DIR=str(tmp_path / "uv"),
        UV_OFFLINE="1",
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "image-packages cannot be installed: " in line
    assert scoring("check", "--model", model, XDG_CACHE_HOME=str(cache)).returncode == 0


def test_docker_build_starts_it_in_the_same_way():
    assert f'RUN python -c "{START}"' in (ROOM / "Dockerfile").read_text()
