"""Says how an outbox file is laid out, and whether this version can read one."""

from __future__ import annotations

import sqlite3

from lineseal.schemas.errors import OutboxDamaged
from lineseal.transport.embedded.names import OutboxFile

FORMAT = 1

_TABLES = (
    "CREATE TABLE pending(seq INTEGER PRIMARY KEY, crc INTEGER NOT NULL, event BLOB NOT NULL)",
    "CREATE TABLE batch(position INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB NOT NULL)",
    # Pending events that changed on the disk: kept as evidence, counted as a loss.
    "CREATE TABLE damaged(seq INTEGER NOT NULL, crc INTEGER NOT NULL, event BLOB)",
    """CREATE TABLE meta(
        only INTEGER PRIMARY KEY CHECK (only = 1), format INTEGER NOT NULL,
        producer TEXT NOT NULL, sealed_row INTEGER NOT NULL, next_position INTEGER NOT NULL,
        batch_bytes INTEGER NOT NULL,
        head_epoch TEXT, head_batch_seq INTEGER, head_sha256 TEXT)""",
)


def prepare(connection: sqlite3.Connection, file: OutboxFile, producer: str) -> None:
    """Make the tables if there are none yet, in one transaction, and check the format.

    Raises:
        OutboxDamaged: The file is no outbox of this format.

    """
    connection.execute("BEGIN IMMEDIATE")
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(
            "INSERT INTO meta VALUES (1, ?, ?, 0, 0, 0, NULL, NULL, NULL)", (FORMAT, producer)
        )
    connection.execute("COMMIT")
    check_format(connection, file)


def check_format(connection: sqlite3.Connection, file: OutboxFile) -> None:
    """Check that this version can read the file.

    Raises:
        OutboxDamaged: It cannot.

    """
    row = connection.execute("SELECT format FROM meta").fetchone()
    if row is None or row[0] != FORMAT:
        found = None if row is None else row[0]
        raise OutboxDamaged(
            f"{file.database} has format {found}, this Lineseal reads {FORMAT}; use a newer one"
        )
