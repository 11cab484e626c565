"""Runs Pulumi: the preview itself, and what is needed to mask secrets and to see past them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infra.preview import engine, events, paths, secret_lists, unknowns
from infra.preview.engine import PreviewError
from infra.preview.plan import Plan
from infra.preview.secret_lists import Opened

_EVENTS = "PULUMI_ENABLE_STREAMING_JSON_PREVIEW"
_SHOW = ("--show-sames", "--show-secrets")
"""The unchanged are judged by the policies too; secrets show in the plan, never in the events."""


@dataclass(frozen=True)
class Preview:
    """What Pulumi told.

    Attributes:
        events: The output of `pulumi preview --json`, an event a line; secrets are blinded in it.
        opened: Lists that are secret as a whole, and every secret text: only ever held in memory.
    """

    events: str
    opened: Opened

    def plan(self) -> Plan:
        """The plan that was told: secret lists opened, and what is unknown settled.

        Raises:
            PreviewError: The events are none of Pulumi's.
        """
        opened = secret_lists.open_lists(events.read(self.events), self.opened)
        return unknowns.settle(opened, self.opened.sources)


def whole(plan: Plan) -> Plan:
    """A plan that came to its end.

    Raises:
        PreviewError: It did not.
    """
    if plan.failed:
        raise PreviewError(f"`pulumi preview` failed: {plan.reason or 'it did not end'}")
    return plan


def run(
    stack: str,
    folder: Path,
    *,
    refresh: bool = False,
    state: Mapping[str, Any] | None = None,
) -> Preview:
    """Preview a stack; a preview that failed tells so in its events.

    Args:
        stack: The stack's name.
        folder: A folder of the Pulumi project.
        refresh: Whether the program is compared with the cloud, as an update that refreshes does,
            rather than with the state. The state is not written either way.
        state: What `pulumi stack export --show-secrets` wrote, if that is known already.

    Raises:
        PreviewError: Pulumi cannot be started, or failed without saying why in its events.
    """
    shown = ["--show-secrets", "--stack", stack]
    with ThreadPoolExecutor() as pool:
        configured = pool.submit(engine.document, ["config", "--json", *shown], folder)
        exported = (
            pool.submit(engine.document, ["stack", "export", *shown], folder)
            if state is None
            else None
        )
        previewed = pool.submit(_preview, stack, folder, refresh=refresh)
    config = configured.result()
    known = exported.result() if exported else state
    told, update = previewed.result()
    opened = secret_lists.read(known or {}, update)
    texts = {
        str(leaf)
        for each in config.values()
        if each.get("secret")
        for leaf in paths.leaves(each.get("objectValue", each.get("value")))
        if leaf is not None and not isinstance(leaf, bool)
    }
    return Preview(told, replace(opened, secrets=opened.secrets | texts))


def _preview(stack: str, folder: Path, *, refresh: bool) -> tuple[str, Mapping[str, Any]]:
    """The events and the update plan. The plan has secrets in it: a pipe keeps it off the disk."""
    more = ["--refresh"] if refresh else []
    reader, writer = os.pipe()
    parts: list[bytes] = []
    thread = threading.Thread(target=_drain, args=(reader, parts), daemon=True)
    thread.start()
    try:
        done = engine.run(
            ["preview", "--json", "--stack", stack, *_SHOW, *more, f"--save-plan=/dev/fd/{writer}"],
            folder,
            {_EVENTS: "true"},
            (writer,),
        )
    finally:
        os.close(writer)
    if done.returncode and '"diagnosticEvent"' not in done.stdout:
        raise PreviewError(f"`pulumi preview` failed: {engine.said(done)}")
    thread.join(timeout=10)
    try:
        return done.stdout, json.loads(b"".join(parts))
    except ValueError:
        return done.stdout, {}


def _drain(reader: int, parts: list[bytes]) -> None:
    with os.fdopen(reader, "rb") as pipe:
        parts.append(pipe.read())
