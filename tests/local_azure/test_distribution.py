"""The stand-in stands alone: what it needs, what it may not know, and what it says it answers."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import local_azure
from local_azure import coverage

ROOT = Path(local_azure.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = {
    "azure": {"azure-core", "azure-mgmt-core"},
    "google": {"protobuf"},
    "grpc": {"grpcio"},
    "jwt": {"pyjwt"},
    "yaml": {"pyyaml"},
}
"""Distributions whose name is not that of what is imported."""


def imported() -> set[str]:
    """Every top-level module that the stand-in imports, but Python's own."""
    found: set[str] = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                found |= {each.name.split(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - {"local_azure"}


def test_it_declares_what_it_imports_and_no_more() -> None:
    needed: set[str] = set().union(*(PACKAGES.get(name, {name}) for name in imported()))
    declared = set(PROJECT["project"]["dependencies"])
    assert declared == needed


def test_every_package_and_schema_is_part_of_it() -> None:
    folders = {source.parent.relative_to(ROOT.parent).as_posix() for source in SOURCES}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == {
        each.replace("/", ".") for each in folders
    }
    data = {each.relative_to(ROOT / "types") for each in (ROOT / "types").glob("*/*.[jt]*")}
    assert {f"{each.parent}/*" for each in data} == set(
        PROJECT["tool"]["setuptools"]["package-data"]["local_azure.types"]
    )


def test_it_imports_and_names_nothing_of_the_project() -> None:
    assert not imported() & {"infra", "scoring", "model_eval", "journey"}
    names = re.compile(r"sklearn|mnist|\bscoring\b|\binfra\b|model_eval", re.IGNORECASE)
    for page in [*SOURCES, *ROOT.rglob("*.md"), ROOT / "pyproject.toml"]:
        assert names.search(page.read_text()) is None, page


def test_the_coverage_page_is_made_of_the_routes() -> None:
    again = "make it again: python -m local_azure.coverage > local_azure/COVERAGE.md"
    assert (ROOT / "COVERAGE.md").read_text() == coverage.page(), again
