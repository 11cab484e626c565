"""What a workspace remembers of its models, in the stand-in's database."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from local_azure import clock

Document = dict[str, Any]


def new_model(name: str, version: int, url: str) -> Document:
    """What every version of a model has from its beginning; `url` names its asset."""
    now = clock.now()
    return {
        "id": f"{name}:{version}",
        "name": name,
        "version": version,
        "url": url,
        "mimeType": "application/json",
        "kvTags": {},
        "properties": {},
        "datasets": [],
        "createdTime": now,
        "modifiedTime": now,
        "createdBy": {"userName": "local-azure"},
        "derivedModelIds": [],
    }


_SCHEMA = """
CREATE TABLE IF NOT EXISTS ml_models (
    workspace TEXT NOT NULL,         -- the workspace's id in lower case
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT,                   -- NULL once it was deleted: its number is not given again
    PRIMARY KEY (workspace, name, version)
) STRICT;
CREATE TABLE IF NOT EXISTS ml_assets (
    workspace TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (workspace, id)
) STRICT;
CREATE TABLE IF NOT EXISTS ml_artifacts (
    workspace TEXT NOT NULL,
    path TEXT NOT NULL,              -- origin/container/path
    blob TEXT NOT NULL,              -- the blob's name
    PRIMARY KEY (workspace, path)
) STRICT;
"""


@dataclass(frozen=True)
class Tables:
    """Models, assets and artifacts by workspace; a workspace is named by its ARM id.

    Attributes:
        database: The stand-in's.
    """

    database: sqlite3.Connection

    def __post_init__(self) -> None:
        self.database.executescript(_SCHEMA)

    def next_version(self, workspace: str, name: str) -> int:
        """The number of the model's next version, from 1."""
        (last,) = self.database.execute(
            "SELECT max(version) FROM ml_models WHERE workspace = ? AND name = ?",
            (workspace.lower(), name),
        ).fetchone()
        return (last or 0) + 1

    def put_model(self, workspace: str, model: Document) -> None:
        """Insert or replace one version."""
        self.database.execute(
            "INSERT INTO ml_models VALUES (?, ?, ?, ?) ON CONFLICT (workspace, name, version) "
            "DO UPDATE SET document = excluded.document",
            (workspace.lower(), model["name"], model["version"], json.dumps(model)),
        )

    def model(self, workspace: str, name: str, version: str) -> Document | None:
        """One version."""
        row = self.database.execute(
            "SELECT document FROM ml_models "
            "WHERE workspace = ? AND name = ? AND CAST(version AS TEXT) = ?",
            (workspace.lower(), name, version),
        ).fetchone()
        return json.loads(row[0]) if row and row[0] else None

    def remove_model(self, workspace: str, model: Document) -> None:
        """Forget one version, but not its number."""
        self.database.execute(
            "UPDATE ml_models SET document = NULL WHERE workspace = ? AND name = ? AND version = ?",
            (workspace.lower(), model["name"], model["version"]),
        )

    def models(self, workspace: str) -> list[Document]:
        """All versions of all models, newest first."""
        rows = self.database.execute(
            "SELECT document FROM ml_models WHERE workspace = ? AND document IS NOT NULL "
            "ORDER BY rowid DESC",
            (workspace.lower(),),
        )
        return [json.loads(row[0]) for row in rows]

    def put_asset(self, workspace: str, identifier: str, document: Document) -> None:
        """Insert an asset."""
        self.database.execute(
            "INSERT INTO ml_assets VALUES (?, ?, ?)",
            (workspace.lower(), identifier, json.dumps(document)),
        )

    def asset(self, workspace: str, identifier: str) -> Document | None:
        """One asset."""
        row = self.database.execute(
            "SELECT document FROM ml_assets WHERE workspace = ? AND id = ?",
            (workspace.lower(), identifier),
        ).fetchone()
        return json.loads(row[0]) if row else None

    def put_artifact(self, workspace: str, path: str, blob: str) -> None:
        """Insert or replace an artifact."""
        self.database.execute(
            "INSERT OR REPLACE INTO ml_artifacts VALUES (?, ?, ?)", (workspace.lower(), path, blob)
        )

    def artifacts(self, workspace: str, prefix: str) -> list[tuple[str, str]]:
        """Path and blob of the artifact `prefix` and of all under it, by path."""
        return self.database.execute(
            "SELECT path, blob FROM ml_artifacts WHERE workspace = ? "
            "AND (path = ? OR substr(path, 1, ?) = ?) ORDER BY path",
            (workspace.lower(), prefix, len(prefix) + 1, prefix + "/"),
        ).fetchall()

    def all_artifacts(self, workspace: str) -> list[tuple[str, str]]:
        """Path and blob of every artifact of a workspace, by path."""
        return self.database.execute(
            "SELECT path, blob FROM ml_artifacts WHERE workspace = ? ORDER BY path",
            (workspace.lower(),),
        ).fetchall()

    def remove_workspace(self, workspace: str) -> list[str]:
        """Forget all of a workspace; returns the names of its blobs."""
        key = (workspace.lower(),)
        blobs = self.database.execute("SELECT blob FROM ml_artifacts WHERE workspace = ?", key)
        names = [row[0] for row in blobs]
        self.database.execute("DELETE FROM ml_artifacts WHERE workspace = ?", key)
        self.database.execute("DELETE FROM ml_assets WHERE workspace = ?", key)
        self.database.execute("DELETE FROM ml_models WHERE workspace = ?", key)
        return names
