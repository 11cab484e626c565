"""What a registry holds: which repository has which blobs, manifests and tags."""

from __future__ import annotations

import datetime
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS blobs (
    repository TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
) STRICT;
CREATE TABLE IF NOT EXISTS manifests (
    repository TEXT NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL,
    size INTEGER NOT NULL, created TEXT NOT NULL,
    PRIMARY KEY (repository, digest)
) STRICT;
CREATE TABLE IF NOT EXISTS tags (
    repository TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL,
    created TEXT NOT NULL, updated TEXT NOT NULL,
    PRIMARY KEY (repository, name)
) STRICT;
"""


LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Manifest:
    """A manifest as it is listed; times are ISO 8601."""

    digest: str
    media_type: str
    size: int
    created: str


@dataclass(frozen=True)
class Tag:
    """A tag as it is listed; times are ISO 8601."""

    name: str
    digest: str
    created: str
    updated: str


class Index:
    """One SQLite file, used on the event loop alone.

    A damaged one is put aside and begun anew: what was pushed can be pushed again.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._rows = _opened(path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            aside = path.with_name(f"{path.name}.damaged")
            LOG.warning("%s is damaged (%s), now %s: push again", path, error, aside.name)
            for suffix in ("-wal", "-shm"):
                path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
            path.replace(aside)
            self._rows = _opened(path)

    def close(self) -> None:
        """Close the file."""
        self._rows.close()

    def add_blob(self, repository: str, digest: str, size: int) -> None:
        """Let a repository have a blob."""
        self._rows.execute(
            "INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)", (repository, digest, size)
        )

    def blob_size(self, repository: str, digest: str) -> int | None:
        """The bytes of a blob; None when the repository does not have it."""
        row = self._rows.execute(
            "SELECT size FROM blobs WHERE repository = ? AND digest = ?", (repository, digest)
        ).fetchone()
        return row and row[0]

    def remove_blob(self, repository: str, digest: str) -> bool:
        """Take a blob from a repository. True when no other holds these bytes."""
        self._rows.execute(
            "DELETE FROM blobs WHERE repository = ? AND digest = ?", (repository, digest)
        )
        return not self._held(digest)

    def add_manifest(self, repository: str, manifest: Manifest, tag: str | None) -> None:
        """Let a repository have a manifest, under a tag where one is given."""
        now = timestamp()
        self._rows.execute("BEGIN IMMEDIATE")
        self._rows.execute(
            "INSERT INTO manifests VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "media_type = excluded.media_type",
            (repository, manifest.digest, manifest.media_type, manifest.size, manifest.created),
        )
        if tag is not None:
            self._rows.execute(
                "INSERT INTO tags VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "digest = excluded.digest, updated = excluded.updated",
                (repository, tag, manifest.digest, now, now),
            )
        self._rows.execute("COMMIT")

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """The manifest with this digest or tag."""
        tag = self.tag(repository, reference)
        row = self._rows.execute(
            "SELECT digest, media_type, size, created FROM manifests "
            "WHERE repository = ? AND digest = ?",
            (repository, tag.digest if tag else reference),
        ).fetchone()
        return Manifest(*row) if row else None

    def manifests(self, repository: str, after: str = "", limit: int = -1) -> Sequence[Manifest]:
        """Manifests in the order of their digests."""
        rows = self._rows.execute(
            "SELECT digest, media_type, size, created FROM manifests "
            "WHERE repository = ? AND digest > ? ORDER BY digest LIMIT ?",
            (repository, after, limit),
        )
        return [Manifest(*row) for row in rows]

    def remove_manifest(self, repository: str, digest: str) -> bool:
        """Take a manifest and its tags away. True when no other repository holds these bytes."""
        where = "WHERE repository = ? AND digest = ?"
        self._rows.execute("BEGIN IMMEDIATE")
        self._rows.execute(f"DELETE FROM tags {where}", (repository, digest))  # noqa: S608 - fixed
        self._rows.execute(f"DELETE FROM manifests {where}", (repository, digest))  # noqa: S608
        self._rows.execute("COMMIT")
        return not self._held(digest)

    def tag(self, repository: str, name: str) -> Tag | None:
        """One tag."""
        row = self._rows.execute(
            "SELECT name, digest, created, updated FROM tags WHERE repository = ? AND name = ?",
            (repository, name),
        ).fetchone()
        return Tag(*row) if row else None

    def tags(
        self, repository: str, after: str = "", limit: int = -1, digest: str = ""
    ) -> Sequence[Tag]:
        """Tags in the order of their names, of one manifest where `digest` is given."""
        rows = self._rows.execute(
            "SELECT name, digest, created, updated FROM tags WHERE repository = ? AND name > ? "
            "AND ? IN ('', digest) ORDER BY name LIMIT ?",
            (repository, after, digest, limit),
        )
        return [Tag(*row) for row in rows]

    def remove_tag(self, repository: str, name: str) -> None:
        """Take a tag away; the manifest stays."""
        self._rows.execute("DELETE FROM tags WHERE repository = ? AND name = ?", (repository, name))

    def repositories(self, after: str = "", limit: int = -1) -> Sequence[str]:
        """The names of all repositories that hold a manifest."""
        rows = self._rows.execute(
            "SELECT DISTINCT repository FROM manifests WHERE repository > ? "
            "ORDER BY repository LIMIT ?",
            (after, limit),
        )
        return [row[0] for row in rows]

    def remove_repository(self, repository: str) -> Sequence[str]:
        """Forget a repository. Returns the digests that no other one holds."""
        held = self._rows.execute(
            "SELECT digest FROM blobs WHERE repository = ? UNION "
            "SELECT digest FROM manifests WHERE repository = ?",
            (repository, repository),
        ).fetchall()
        self._rows.execute("BEGIN IMMEDIATE")
        for table in ("tags", "manifests", "blobs"):
            self._rows.execute(f"DELETE FROM {table} WHERE repository = ?", (repository,))  # noqa: S608
        self._rows.execute("COMMIT")
        return [digest for (digest,) in held if not self._held(digest)]

    def _held(self, digest: str) -> bool:
        return self._rows.execute(
            "SELECT EXISTS (SELECT 1 FROM blobs WHERE digest = ? "
            "UNION ALL SELECT 1 FROM manifests WHERE digest = ?)",
            (digest, digest),
        ).fetchone()[0]


def timestamp() -> str:
    """Now, in ISO 8601 and UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")


def _opened(path: Path) -> sqlite3.Connection:
    rows = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        rows.execute("PRAGMA journal_mode = WAL")
        if rows.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("its pages are inconsistent")
        rows.executescript(_SCHEMA)
    except BaseException:
        rows.close()
        raise
    return rows
