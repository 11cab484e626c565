"""The image: the same bytes for the same input, the Dockerfile's twin, and it runs elsewhere."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import httpx
import pytest

from scoring.errors import ImageError, ModelError
from scoring.image.build import ENVIRONMENT, ROOM, build_image
from scoring.image.layer import file_entry, pack
from scoring.image.oci import write_layout
from scoring.image.push import push_image


def layer(image: Path) -> tarfile.TarFile:
    """The image's only layer, reached through index and manifest."""

    def blob(digest: str) -> bytes:
        return (image / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()

    index = json.loads((image / "index.json").read_bytes())
    manifest = json.loads(blob(index["manifests"][0]["digest"]))
    (only,) = manifest["layers"]
    return tarfile.open(fileobj=io.BytesIO(blob(only["digest"])))


@pytest.fixture(scope="module")
def image(model_dir, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("image") / "image"
    build_image(model_dir, out)
    return out


def test_other_times_of_the_files_give_the_same_digest(model_dir, image, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(model_dir, model)
    for path in model.iterdir():
        os.utime(path, (1, 1))
    first, second = build_image(model_dir, tmp_path / "a"), build_image(model, tmp_path / "b")
    assert first["digest"] == second["digest"]
    assert (
        first["digest"] == json.loads((image / "index.json").read_bytes())["manifests"][0]["digest"]
    )


def test_the_dockerfile_sets_and_copies_the_same(image):
    text = (ROOM / "Dockerfile").read_text().replace("\\\n", " ")
    (line,) = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    assert dict(pair.split("=") for pair in line.split()) == ENVIRONMENT
    copied = {source for source, _ in re.findall(r"^COPY (\S+) (\S+)$", text, re.MULTILINE)}
    with layer(image) as tar:
        packed = {member.name.split("/")[1] for member in tar if member.isfile()}
        context = {
            path.relative_to(image / "context").as_posix(): path.read_bytes()
            for path in (image / "context").rglob("*")
            if path.is_file() and path.name != "Dockerfile"
        }
        for name, content in context.items():
            file = tar.extractfile(f"app/{name}")
            assert file is not None
            assert file.read() == content
    assert packed == copied


def test_it_holds_only_what_serving_needs(image):
    with layer(image) as tar:
        names = {member.name for member in tar if member.isfile()}
        assert all(member.uid == member.gid == member.mtime == 0 for member in tar)
    assert "app/scoring/score.py" in names
    assert "app/scoring/process/__main__.py" in names
    assert not {name for name in names if "/image/" in name or name.endswith("cli.py")}
    pins = re.findall(r"^([\w.-]+)==", (ROOM / "requirements.txt").read_text(), re.MULTILINE)
    assert not [
        pin for pin in pins if re.match(r"pulumi|azure|typer|rich|pytest|matplotlib|pandas", pin)
    ]
    assert "scikit-learn" in pins


def test_what_it_was_trained_on_is_a_label_whatever_its_letters(model_dir, tmp_path):
    model, data = tmp_path / "model", 'wine "1991", $5 \\ bottle'
    shutil.copytree(model_dir, model)
    manifest = json.loads((model / "manifest.json").read_text())
    (model / "manifest.json").write_text(json.dumps({**manifest, "data": data}))
    built = build_image(model, tmp_path / "out")
    assert built["labels"]["model.data"] == data
    text = (tmp_path / "out" / "context" / "Dockerfile").read_text()
    (line,) = re.findall(r"^LABEL model.data=(.*)$", text, re.MULTILINE)
    # A Dockerfile's double quotes are a shell's.
    assert subprocess.check_output(["sh", "-c", f"printf %s {line}"], text=True) == data


def test_an_altered_model_is_not_packed(model_dir, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(model_dir, model)
    with (model / "sklearn_mnist_model.pkl").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match="sha256"):
        build_image(model, tmp_path / "out")


def test_the_unpacked_layer_serves_from_its_own_folder(image, images, estimator, tmp_path):
    with layer(image) as tar:
        # Debian 12's Python 3.11.2 has no argument `filter` yet; 3.12 warns without a filter.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(tmp_path)  # noqa: S202 (our own image)
    variables = {**ENVIRONMENT, "SCORING_HOST": "127.0.0.1", "SCORING_PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "scoring.process"],
        cwd=tmp_path / "app",
        env={"PATH": os.environ["PATH"], **variables},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        answer = httpx.post(
            f"http://127.0.0.1:{port}/score",
            json={"data": images[:30].tolist()},
            trust_env=False,
        )
        assert answer.json() == estimator.predict(images[:30]).tolist()
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize(
    "registry", ["crmnist.azurecr.io", "127.0.0.1.example:5000", "10.0.0.4:5000"]
)
def test_an_image_without_a_python_is_pushed_to_the_stand_in_alone(image, registry):
    with pytest.raises(ImageError, match="has no Python; build one there: az acr build") as refused:
        push_image(image, registry, "scoring")
    assert str(image / "context") in str(refused.value)


@pytest.mark.parametrize(
    ("host", "told"), [("127.0.0.1", False), ("localhost", False), ("registry.invalid", True)]
)
def test_a_registry_of_this_machine_or_one_that_is_meant_is_asked(
    image, host, told, closed_port, monkeypatch
):
    for name, value in {"TENANT_ID": "t", "CLIENT_ID": "c", "CLIENT_SECRET": "s"}.items():
        monkeypatch.setenv(f"AZURE_{name}", value)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", f"https://127.0.0.1:{closed_port}")
    with pytest.raises(ImageError, match="cannot be reached"):
        push_image(image, f"{host}:{closed_port}", "scoring", without_python=told)


def test_any_registry_may_have_an_image_with_a_python(tmp_path, monkeypatch):
    for name, value in {"TENANT_ID": "t", "CLIENT_ID": "c", "CLIENT_SECRET": "s"}.items():
        monkeypatch.setenv(f"AZURE_{name}", value)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://127.0.0.1:9")
    parts = ("usr/bin/python3.11", "app/scoring/score.py")
    layers = [pack([file_entry(name, io.BytesIO(b""), 0)], tmp_path) for name in parts]
    write_layout(tmp_path / "image", layers, {}, "complete")
    with pytest.raises(ImageError, match=r"registry\.invalid cannot be reached"):
        push_image(tmp_path / "image", "registry.invalid", "scoring")


@pytest.mark.parametrize("broken", ["no layers", "no config", "a list", "a layer is gone"])
def test_a_layout_that_is_no_whole_image_is_refused_before_a_registry_is_asked(tmp_path, broken):
    """Such as the index of several platforms, which has manifests in place of layers."""
    packed = pack([file_entry("app/score.py", io.BytesIO(b""), 0)], tmp_path)
    top = write_layout(tmp_path / "image", [packed], {}, "some")
    file = tmp_path / "image" / "blobs" / "sha256" / top.removeprefix("sha256:")
    manifest = json.loads(file.read_bytes())
    if broken == "a layer is gone":
        (file.parent / packed.digest.removeprefix("sha256:")).unlink()
    manifest.pop(broken.removeprefix("no "), None)
    file.write_text(json.dumps([manifest] if broken == "a list" else manifest))
    with pytest.raises(ImageError, match="is no image; make it with: python -m scoring build"):
        push_image(tmp_path / "image", "127.0.0.1:9", "scoring")
