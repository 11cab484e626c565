"""An image's virtual environment: built once, again when a build was cut off."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local_azure.containers.image import Image, ImageError
from local_azure.containers.packages import prepare


def image(root: Path) -> Image:
    root.mkdir(exist_ok=True)
    return Image("sha256:0", root, {"WorkingDir": "/"})


def made(image: Image, cache: Path) -> Path:
    return asyncio.run(prepare(image, cache, os.environ))


def test_an_image_without_packages_gets_a_python_of_its_own(tmp_path: Path):
    programs = made(image(tmp_path / "root"), tmp_path / "cache")
    code = "import sys; print(sys.prefix); import typer"
    done = subprocess.run(
        [programs / "python", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == str(programs.parent)
    assert "No module named 'typer'" in done.stderr


def test_an_environment_is_built_once_and_shared(tmp_path: Path):
    first = made(image(tmp_path / "one"), tmp_path / "cache")
    mark = first / "mark"
    mark.touch()
    assert made(image(tmp_path / "two"), tmp_path / "cache") == first
    assert mark.exists()


def test_an_interrupted_build_is_done_again(tmp_path: Path):
    programs = made(image(tmp_path / "root"), tmp_path / "cache")
    (programs.parent / ".complete").unlink()
    (programs / "python").unlink()
    again = made(image(tmp_path / "root"), tmp_path / "cache")
    assert again == programs
    assert (again / "python").exists()


def test_two_builders_do_not_meet(tmp_path: Path):
    async def both() -> list[Any]:
        builds = [prepare(image(tmp_path / name), tmp_path / "cache", os.environ) for name in "ab"]
        return await asyncio.gather(*builds)

    first, second = asyncio.run(both())
    assert first == second


def test_packages_that_do_not_exist_are_named(tmp_path: Path):
    wanted = image(tmp_path / "root")
    line = "no-such-package @ file:///nowhere/no_such_package-1-py3-none-any.whl"
    (tmp_path / "root" / "requirements.txt").write_text(line)
    with pytest.raises(ImageError, match="cannot be installed"):
        made(wanted, tmp_path / "cache")
