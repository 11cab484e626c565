"""Renders a room's template in the layout that all pages share."""

from __future__ import annotations

import base64
import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from pages import heat

FOLDER = Path(__file__).parent
_MARKED = re.compile(r"`([^`\n]*)`|\*\*((?:`[^`\n]*`|[^`\n])+?)\*\*")
_SEAM = re.compile(r"(?<=[./:@])|(?=\[)")


def render(template: Path, content: Mapping[str, Any]) -> str:
    """One self-contained HTML page.

    Every value is escaped. The page forbids the browser to fetch anything, so a value that were
    read as markup all the same would load nothing.

    Args:
        template: A file that extends `layout.html.jinja`, in the folder of the room that owns it.
        content: What the template names; a name that is missing is an error.
    """
    engine = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, FOLDER]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters |= {
        "heat": heat.cells,
        "change": heat.changes,
        "png": png,
        "inline": inline,
        "path": path,
    }
    return engine.get_template(template.name).render(
        **content,
        style=Markup((FOLDER / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
        made=f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
    )


def png(picture: bytes) -> str:
    """A PNG file as the address of an image in the page."""
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def inline(text: str) -> Markup:
    """Text with `code` and **bold**, as the reports have it for Markdown; all else is escaped."""
    shown: list[Markup] = []
    end = 0
    for found in _MARKED.finditer(text):
        code, bold = found.groups()
        shown.append(escape(_visible(text[end : found.start()])))
        if code is None:
            shown.append(Markup("<strong>{}</strong>").format(inline(bold)))
        else:
            shown.append(Markup("<code>{}</code>").format(path(code)))
        end = found.end()
    return Markup("").join([*shown, escape(_visible(text[end:]))])


def path(text: str) -> Markup:
    """A property's path, which a narrow column breaks between its names, not within one."""
    return Markup("<wbr>").join(escape(_visible(part)) for part in _SEAM.split(text))


def _visible(value: Any) -> Any:
    """Characters that would not be seen, or that turn the direction of text, as escapes."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "".join(
        one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in value
    )
