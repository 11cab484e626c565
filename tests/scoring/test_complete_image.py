"""`scoring build --complete` and `--base`: an image that any container runtime can run."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from scoring.errors import ImageError, PackagesError
from scoring.image import site_packages
from scoring.image.build import REQUIREMENTS
from scoring.image.layer import Layer, file_entry, link_entry, pack
from tests.support.debian import needs_debian_12
from tests.support.layout import blob, described

ROOT = Path(__file__).resolve().parents[2]
CHROOT = "/usr/sbin/chroot"


def test_a_layer_is_the_same_whatever_made_its_files_and_has_each_folder_once(tmp_path):
    def entries(mtime: int, uid: int) -> Iterator[tuple[tarfile.TarInfo, Any]]:
        for name in ("a/b/one", "a/b/two"):
            info, content = file_entry(name, io.BytesIO(b"text"), 4, runs=True)
            info.mtime, info.uid, info.uname, info.mode = mtime, uid, str(uid), info.mode | 0o4000
            yield info, content
        yield link_entry("a/link", "b/one")

    layer = pack(entries(1, 1), tmp_path)
    assert pack(entries(2, 2), tmp_path) == layer
    content = layer.file.read_bytes()
    assert layer.size == len(content)
    assert layer.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert layer.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(content)).hexdigest()}"
    with tarfile.open(layer.file) as tar:
        assert [each.name for each in tar] == ["a", "a/b", "a/b/one", "a/b/two", "a/link"]
        assert tar.getmember("a/b/one").mode == 0o755
    assert [path.name for path in tmp_path.iterdir()] == [layer.file.name]


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_device_is_never_packed_and_nothing_is_left_of_the_try(kind, tmp_path):
    device = tarfile.TarInfo("dev/null")
    device.type = kind
    with pytest.raises(ImageError, match="dev/null is no file, folder or link"):
        pack([(device, None)], tmp_path)
    assert list(tmp_path.iterdir()) == []


def pin(name: str) -> bytes:
    """A package of the image's lock, alone."""
    text = REQUIREMENTS.read_text()
    (found,) = re.findall(rf"^{name}==(?:.*\\\n)+.*\n", text, re.MULTILINE)
    return found.encode()


def test_the_packages_are_a_layer_for_python_3_11_without_a_trace_of_this_machine(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("UV_CACHE_DIR", str(uv_cache()))
    layers: list[Layer] = []
    for cache in ("one", "two"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / cache))
        layers.append(site_packages.layer(pin("uvloop"), "usr/packages"))
    assert layers[0].file != layers[1].file
    assert layers[0].digest == layers[1].digest
    with tarfile.open(layers[0].file) as tar:
        members = {each.name: each for each in tar}
    assert "usr/packages/uvloop/loop.cpython-311-x86_64-linux-gnu.so" in members
    assert not [name for name in members if "/bin/" in name or name.endswith(".pyc")]
    assert {each.mode for each in members.values()} <= {0o755, 0o644}


def test_a_package_of_another_hash_is_not_packed(monkeypatch, tmp_path):
    monkeypatch.setenv("UV_CACHE_DIR", str(uv_cache()))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lock = re.sub(rb"sha256:\w{64}", b"sha256:" + b"0" * 64, pin("threadpoolctl"))
    with pytest.raises(PackagesError, match=r"the image's packages cannot be installed: .*[Hh]ash"):
        site_packages.layer(lock, "usr/packages")
    assert not list((tmp_path / "sklearn-mnist-svc" / "image-layers").glob("*.json"))


def uv_cache() -> Path:
    """What uv has already, so that a cache of the test's own does not fetch it again."""
    named = os.environ.get("UV_CACHE_DIR")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(named) if named else base / "uv"


