"""Everything the sandbox remembers, in one SQLite file, so that a restart forgets nothing.

One connection under one lock: a request is one transaction, and all that it did (the object, its
events, the answer saved under its idempotency key) is kept or dropped together.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from stripe_sandbox.messages import Json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, account TEXT,
    body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS object_by_kind ON object (kind, account, seq);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS call (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS saved (
    scope TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL,
    body BLOB NOT NULL, request_id TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (
    seq INTEGER PRIMARY KEY, event TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
    attempts INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL, outcome TEXT,
    options TEXT NOT NULL DEFAULT '{}');
"""
_EMPTY = (
    "DELETE FROM object",
    "DELETE FROM counter",
    "DELETE FROM setting",
    "DELETE FROM call",
    "DELETE FROM saved",
    "DELETE FROM delivery",
)
_LOCK_SECONDS = 0.5
_ID_LENGTH = {"acct": 16, "req": 14, "cs_test": 58}


class Store:
    """Objects by id, in the order they were made; counters, settings and the sandbox's clock."""

    def __init__(self, path: str = ":memory:") -> None:
        self._lock = threading.RLock()
        self.db = sqlite3.connect(
            path, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False
        )
        self.db.row_factory = sqlite3.Row
        # Another server on the same file would hand out the same ids: refuse to share it.
        self.db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = OFF")  # a killed process loses nothing by it
        self.db.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} COMMIT;")

    def close(self) -> None:
        with self._lock:
            self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; not to be nested (SQLite refuses)."""
        with self._lock:
            self.db.execute("BEGIN")
            try:
                yield
            except BaseException:
                self.db.execute("ROLLBACK")
                raise
            self.db.execute("COMMIT")

    def clear(self) -> None:
        """Forget everything, except where webhooks go."""
        target = self.setting("target")
        for statement in _EMPTY:
            self.db.execute(statement)
        if target is not None:
            self.set("target", target)

    # Objects

    def next_id(self, prefix: str) -> str:
        """Counted from one for each prefix, in Stripe's shape and length."""
        row = self.db.execute(
            "INSERT INTO counter VALUES (?, 1)"
            " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (prefix,),
        ).fetchone()
        width = _ID_LENGTH.get(prefix, 24) - len("Sandbox")
        return f"{prefix}_Sandbox{row['value']:0{width}d}"

    def put(self, body: Json, *, account: str | None = None) -> Json:
        """Keep or replace the object under its id; it keeps its place and its owner."""
        self.db.execute(
            "INSERT INTO object (id, kind, account, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (body["id"], body["object"], account, json.dumps(body)),
        )
        return body

    def get(self, kind: str, object_id: str, *, account: str | None = None) -> Json | None:
        row = self.db.execute(
            "SELECT body FROM object WHERE kind = ? AND id = ? AND account IS ?",
            (kind, object_id, account),
        ).fetchone()
        return None if row is None else _object(row)

    def find(self, object_id: str) -> Json | None:
        """The object of that id, whatever its kind and owner."""
        row = self.db.execute("SELECT body FROM object WHERE id = ?", (object_id,)).fetchone()
        return None if row is None else _object(row)

    def newest_first(self, kind: str, *, account: str | None = None) -> list[Json]:
        rows = self.db.execute(
            "SELECT body FROM object WHERE kind = ? AND account IS ? ORDER BY seq DESC",
            (kind, account),
        )
        return [_object(row) for row in rows]

    def by_kind(self) -> dict[str, list[Json]]:
        """Every object, in the order of making."""
        kinds: dict[str, list[Json]] = {}
        for row in self.db.execute("SELECT kind, body FROM object ORDER BY seq"):
            kinds.setdefault(row["kind"], []).append(_object(row))
        return kinds

    def remove(self, object_id: str) -> bool:
        return self.db.execute("DELETE FROM object WHERE id = ?", (object_id,)).rowcount > 0

    def sessions_past_their_time(self) -> list[Json]:
        rows = self.db.execute(
            "SELECT body FROM object WHERE kind = 'checkout.session'"
            " AND json_extract(body, '$.status') = 'open'"
            " AND json_extract(body, '$.expires_at') <= ?",
            (self.now(),),
        )
        return [_object(row) for row in rows]

    def balances(self, account: str | None) -> dict[str, int]:
        """What the account has, by currency: the sum of its balance transactions."""
        rows = self.db.execute(
            "SELECT json_extract(body, '$.currency') AS currency,"
            " SUM(json_extract(body, '$.net')) AS net FROM object"
            " WHERE kind = 'balance_transaction' AND account IS ? GROUP BY 1 ORDER BY 1",
            (account,),
        )
        return {row["currency"]: row["net"] for row in rows}

    # Settings and the clock

    def setting(self, name: str) -> str | None:
        row = self.db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row["value"])

    def set(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def now(self) -> int:
        """Seconds since the epoch, as far ahead of the real clock as a test has set it."""
        return int(time.time()) + int(self.setting("ahead") or 0)


def _object(row: sqlite3.Row) -> Json:
    body: Json = json.loads(row["body"])
    return body
