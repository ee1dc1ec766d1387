"""Decides when DuckDB may write row groups together that earlier commits left small.

By itself it does so at every checkpoint, as soon as four fit into three: a materialiser that
catches up then writes, and compresses, its newest rows again and again. Measured on 700,000
events: COMMIT took 33 microseconds of processor time for each, without it 12, and the file became
a fifth smaller. Never to do it would leave a store that takes a little at a time in ever more
pieces. So it is off until so many pieces are there that one writing together is worth it, and
looked at again every few commits.
"""

from __future__ import annotations

import duckdb

SETTING = "max_vacuum_tasks"
"""DuckDB's setting; ``Store`` leaves it changeable when it locks the configuration."""
_OFF, _ON = 0, 2
"""So many tasks for each table, of at most three full row groups: no single commit takes long."""
ROW_GROUP = 122_880
"""Rows of a full row group."""
MAX_PIECES = 48
"""Row groups more than needed from which writing them together begins."""
_EVERY = 16
"""Commits between two looks."""


class RowGroups:
    """Switches the writing together for one store."""

    def __init__(self) -> None:
        """Look before the first commit."""
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._left = 0

    def before_commit(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Look, where it is time, whether there are too many pieces; call it outside of BEGIN."""
        if connection is not self._connection:
            self._connection, self._left = connection, 0
        if self._left:
            self._left -= 1
            return
        self._left = _EVERY - 1
        allowed = _ON if pieces(connection) > MAX_PIECES else _OFF
        connection.execute(f"SET {SETTING} = {allowed}")


def pieces(connection: duckdb.DuckDBPyConnection) -> int:
    """Count the row groups of ``batch`` that it would not have if all were full.

    Every commit that brings events adds to it, and it is small.
    """
    ((groups, rows),) = connection.execute(
        "SELECT (SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('batch')),"
        " (SELECT count(*) FROM batch)"
    ).fetchall()
    return int(groups) - int(rows) // ROW_GROUP