def scoring(*arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "scoring", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def complete(model_dir, tmp_path_factory) -> Path:
    """The image with the real packages of Debian."""
    out = tmp_path_factory.mktemp("complete") / "image"
    scoring("build", "--complete", "--model", model_dir, "--out", out)
    return out


@pytest.fixture(scope="module")
def root(complete, tmp_path_factory) -> Path:
    """What is in the image's layers, as a container runtime unpacks them."""
    folder = tmp_path_factory.mktemp("root")
    folder.chmod(0o755)
    for layer in described(complete)[0]["layers"]:
        with tarfile.open(blob(complete, layer["digest"])) as tar:
            tar.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
            tar.extractall(folder)  # noqa: S202 (our own image; its links begin at its root)
    return folder


@pytest.fixture
def started(complete: Path, root: Path) -> Callable[[], subprocess.Popen[str]]:
    """Starts the image's command as its user, with the image's root."""
    if os.geteuid() != 0:
        pytest.skip("only root may change the root")
    config = described(complete)[1]["config"]
    own = dict(pair.split("=", 1) for pair in config["Env"])
    own |= {"SCORING_HOST": "127.0.0.1", "SCORING_PORT": "0", "SCORING_WORKERS": "2"}
    (root / "dev" / "null").touch()  # a runtime mounts its own
    begin = f"import os; os.chdir({config['WorkingDir']!r}); os.execvp('python', {config['Cmd']})"

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [CHROOT, f"--userspec={config['User']}", root, "python", "-c", begin],
            env=own,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.mark.slow
@pytest.mark.timeout(900)
@needs_debian_12
class TestTheRealImage:
    """Made of Debian's packages and run in a root of its own."""

    def test_it_answers_as_the_estimator_does(self, started, images, estimator):
        process = started()
        try:
            assert process.stdout is not None
            port = json.loads(process.stdout.readline())["port"]
            rows = images[:30]
            uri = f"http://127.0.0.1:{port}/score"
            answer = httpx.post(uri, json={"data": rows.tolist()}, trust_env=False, timeout=60)
            assert answer.json() == estimator.predict(rows).tolist()
        finally:
            process.terminate()
            process.communicate(timeout=60)
        assert process.returncode == 0

    def test_a_worker_that_cannot_start_says_why(self, started, root):
        (root / "dev" / "null").rename(root / "dev" / "away")
        try:
            process = started()
            said = process.communicate(timeout=60)[1]
        finally:
            (root / "dev" / "away").rename(root / "dev" / "null")
        assert process.returncode == 1
        reason = "a worker failed: FileNotFoundError: [Errno 2] No such file or directory"
        assert said.splitlines()[-1] == f"error: {reason}: '/dev/null'"

    def test_it_has_all_that_python_and_scikit_learn_load(self, root):
        if os.geteuid() != 0:
            pytest.skip("only root may change the root")
        modules = (
            *("ssl", "sqlite3", "ctypes", "bz2", "lzma", "curses", "readline", "uuid", "zlib"),
            *("scipy.linalg", "sklearn.ensemble", "sklearn.svm", "simdjson", "uvloop"),
        )
        done = subprocess.run(
            [
                CHROOT,
                "--userspec=10001:10001",
                root,
                "python",
                "-W",
                "ignore",
                "-c",
                f"import {', '.join(modules)}, pwd, os; print(pwd.getpwuid(os.getuid()).pw_name)",
            ],
            env={"PATH": "/usr/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("scoring\n", "")

    def test_no_program_of_a_package_is_in_it_or_said_to_be(self, root):
        packages = root / "usr/local/lib/python3.11/dist-packages"
        (record,) = packages.glob("numpy-*.dist-info/RECORD")
        assert "numpy/__init__.py," in record.read_text()
        assert "bin/" not in record.read_text()
        assert not (packages / "bin").exists()

    def test_it_has_no_shell_no_setuid_program_and_no_device(self, complete):
        modes, names = set(), set()
        for layer in described(complete)[0]["layers"]:
            with tarfile.open(blob(complete, layer["digest"])) as tar:
                for each in tar:
                    assert each.isreg() or each.isdir() or each.issym() or each.islnk(), each.name
                    modes |= {each.mode & 0o6000}
                    names |= {each.name}
        assert modes == {0}
        assert not {name for name in names if re.fullmatch(r"(usr/)?bin/(ba|da)?sh", name)}
        assert {"tmp", "etc/passwd", "usr/lib/os-release", "app/model/manifest.json"} <= names

    def test_built_again_it_is_the_same_and_as_a_base_of_itself_it_lacks_nothing(
        self, complete, model_dir, tmp_path
    ):
        digest = json.loads((complete / "index.json").read_bytes())["manifests"][0]["digest"]
        again = ("build", "--complete", "--model", model_dir, "--out", tmp_path / "again")
        assert scoring(*again) == digest
        scoring("build", "--base", complete, "--model", model_dir, "--out", tmp_path / "on")
        own, on = described(complete)[1], described(tmp_path / "on")[1]
        assert on["config"] == own["config"]
        assert on["rootfs"]["diff_ids"] == [
            *own["rootfs"]["diff_ids"],
            *own["rootfs"]["diff_ids"][1:],
        ]
