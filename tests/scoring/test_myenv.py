"""`myenv.yml` is what the image's pinned requirements give."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import yaml

from scoring.errors import ImageError
from scoring.myenv import FILE, REQUIREMENTS, conda_file


def test_the_committed_file_is_the_generated_one(tmp_path):
    out = tmp_path / "myenv.yml"
    command = [sys.executable, "-m", "scoring", "myenv", "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert out.read_text() == FILE.read_text(), "run: python -m scoring myenv"


def test_it_pins_python_the_server_and_every_package():
    python, _, pip = yaml.safe_load(FILE.read_text())["dependencies"]
    assert python == "python=3.11"
    assert "azureml-inference-server-http==1.5.1" in pip["pip"]
    (pin,) = re.findall(r"^scikit-learn==\S+", REQUIREMENTS.read_text(), re.MULTILINE)
    assert pin in pip["pip"]
    names = [pin.split("==")[0] for pin in pip["pip"]]
    assert len(names) == len(set(names))


def test_only_what_python_3_11_takes_is_listed(tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        "one==1.0 ; python_full_version < '3.12' \\\n    --hash=sha256:00\n"
        "one==2.0 ; python_full_version >= '3.12' \\\n    --hash=sha256:00\n"
    )
    text = conda_file(lock)
    assert "one==1.0" in text
    assert "one==2.0" not in text


@pytest.mark.parametrize("line", ["one>=1", "one==1.0 ; sys_platform == 'win32'"])
def test_a_line_of_another_form_is_refused(tmp_path, line):
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"{line}\n")
    with pytest.raises(ImageError, match="NAME==VERSION"):
        conda_file(lock)
