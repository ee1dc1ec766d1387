"""How the forwarder's file is laid out: the feed, and how far each sink is in it."""

from __future__ import annotations

import os
import sqlite3
import uuid
from pathlib import Path

from lineseal.schemas.errors import FeedError

FORMAT = 1
_BUSY_MS = 10_000
_TABLES = """
CREATE TABLE IF NOT EXISTS feed(
  only INTEGER PRIMARY KEY CHECK (only = 1), format INTEGER NOT NULL, feed_id TEXT NOT NULL);
-- How far the store was read: a position, and what stood there.
CREATE TABLE IF NOT EXISTS source(
  name TEXT PRIMARY KEY, position INTEGER NOT NULL, mark TEXT NOT NULL);
-- The feed. No holes in feed_seq; a document that every sink has is forgotten after a while, its
-- uid never: it keeps a store that was rebuilt from being sent again.
CREATE TABLE IF NOT EXISTS record(
  feed_seq INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  added_at INTEGER NOT NULL, document TEXT);
-- Everything up to and including confirmed is settled at that sink: confirmed or a dead letter.
CREATE TABLE IF NOT EXISTS sink(
  name TEXT PRIMARY KEY, confirmed INTEGER NOT NULL DEFAULT 0, parked TEXT, parked_at INTEGER,
  trouble TEXT, sent INTEGER NOT NULL DEFAULT 0, retried INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0, confirmed_at INTEGER);
CREATE TABLE IF NOT EXISTS dead_letter(
  sink TEXT NOT NULL, feed_seq INTEGER NOT NULL, uid TEXT NOT NULL, first_seen INTEGER NOT NULL,
  attempts INTEGER NOT NULL, status INTEGER, error TEXT NOT NULL,
  redrive INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (sink, feed_seq));
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the forwarder's file, made (0600) when it is not there.

    Raises:
        FeedError: It cannot be opened, or is of another program or a newer Lineseal.

    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise FeedError(f"cannot open {path}: {error}") from error
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise FeedError(f"{path} cannot be used as the forwarder's file: {error}") from error
    except FeedError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript("BEGIN IMMEDIATE;" + _TABLES + "COMMIT;")
    connection.execute("INSERT OR IGNORE INTO feed VALUES (1, ?, ?)", (FORMAT, str(uuid.uuid4())))
    found = connection.execute("SELECT format FROM feed").fetchone()[0]
    if found != FORMAT:
        raise FeedError(f"{path} has format {found}, this Lineseal reads {FORMAT}; use a newer one")
