from __future__ import annotations

import stat
from pathlib import Path

import pytest

from local_azure.errors import LocalAzureError
from local_azure.home import CHECKOUT, Home, kept_secret


def test_the_state_folder_is_in_the_checkout_unless_named():
    assert Home.from_environment({}).root == CHECKOUT / ".local"
    assert Home.from_environment({"LOCAL_AZURE_DIR": "/somewhere"}).root == Path("/somewhere")


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(LocalAzureError, match="is not a folder"):
        Home.from_environment({"LOCAL_AZURE_DIR": str(file)})


def test_somebody_elses_folder_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(LocalAzureError, match="not the stand-in's"):
        Home(tmp_path).create()
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.tex"]


def test_only_the_owner_can_look_into_the_state_folder(home: Home):
    home.create()
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700


def test_a_secret_is_random_private_and_kept(tmp_path: Path):
    first = kept_secret(tmp_path / "a")
    assert kept_secret(tmp_path / "a") == first
    assert kept_secret(tmp_path / "b") != first
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_an_empty_secret_file_is_filled(tmp_path: Path):
    (tmp_path / "a").touch()
    assert kept_secret(tmp_path / "a")


def test_two_state_folders_have_nothing_in_common(tmp_path: Path):
    assert Home(tmp_path / "a").identity != Home(tmp_path / "b").identity
