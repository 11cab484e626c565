"""Unpacking a layer: what it may hold, and that nothing gets out of the image's folder."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from local_azure.containers import layers
from local_azure.containers.layers import LayerError, Unpacker


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> Any:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


def archive(folder: Path, *members: Any, content: bytes = b"content") -> Path:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for member in members:
            if member.isreg():
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content) if member.isreg() else None)
    path = folder / f"layer-{len(list(folder.iterdir()))}"
    path.write_bytes(gzip.compress(data.getvalue()))
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path


@pytest.fixture
def root(place: Path) -> Path:
    return place / "root"


def test_files_folders_and_their_right_to_run_are_kept(place: Path, root: Path):
    members = entry("a/run.sh", mode=0o755), entry("b", tarfile.DIRTYPE), entry("/c")
    Unpacker(root).apply(archive(place, *members))
    assert (root / "a/run.sh").stat().st_mode & 0o777 == 0o755
    assert (root / "b").is_dir()
    assert (root / "c").read_bytes() == b"content"


def test_a_layer_may_begin_its_names_with_the_folder_itself(place: Path, root: Path):
    members = [entry("./", tarfile.DIRTYPE), entry("./a/", tarfile.DIRTYPE), entry("./a/f")]
    link = entry("./a/same", tarfile.LNKTYPE, "./a/f")
    Unpacker(root).apply(archive(place, *members, link, entry("./a/to", tarfile.SYMTYPE, "./f")))
    assert (root / "a/f").read_bytes() == (root / "a/same").read_bytes() == b"content"
    assert (root / "a/to").resolve() == root / "a/f"
    Unpacker(root).apply(archive(place, entry("./a/.wh.f")))
    assert not (root / "a/f").exists()


def test_a_layer_may_be_zstandard(place: Path, root: Path):
    plain = gzip.decompress(archive(place, entry("a/f"), entry("b")).read_bytes())
    layer = place / "layer.zst"
    layer.write_bytes(zstandard.compress(plain))
    Unpacker(root).apply(layer)
    assert (root / "a/f").read_bytes() == b"content"
    layer.write_bytes(zstandard.compress(plain)[:-7])
    with pytest.raises(LayerError, match="cannot be unpacked"):
        Unpacker(root).apply(layer)


@pytest.mark.parametrize("name", ["d/" * 1500 + "f", "d/" * 201 + "f"])
def test_a_layer_is_not_too_deep_for_whoever_removes_it(place: Path, root: Path, name: str):
    with pytest.raises(LayerError, match="more than 200 folders deep"):
        Unpacker(root).apply(archive(place, entry(name)))
    Unpacker(root).apply(archive(place, entry("d/" * 199 + "f")))


def test_an_upper_layer_replaces_and_removes(place: Path, root: Path):
    unpacker = Unpacker(root)
    lower = [entry("kept/a"), entry("kept/b"), entry("emptied/x"), entry("file"), entry("dir/f")]
    unpacker.apply(archive(place, *lower))
    upper = [
        entry("kept/.wh.a"),
        entry("emptied/.wh..wh..opq"),
        entry("file", tarfile.DIRTYPE),
        entry("dir"),
        entry("emptied/y"),
    ]
    unpacker.apply(archive(place, *upper, content=b"new"))
    assert not (root / "kept/a").exists()
    assert (root / "kept/b").exists()
    assert [path.name for path in (root / "emptied").iterdir()] == ["y"]
    assert (root / "file").is_dir()
    assert (root / "dir").read_bytes() == b"new"


def test_a_link_s_absolute_target_begins_at_the_image_s_root(place: Path, root: Path):
    members = entry("usr/lib/real"), entry("etc/link", tarfile.SYMTYPE, "/usr/lib/real")
    Unpacker(root).apply(archive(place, *members))
    assert (root / "etc/link").resolve() == (root / "usr/lib/real").resolve()
    assert (root / "etc/link").read_bytes() == b"content"


@pytest.mark.parametrize(
    "members",
    [
        [entry("../evil")],
        [entry("a/../../evil")],
        [entry("link", tarfile.SYMTYPE, "../outside"), entry("link/evil")],
        [entry("a/b/link", tarfile.SYMTYPE, "../../../outside")],
        [entry("hard", tarfile.LNKTYPE, "../outside/secret")],
        [entry("hard", tarfile.LNKTYPE, "/etc/passwd")],
        [entry("s", tarfile.SYMTYPE, "x"), entry("hard", tarfile.LNKTYPE, "s")],
        [entry("a/.wh.."), entry("..wh./../x")],
        [entry("../.wh.outside")],
    ],
)
def test_what_leads_out_of_the_image_is_refused(place: Path, root: Path, members: list[Any]):
    (place / "outside").mkdir()
    (place / "outside" / "secret").write_text("secret")
    with pytest.raises(LayerError):
        Unpacker(root).apply(archive(place, *members))
    assert [path.name for path in (place / "outside").iterdir()] == ["secret"]
    assert not (place / "evil").exists()


def test_a_link_that_is_there_already_is_not_followed(place: Path, root: Path):
    (place / "outside").mkdir()
    (root / "link").symlink_to(place / "outside")
    with pytest.raises(LayerError, match="through a link"):
        Unpacker(root).apply(archive(place, entry("link/evil")))


def test_devices_stay_out(place: Path, root: Path):
    Unpacker(root).apply(archive(place, entry("dev/null", tarfile.CHRTYPE), entry("p", b"6")))
    assert not (root / "dev/null").exists()
    assert not (root / "p").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", gzip.compress(b"x" * 2000)[:-20]],
    # What gzip writes begins with the time: an id of it would differ between workers.
    ids=["empty", "no archive", "cut off"],
)
def test_a_damaged_layer_is_refused(place: Path, root: Path, content: bytes):
    layer = place / "layer"
    layer.write_bytes(content)
    with pytest.raises(LayerError, match="cannot be unpacked"):
        Unpacker(root).apply(layer)


def test_an_image_may_not_be_too_large(place: Path, root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layers, "LARGEST", 10)
    unpacker = Unpacker(root)
    unpacker.apply(archive(place, entry("a")))
    with pytest.raises(LayerError, match="more than 10 bytes"):
        unpacker.apply(archive(place, entry("b")))
    monkeypatch.setattr(layers, "MOST_FILES", 2)
    with pytest.raises(LayerError, match="more than 2 files"):
        unpacker.apply(archive(place, entry("c")))


parts = st.lists(st.sampled_from([".", "..", "a", "b", ".wh.a", ""]), min_size=1, max_size=5)
names = parts.map("/".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(names, st.sampled_from(["0", "1", "2", "5"]), names), max_size=6))
def test_no_archive_changes_anything_outside(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, str, str]]
):
    place = tmp_path_factory.mktemp("place")
    root = place / "inner" / "root"
    root.mkdir(parents=True)
    layer = archive(place, *(entry(name, kind.encode(), link) for name, kind, link in members))
    with contextlib.suppress(LayerError):
        Unpacker(root).apply(layer)
    assert sorted(path.name for path in place.iterdir()) == ["inner", layer.name]
    assert [path.name for path in (place / "inner").iterdir()] == ["root"]
    for path in root.rglob("*"):
        assert Path(os.path.realpath(path)).is_relative_to(root.resolve())


def test_frozen_files_cannot_be_written_until_they_are_thawed(place: Path, root: Path):
    Unpacker(root).apply(archive(place, entry("a/b", mode=0o755)))
    layers.freeze(root)
    assert not any(path.stat().st_mode & 0o222 for path in [root, *root.rglob("*")])
    layers.thaw(root)
    assert (root / "a/b").stat().st_mode & 0o777 == 0o755
