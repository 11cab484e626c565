"""Gives the site the repository's own pages, at their own places, and what these link to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
FIRST = (
    *("first-deployment", "configuration", "architecture", "azure"),
    *("security", "operations", "scale", "performance", "ageing"),
)
ROOMS = ("infra", "infra/review", "infra/drift", "scoring", "model_eval", "local_azure")
PROJECT = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
_LINK = re.compile(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)|src=\"([^\":]+)\"")


def pages() -> list[Path]:
    """Every page of the site, as a path in the repository."""
    found = [Path("README.md"), *_documents()]
    found += [Path(room) / "README.md" for room in ROOMS]
    found += [Path("local_azure/COVERAGE.md"), Path("local_azure/containers/README.md")]
    return [*found, *map(Path, PROJECT)]


def on_config(config: Any) -> Any:
    """Order them: what a reader wants first stands first."""
    config.nav = [
        {"Start": "README.md"},
        {"Documentation": [page.as_posix() for page in _documents()]},
        {"Rooms": [f"{room}/README.md" for room in ROOMS]},
        {"Project": list(PROJECT)},
    ]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Take the pages from where they lie, with the files of the repository that they link to."""
    wanted = {page.as_posix(): None for page in pages()}
    for page in list(wanted):
        text = (ROOT / page).read_text(encoding="utf-8")
        for link in (one or two for one, two in _LINK.findall(text)):
            target = (ROOT / page).parent / link
            if target.is_file() and target.resolve().is_relative_to(ROOT):
                wanted[target.resolve().relative_to(ROOT).as_posix()] = None
    kept = [file for file in files if file.src_uri.startswith(("assets/", "javascripts/"))]
    return Files(
        [
            *kept,
            *(
                File(path, str(ROOT), config.site_dir, use_directory_urls=config.use_directory_urls)
                for path in wanted
            ),
        ]
    )


def _documents() -> list[Path]:
    names = [page.stem for page in (ROOT / "docs").glob("*.md")]
    order = {name: place for place, name in enumerate(FIRST)}
    names.sort(key=lambda name: (order.get(name, len(order)), name))
    return [Path("docs") / f"{name}.md" for name in names]
