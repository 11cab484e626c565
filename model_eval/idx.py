"""The IDX format of the MNIST files: a magic number, big-endian sizes, then unsigned bytes."""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np
import numpy.typing as npt

from model_eval.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
UNSIGNED_BYTE = 0x08
LARGEST = 64 * 2**20
"""Bytes after unpacking; the largest MNIST file has 47 million."""


def unpack(data: bytes) -> bytes:
    """The bytes themselves, or what a gzip file of them holds.

    Raises:
        DataError: A broken gzip file, or one of more than `LARGEST` bytes.
    """
    if not data.startswith(GZIP_MAGIC):
        return data
    try:
        unpacker = zlib.decompressobj(wbits=31)
        unpacked = unpacker.decompress(data, LARGEST)
    except zlib.error as error:
        raise DataError(f"broken gzip data: {error}") from error
    if not unpacker.eof:
        raise DataError(f"gzip data is cut short or longer than {LARGEST:,} bytes")
    return unpacked


def parse(data: bytes) -> npt.NDArray[np.uint8]:
    """The array in an unpacked IDX file, with the shape that the file declares.

    Raises:
        DataError: Not an IDX file of unsigned bytes, or its length is not what its header says.
    """
    if len(data) < 4:
        raise DataError(f"not an IDX file: {len(data)} bytes, at least 4 are needed")
    zero, kind, dimensions = struct.unpack_from(">HBB", data)
    if zero != 0 or kind != UNSIGNED_BYTE or dimensions == 0:
        raise DataError(f"not an IDX file of unsigned bytes: it begins with {data[:4].hex()}")
    header = 4 + 4 * dimensions
    if len(data) < header:
        raise DataError(f"IDX header cut short: {len(data)} bytes of {header}")
    shape = struct.unpack_from(f">{dimensions}I", data, 4)
    expected = math.prod(shape)
    if len(data) - header != expected:
        raise DataError(
            f"IDX shape {shape} needs {expected:,} bytes of data, {len(data) - header:,} are there"
        )
    return np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape)
