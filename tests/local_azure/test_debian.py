"""Packages of Debian come into a folder, by lists of their own, or one line says why not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from local_azure import debian
from local_azure.errors import LocalAzureError

needs_apt = pytest.mark.skipif(not shutil.which("apt-get"), reason="no apt-get here")


@needs_apt
def test_files_are_unpacked_and_the_machines_lists_stay(tmp_path: Path) -> None:
    lists = Path("/var/lib/apt/lists")
    before = {each.name: each.stat().st_mtime_ns for each in lists.glob("*")}
    debian.unpack(["libmnl0"], tmp_path / "root", os.environ)
    (library,) = (tmp_path / "root").glob("usr/lib/*/libmnl.so.0")
    assert library.resolve().read_bytes().startswith(b"\x7fELF")
    assert {each.name: each.stat().st_mtime_ns for each in lists.glob("*")} == before


@needs_apt
def test_a_package_that_there_is_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalAzureError, match="no-such-package") as refused:
        debian.unpack(["no-such-package"], tmp_path / "root", os.environ)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "root").exists()


def test_without_apt_that_is_the_reason(tmp_path: Path) -> None:
    with pytest.raises(LocalAzureError, match="`apt-get` is not on PATH"):
        debian.unpack(["libmnl0"], tmp_path / "root", {"PATH": str(tmp_path)})


@needs_apt
def test_a_package_that_arrived_damaged_is_named(tmp_path: Path) -> None:
    apt = tmp_path / "bin" / "apt-get"
    apt.parent.mkdir()
    apt.write_text('#!/bin/sh\ncase "$*" in *download*) echo cut off > libmnl0.deb;; esac\n')
    apt.chmod(0o755)
    environment = {**os.environ, "PATH": f"{apt.parent}{os.pathsep}{os.environ['PATH']}"}
    with pytest.raises(LocalAzureError, match=r"^libmnl0\.deb could not be unpacked: ") as refused:
        debian.unpack(["libmnl0"], tmp_path / "root", environment)
    assert "\n" not in str(refused.value)
