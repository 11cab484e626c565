"""IDX files: what was packed comes back; what is broken is refused with the reason."""

from __future__ import annotations

import contextlib
import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from model_eval import idx
from model_eval.errors import DataError

ARRAYS = arrays(np.uint8, array_shapes(min_dims=1, max_dims=3, max_side=8))


def encoded(array: np.ndarray) -> bytes:
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


@given(ARRAYS)
def test_an_array_comes_back_as_it_was(array: np.ndarray) -> None:
    assert np.array_equal(idx.parse(encoded(array)), array)


@given(ARRAYS, st.data())
def test_a_file_cut_short_anywhere_is_refused(array: np.ndarray, data: st.DataObject) -> None:
    whole = encoded(array)
    with pytest.raises(DataError):
        idx.parse(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.binary(max_size=64))
def test_any_bytes_are_parsed_or_refused(content: bytes) -> None:
    with contextlib.suppress(DataError):
        assert idx.parse(content).nbytes < len(content)


@given(st.binary(max_size=200))
def test_packing_is_undone(content: bytes) -> None:
    assert idx.unpack(gzip.compress(content)) == content


def test_a_broken_gzip_file_is_refused() -> None:
    packed = gzip.compress(b"x" * 1000)
    with pytest.raises(DataError, match="cut short"):
        idx.unpack(packed[:-10])
    with pytest.raises(DataError, match="broken gzip"):
        idx.unpack(b"\x1f\x8b" + b"nonsense")


def test_a_gzip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idx, "LARGEST", 1000)
    with pytest.raises(DataError, match="longer than 1,000"):
        idx.unpack(gzip.compress(b"\0" * 1001))
