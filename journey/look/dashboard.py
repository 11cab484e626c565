"""The page: resources, the endpoint, the last checks, and the pad."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from journey.look import picture
from pages import page

TEMPLATE = Path(__file__).with_name("dashboard.html.jinja")
SCRIPT = Path(__file__).with_name("pad.js")
FILE = "index.html"


@dataclass(frozen=True)
class Check:
    """The last run of a command.

    Attributes:
        name: What it was.
        word: Its result in a word.
        kind: `good`, `warn`, `bad`, or empty where it was never run.
        text: Its result in a line.
        page: The file name of its own page, or empty.
        command: What to type to run it.
    """

    name: str
    word: str
    kind: str
    text: str
    page: str
    command: str


@dataclass(frozen=True)
class Digits:
    """Real digits to begin with, for who cannot draw or does not want to.

    Attributes:
        rows: 784 pixels each, 0 to 255.
        labels: What each is.
    """

    rows: Sequence[Sequence[int]]
    labels: Sequence[int | str]


def render(
    out: Path,
    resources: Iterable[Mapping[str, Any]],
    outputs: Mapping[str, Any],
    state: str,
    served: str,
    digits: Digits | None,
) -> str:
    """The whole page.

    Args:
        out: The folder with the results of the commands, where the page will lie.
        resources: Of the stack, as Pulumi's state lists them.
        outputs: Of the stack; the key is not among them.
        state: Of the container group, in Azure's word, or how many pods are ready; what begins
            with `Running` is well.
        served: Where the same page is served, with the pad; empty for nowhere.
        digits: What the pad offers; None where the model takes no images of 28 x 28.
    """
    # A page may hold a script only by its digest: nothing that a value smuggles in runs.
    script = SCRIPT.read_text(encoding="utf-8") if served and digits else ""
    content = {
        "picture": picture.draw(resources),
        "outputs": outputs,
        "checks": checks(out),
        "state": state,
        "served": served,
        "digits": _digits(digits) if script and digits else None,
        "script": Markup(script),  # noqa: S704 - our own
        "script_digest": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "sizes": {"width": picture.WIDTH, "height": picture.HEIGHT},
    }
    return page.render(TEMPLATE, content)


def checks(out: Path) -> list[Check]:
    """The last validation, smoke test, review and drift check, each as its own report says."""
    found = []
    for name, file, page_, command, told in (
        ("Validation", "report.json", "validation.html", "make up", _validation),
        ("Smoke test", "smoke.json", "smoke.html", "make smoke", _smoke),
        ("Review", "review.json", "review.html", "make review", _review),
        ("Drift check", "drift.json", "drift.html", "make drift", _drift),
    ):
        report = _read(out / file)
        if report:
            there = page_ if (out / page_).is_file() else ""
            found.append(Check(name, *told(report), there, command))
        else:
            found.append(Check(name, "not run yet", "", "", "", command))
    return found


def _validation(report: Any) -> tuple[str, str, str]:
    """A report's word, kind and text."""
    return "passed", "good", f"accuracy {report['accuracy']:.4f} on {report['rows']} rows"


def _smoke(report: Any) -> tuple[str, str, str]:
    samples = report["samples"]
    right = sum(a == b for a, b in zip(samples["truth"], samples["predicted"], strict=False))
    word, kind = ("passed", "good") if report["passed"] else ("failed", "bad")
    return word, kind, f"{right} of {len(samples['truth'])} samples right"


def _review(report: Any) -> tuple[str, str, str]:
    changes = len(report["changes"])
    word, kind = (f"{changes} to change", "warn") if changes else ("nothing changes", "good")
    mandatory = any(one["mandatory"] for one in report["findings"])
    if report["failed"] or report["obstacles"] or mandatory:
        word, kind = "must not be made", "bad"
    return word, kind, str(report["verdict"])


def _drift(report: Any) -> tuple[str, str, str]:
    codes = {0: ("in sync", "good"), 7: ("drift", "warn")}
    word, kind = codes.get(report["code"], ("broke", "bad"))
    return word, kind, str(report["verdict"])


def _read(file: Path) -> Any:
    """A report; a damaged one is none."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None


def _digits(digits: Digits) -> list[dict[str, Any]]:
    return [
        {"label": label, "pixels": base64.b64encode(bytes(row)).decode()}
        for row, label in zip(digits.rows, digits.labels, strict=True)
    ]
