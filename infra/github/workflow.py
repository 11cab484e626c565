"""What a running workflow of GitHub's offers: its address, its summary and its annotations."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Literal

MOST_SUMMARY = 1_000_000
"""Bytes that one step may add to the summary: GitHub takes 1 MiB."""


def run_url() -> str:
    """The address of the run, or empty outside of one."""
    return _url(f"actions/runs/{os.environ.get('GITHUB_RUN_ID')}", r"actions/runs/\d+")


def blob_url(path: str) -> str:
    """The address of a file of the commit that the run is for, or empty outside of one."""
    return _url(f"blob/{os.environ.get('GITHUB_SHA')}/{path}", r"blob/[0-9a-f]{40}/[\w./-]+")


def _url(place: str, pattern: str) -> str:
    """The address of a place in the repository; empty where it is none."""
    server, repository = (
        os.environ.get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY")
    )
    url = f"{server}/{repository}/{place}"
    whole = rf"https?://[A-Za-z0-9.:-]+/[\w.-]+/[\w.-]+/{pattern}"
    return url if re.fullmatch(whole, url, re.ASCII) else ""


def summarize(text: str) -> bool:
    """Add Markdown to the job's summary; whether there is one to add to."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return False
    content = f"{text.rstrip()}\n\n".encode()
    if len(content) > MOST_SUMMARY:
        content = content[:MOST_SUMMARY].rpartition(b"\n")[0] + b"\n\nThe rest does not fit.\n"
    try:
        with Path(name).open("ab") as file:
            file.write(content)
    except OSError:
        # The summary is the second place of a report; it never decides how a check ends.
        return False
    return True


def annotate(level: Literal["error", "warning", "notice"], title: str, message: str) -> None:
    """Put a line on the run's first page; nothing happens outside of a workflow."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        named = _data(title).replace(":", "%3A").replace(",", "%2C")
        sys.stdout.write(f"::{level} title={named}::{_data(message)}\n")


def _data(text: str) -> str:
    """As the toolkit of GitHub's actions writes a value into a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
