"""`requirements.in` lists what the project imports or runs, and nothing else."""

from __future__ import annotations

import ast
import re
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = {
    "setuptools": "azureml-core imports pkg_resources",
    "pytest-randomly": "tests/conftest.py",
    "pytest-timeout": "timeout in pyproject.toml",
    "pytest-xdist": "make test",
    "schemathesis": "tests/scoring/test_openapi.py",
    "ipykernel": "the notebook",
    "mkdocs-material": "mkdocs.yml",
    "basedpyright": "make check",
    "ruff": "make check",
    "zizmor": "make check",
    "cyclonedx-bom": "check.yml",
}
"""What nothing imports, and why it is there."""


def imported() -> set[str]:
    """Every module that a file of the project imports, and each name of it, with dots around."""
    found: set[str] = set()
    for path in ROOT.glob("[!.]*/**/*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {f"{each.name}." for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found |= {f"{node.module}.{each.name}." for each in node.names}
    return found


def test_every_package_is_imported_or_run() -> None:
    text = (ROOT / "requirements.in").read_text(encoding="utf-8")
    listed = set(re.findall(r"(?m)^[\w-]+", text))
    modules: dict[str, set[str]] = {}
    for module, packages in packages_distributions().items():
        for package in packages:
            modules.setdefault(re.sub(r"[_.]", "-", package.lower()), set()).add(f"{module}.")
    used = imported()

    def is_imported(package: str) -> bool:
        # Azure's packages share their first folder.
        shared = package.startswith("azure-")
        begin = (package.replace("-", ".") + ".",) if shared else tuple(modules.get(package, ()))
        return any(each.startswith(begin) for each in used)

    assert {name for name in listed if not is_imported(name)} - {"atheris"} == RUN.keys()
