"""Everything the stand-in remembers: one SQLite database."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_azure.arm.ids import parse
from local_azure.arm.service import Body, Resource
from local_azure.errors import LocalAzureError

VERSION = 1
"""Written into the database; another version is refused, never migrated by guess."""

_SCHEMA = """
CREATE TABLE resources (
    key TEXT PRIMARY KEY,            -- the id in lower case
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    subscription TEXT NOT NULL,      -- lower case
    resource_group TEXT NOT NULL,    -- lower case, '' above resource groups
    body TEXT NOT NULL,
    created REAL NOT NULL,
    changed REAL NOT NULL
) STRICT;
CREATE INDEX resources_by_group ON resources (subscription, resource_group);
CREATE TABLE soft_deleted (
    key TEXT PRIMARY KEY,            -- the id in lower case
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,              -- lower case
    body TEXT NOT NULL,
    deleted REAL NOT NULL,
    purge REAL NOT NULL              -- when it is purged by itself
) STRICT;
CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    resource TEXT NOT NULL,
    status TEXT NOT NULL,
    error TEXT,
    started REAL NOT NULL,
    ended REAL
) STRICT;
"""


@dataclass(frozen=True)
class Stored:
    """A resource with its times (seconds since 1970)."""

    resource: Resource
    created: float
    changed: float


@dataclass(frozen=True)
class SoftDeleted:
    """A resource that was deleted and still holds its name (times in seconds since 1970)."""

    resource: Resource
    deleted: float
    purge: float


class Store:
    """The database, used from one thread: the event loop's.

    Raises:
        LocalAzureError: the file is no database, is damaged, or was written by another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA synchronous = NORMAL")
            self.connection.execute("PRAGMA foreign_keys = ON")
            if self.connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("its pages are inconsistent")
            version = self.connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self.connection.executescript(
                    f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;"
                )
            elif version != VERSION:
                raise LocalAzureError(
                    f"{path} was written by version {version} of the stand-in, this is version "
                    f"{VERSION}; start afresh: python -m local_azure reset"
                )
        except sqlite3.Error as error:
            raise LocalAzureError(
                f"{path} is damaged ({error}); start afresh: python -m local_azure reset"
            ) from error

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def get(self, resource_id: str) -> Resource | None:
        """The resource with this id, in whatever case."""
        found = self.find(resource_id)
        return found and found.resource

    def find(self, resource_id: str) -> Stored | None:
        """The same, with its times."""
        row = self.connection.execute(
            "SELECT id, type, body, created, changed FROM resources WHERE key = ?",
            (resource_id.lower(),),
        ).fetchone()
        return _stored(row) if row else None

    def age(self, resource_id: str) -> float:
        """Seconds since a resource was made; 0 for one that does not exist."""
        found = self.find(resource_id)
        return time.time() - found.created if found else 0.0

    def put(self, resource: Resource) -> None:
        """Insert or replace; an existing resource keeps its time of creation and its id's case."""
        rid = parse(resource.id)
        now = time.time()
        self.connection.execute(
            "INSERT INTO resources VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET body = excluded.body, changed = excluded.changed",
            (
                rid.key,
                resource.id,
                resource.type,
                rid.subscription.lower(),
                rid.group.lower(),
                json.dumps(resource.body),
                now,
                now,
            ),
        )

    def remove(self, resource_id: str) -> None:
        """Forget a resource; no error if there is none."""
        self.connection.execute("DELETE FROM resources WHERE key = ?", (resource_id.lower(),))

    def list(self, type_name: str) -> list[Resource]:
        """All resources of one type, oldest first."""
        return [stored.resource for stored in self.select() if _same(stored.resource, type_name)]

    def select(self, subscription: str = "", group: str = "") -> list[Stored]:
        """Resources of everything, of a subscription or of a resource group, oldest first."""
        rows = self.connection.execute(
            "SELECT id, type, body, created, changed FROM resources "
            "WHERE ? IN ('', subscription) AND ? IN ('', resource_group) ORDER BY created, rowid",
            (subscription.lower(), group.lower()),
        )
        return [_stored(row) for row in rows]

    def under(self, resource_id: str) -> list[Resource]:
        """What lives in or extends a resource, oldest first."""
        prefix = resource_id.lower() + "/"
        rows = self.connection.execute(
            "SELECT id, type, body, created, changed FROM resources "
            "WHERE substr(key, 1, ?) = ? ORDER BY created, rowid",
            (len(prefix), prefix),
        )
        return [_stored(row).resource for row in rows]

    def soft_delete(self, kept: SoftDeleted) -> None:
        """Remember a deleted resource."""
        resource = kept.resource
        self.connection.execute(
            "INSERT OR REPLACE INTO soft_deleted VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                resource.id.lower(),
                resource.id,
                resource.type,
                resource.name.lower(),
                json.dumps(resource.body),
                kept.deleted,
                kept.purge,
            ),
        )

    def soft_deleted(self, type_name: str, name: str = "") -> list[SoftDeleted]:
        """The soft-deleted resources of one type, of one name where it is given; oldest first."""
        rows = self.connection.execute(
            "SELECT id, type, body, deleted, purge FROM soft_deleted "
            "WHERE type = ? AND ? IN ('', name) ORDER BY deleted",
            (type_name, name.lower()),
        )
        return [
            SoftDeleted(Resource(row[0], row[1], json.loads(row[2])), row[3], row[4])
            for row in rows
        ]

    def forget(self, resource: Resource) -> None:
        """Purge a soft-deleted resource."""
        self.connection.execute("DELETE FROM soft_deleted WHERE key = ?", (resource.id.lower(),))

    def forget_before(self, now: float) -> None:
        """Purge what was due by `now`."""
        self.connection.execute("DELETE FROM soft_deleted WHERE purge <= ?", (now,))


def _same(resource: Resource, type_name: str) -> bool:
    return resource.type.lower() == type_name.lower()


def _stored(row: tuple[Any, ...]) -> Stored:
    body: Body = json.loads(row[2])
    return Stored(Resource(row[0], row[1], body), row[3], row[4])
