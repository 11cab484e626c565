"""The base that somebody exported: what is taken of it, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from scoring.errors import ImageError
from scoring.image import exported
from scoring.image.layer import GZIPPED, file_entry, pack
from scoring.image.oci import Base, blobs, write_layout
from tests.support.layout import INDEX, blob, change, described, point, put

DOCKERS = {
    "Env": ["PATH=/usr/local/bin:/usr/bin", "LANG=C.UTF-8", "PYTHONUNBUFFERED=0"],
    "Entrypoint": ["/entry.sh"],
    "Cmd": ["python3"],
    "Labels": {"maintainer": "somebody"},
    "WorkingDir": "/root",
}
PROGRAMS = ("usr/local/bin/python", "usr/local/bin/python3.11")


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """A base image with two layers, the upper one with files of these names."""

    def image(*names: str, config: Mapping[str, Any] = DOCKERS) -> Path:
        folder = tmp_path / "base"
        into = blobs(folder)
        into.mkdir(parents=True)
        layers = [
            pack([file_entry(name, io.BytesIO(name.encode()), len(name)) for name in part], into)
            for part in (("etc/debian_version",), names)
        ]
        write_layout(folder, layers, config, "base")
        return folder

    return image


def read(image: Path, tmp_path: Path) -> Base:
    into = tmp_path / "read"
    into.mkdir()
    return exported.base(image, into)


@pytest.mark.parametrize(
    ("programs", "folder"),
    [
        (PROGRAMS, "usr/local/lib/python3.11/site-packages"),
        (("usr/bin/python", "usr/bin/python3.11"), "usr/local/lib/python3.11/dist-packages"),
    ],
)
def test_packages_go_where_the_base_s_python_looks_for_them(programs, folder, make, tmp_path):
    assert read(make(*programs), tmp_path).packages == folder


def test_the_layers_of_a_base_are_kept_as_they_are(make, tmp_path):
    image = make(*PROGRAMS)
    manifest, configuration = described(image)
    base = read(image, tmp_path)
    assert [each.descriptor() for each in base.layers] == manifest["layers"]
    assert [each.diff_id for each in base.layers] == configuration["rootfs"]["diff_ids"]
    for layer in base.layers:
        assert layer.file.read_bytes() == blob(image, layer.digest).read_bytes()


def test_the_service_s_settings_win_over_those_of_the_base(make, tmp_path):
    own = {
        "Cmd": ["python", "-m", "scoring.process"],
        "Env": ["PYTHONUNBUFFERED=1", "SCORING_PORT=5001"],
        "ExposedPorts": {"5001/tcp": {}},
        "Labels": {"model.name": "m"},
        "WorkingDir": "/app",
    }
    assert read(make(*PROGRAMS), tmp_path).below(own) == {
        **own,
        "Env": [*DOCKERS["Env"][:2], "PYTHONUNBUFFERED=1", "SCORING_PORT=5001"],
        "Labels": {"maintainer": "somebody", "model.name": "m"},
    }


def test_a_base_may_be_an_archive_with_plain_layers_as_docker_save_makes_it(make, tmp_path):
    image = make(*PROGRAMS)
    manifest, _ = described(image)
    for layer in manifest["layers"]:
        content = gzip.decompress(blob(image, layer["digest"]).read_bytes())
        layer["digest"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
        layer["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar"
        blob(image, layer["digest"]).write_bytes(content)
    point(image, put(image, manifest))
    archive = tmp_path / "base.tar"
    with tarfile.open(archive, "w") as tar:
        for name in ("index.json", "oci-layout", "blobs"):
            tar.add(image / name, name)
    base = read(archive, tmp_path)
    assert {each.media_type for each in base.layers} == {GZIPPED.removesuffix("+gzip")}
    assert [each.digest for each in base.layers] == [each.diff_id for each in base.layers]


def test_of_several_platforms_that_of_the_packages_is_taken(make, tmp_path):
    image = make(*PROGRAMS)
    (mine,) = json.loads((image / "index.json").read_bytes())["manifests"]
    platforms = [("linux", "arm64"), ("linux", "amd64"), ("unknown", "unknown")]
    others = [
        {**mine, "digest": mine["digest"] if arch == "amd64" else f"sha256:{'0' * 64}"}
        | {"platform": {"os": system, "architecture": arch}}
        for system, arch in platforms
    ]
    inner = put(image, {"schemaVersion": 2, "mediaType": INDEX, "manifests": others})
    point(image, inner, inner)  # two names of one image
    assert len(read(image, tmp_path).layers) == 2


def without(image: Path) -> None:
    point(image)


def two(image: Path) -> None:
    manifest, _ = described(image)
    point(image, put(image, manifest), put(image, {**manifest, "annotations": {"other": "one"}}))


def cut(image: Path) -> None:
    file = blob(image, described(image)[0]["layers"][1]["digest"])
    file.write_bytes(file.read_bytes()[:-1])


def damaged(image: Path) -> None:
    file = blob(image, described(image)[0]["config"]["digest"])
    file.write_bytes(file.read_bytes() + b" ")


def lacking(image: Path) -> None:
    blob(image, described(image)[0]["layers"][0]["digest"]).unlink()


def swapped(image: Path) -> None:
    change(
        image,
        rootfs={"type": "layers", "diff_ids": described(image)[1]["rootfs"]["diff_ids"][::-1]},
    )


def fewer(image: Path) -> None:
    change(image, rootfs={"type": "layers", "diff_ids": []})


def arm(image: Path) -> None:
    change(image, architecture="arm64")


def zstd(image: Path) -> None:
    manifest, _ = described(image)
    manifest["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.v1.tar+zstd"
    point(image, put(image, manifest))


def outside(image: Path) -> None:
    point(image, {"mediaType": INDEX, "digest": "sha256:../../../index.json", "size": 1})


def no_index(image: Path) -> None:
    (image / "index.json").unlink()


def no_json(image: Path) -> None:
    (image / "index.json").write_text("[]")


def too_deep(image: Path) -> None:
    (image / "index.json").write_text("[" * 100_000)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without, "has 0 images for linux/amd64"),
        (two, "has 2 images for linux/amd64"),
        (cut, "a blob was altered or cut off"),
        (damaged, "a blob was altered or cut off"),
        (swapped, "a blob was altered or cut off"),
        (lacking, r"the blob sha256:\w{64} is not in it"),
        (fewer, "is no OCI image layout"),
        (arm, "is for linux/arm64, and the service's packages are for linux/amd64"),
        (zstd, r"packed as .*\+zstd; export it with gzip"),
        (outside, "is no SHA-256"),
        (no_index, "is no OCI image layout; export one with: skopeo copy"),
        (no_json, "is no OCI image layout"),
        (too_deep, "is no OCI image layout"),
    ],
)
def test_a_base_that_is_no_whole_image_for_the_packages_is_refused(spoil, message, make, tmp_path):
    image = make(*PROGRAMS)
    spoil(image)
    with pytest.raises(ImageError, match=message) as refused:
        read(image, tmp_path)
    assert str(refused.value).startswith(f"the base {image}")
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("usr/local/bin/python", "usr/local/bin/python3.12"), "no program python of version 3.11"),
        (("usr/local/bin/python3.11",), "no program python of version 3.11"),
        ((*PROGRAMS, "lib/ld-musl-x86_64.so.1"), "has musl for a C library"),
    ],
)
def test_a_base_with_another_python_or_c_library_is_refused(names, message, make, tmp_path):
    with pytest.raises(ImageError, match=message):
        read(make(*names), tmp_path)


def test_an_archive_of_an_older_docker_is_no_layout(tmp_path):
    with tarfile.open(tmp_path / "old.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("manifest.json"))
    with pytest.raises(ImageError, match=r"no OCI image layout; .*Docker 25 or newer"):
        read(tmp_path / "old.tar", tmp_path)


@pytest.mark.parametrize("name", ["missing", "file"])
def test_what_is_no_folder_and_no_archive_is_refused_in_one_line(name, tmp_path):
    (tmp_path / "file").write_text("no archive")
    with pytest.raises(ImageError, match=rf"{name} cannot be read: [^\n\[]+\Z"):
        read(tmp_path / name, tmp_path)
