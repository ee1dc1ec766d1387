"""Says how an outbox file is laid out, and whether this version can read one.

Whoever may write the log folder may write SQL into a file: a trigger would change events before
they are sealed, a view would never end. Hence a file counts only with exactly our tables, and
nothing else in it is ever run.
"""

from __future__ import annotations

import sqlite3

from lineseal.schemas.errors import OutboxDamaged
from lineseal.transport.embedded.names import OutboxFile

FORMAT = 1
MAX_POSITION = 1 << 62
"""Largest number a row of a file may have; one more still fits wherever it is stored."""

_TABLES = (
    """CREATE TABLE pending(
        seq INTEGER PRIMARY KEY, crc INTEGER NOT NULL, mac BLOB NOT NULL, event BLOB NOT NULL)""",
    "CREATE TABLE batch(position INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB NOT NULL)",
    # Pending events that changed on the disk or were never ours: evidence, counted as lost.
    "CREATE TABLE damaged(seq INTEGER NOT NULL, crc INTEGER NOT NULL, mac BLOB, event BLOB)",
    """CREATE TABLE meta(
        only INTEGER PRIMARY KEY CHECK (only = 1), format INTEGER NOT NULL,
        producer TEXT NOT NULL, sealed_row INTEGER NOT NULL, next_position INTEGER NOT NULL,
        batch_bytes INTEGER NOT NULL,
        head_epoch TEXT, head_batch_seq INTEGER, head_sha256 TEXT, mac BLOB)""",
)
_LAYOUT = frozenset(
    (b"table", name, name, statement.encode())
    for statement in _TABLES
    for name in [statement.partition("(")[0].removeprefix("CREATE TABLE ").encode()]
)


def distrust(connection: sqlite3.Connection) -> None:
    """Let nothing written in the file's schema run functions; call it first."""
    connection.execute("PRAGMA trusted_schema = OFF")


def prepare(connection: sqlite3.Connection, file: OutboxFile, producer: str) -> int:
    """Make the tables if there are none yet, in one transaction, and check the format.

    Returns:
        The mark of the layout that was checked, see ``layout_mark``.

    Raises:
        OutboxDamaged: The file is no outbox of this format.

    """
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(
            "INSERT INTO meta VALUES (1, ?, ?, 0, 0, 0, NULL, NULL, NULL, NULL)", (FORMAT, producer)
        )
    check_format(connection, file)
    mark = layout_mark(connection)
    connection.execute("COMMIT")
    return mark


def layout_mark(connection: sqlite3.Connection) -> int:
    """Return a number that changes with every table, view or trigger made or dropped."""
    return int(connection.execute("PRAGMA schema_version").fetchone()[0])


def check_format(connection: sqlite3.Connection, file: OutboxFile) -> None:
    """Check that this version can read the file, in the transaction that then reads it.

    Raises:
        OutboxDamaged: It cannot: something else than our tables is in it, or a newer format.

    """
    check_layout(connection, file)
    row = connection.execute(
        "SELECT CASE typeof(format) WHEN 'integer' THEN format END FROM meta"
    ).fetchone()
    if row is None or row[0] != FORMAT:
        found = None if row is None else row[0]
        raise OutboxDamaged(
            f"{file.database} has format {found}, this Lineseal reads {FORMAT}; use a newer one"
        )


def check_layout(connection: sqlite3.Connection, file: OutboxFile) -> None:
    """Check that the file holds our tables and nothing else: no view, trigger or index.

    Raises:
        OutboxDamaged: It holds something else.

    """
    found = connection.execute(
        "SELECT CAST(type AS BLOB), CAST(name AS BLOB), CAST(tbl_name AS BLOB), CAST(sql AS BLOB)"
        " FROM sqlite_master LIMIT ?",
        (len(_TABLES) + 1,),
    ).fetchall()
    if len(found) != len(_TABLES) or frozenset(found) != _LAYOUT:
        raise OutboxDamaged(
            f"{file.database} is damaged: it does not hold exactly the tables of an outbox; "
            "somebody changed it, or it is of another program or a newer Lineseal"
        )
